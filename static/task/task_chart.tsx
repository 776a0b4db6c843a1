import { useComputed, useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { type Chart, chart, type ChartPoint, HEIGHT, nearest, WIDTH } from "./chart.ts";
import { knownUntil } from "../app/connection.ts";
import { amount, clockTime, percent, rate } from "../i18n/format.ts";
import type { Sample } from "./samples.ts";
import { strings } from "../i18n/strings.ts";
import { samples } from "./task_details.ts";
import { task } from "./task_store.ts";

/** Milliseconds without an update after which the lines are extended to the present. */
const QUIET_MS = 1000;

/** Milliseconds that a task must have run to get a chart. */
const WORTH_MS = 1000;

/** The progress of the task over time, and its rate. */
export function TaskChart(): JSX.Element | null {
  const worth = useComputed(() => {
    const { started_at: start, finished_at: end } = task.value.record!;
    return start !== null &&
      (end ? Date.parse(end) : knownUntil.value) - Date.parse(start) >= WORTH_MS;
  });
  const lines = useComputed(() => chart(upToNow(samples.value.points))).value;
  const comes = useComputed(() => task.value.record!.status === "running").value;
  return worth.value && (lines !== null || comes) ? <Plot lines={lines} /> : null;
}

/** An empty figure keeps the place until there is something to draw, so that nothing below moves. */
function Plot({ lines }: { lines: Chart | null }): JSX.Element {
  const pointed = useSignal<number | null>(null);
  if (lines === null) return <figure class="chart chart-empty" />;
  const { points, line, area, rateLine, maxRate, counted } = lines;
  const unit = task.value.record!.unit;
  const first = points[0]!;
  const last = points.at(-1)!;
  const speed = (perSecond: number | null) => rate(perSecond, unit, counted);
  const place = (event: { clientX: number; currentTarget: Element }) => {
    const { left, width } = event.currentTarget.getBoundingClientRect();
    return Math.min(WIDTH, Math.max(0, (event.clientX - left) / width * WIDTH));
  };
  const move = (by: number) => {
    const at = pointed.peek() === null
      ? points.length
      : points.indexOf(nearest(lines, pointed.peek()!));
    pointed.value = points[Math.max(0, Math.min(points.length - 1, at + by))]!.x;
  };
  const most = speed(maxRate);
  return (
    <figure class="chart">
      <figcaption class="chart-legend">
        <span class="chart-key chart-key-progress">{strings.chart.progress}</span>
        {most !== null && (
          <span class="chart-key chart-key-rate text">
            {strings.chart.rate} <span class="chart-most">{strings.chart.most(most)}</span>
          </span>
        )}
      </figcaption>
      <div
        class="chart-plot"
        role="img"
        tabIndex={0}
        aria-label={summary(lines, speed)}
        onPointerMove={(event) => pointed.value = place(event)}
        onPointerLeave={() => pointed.value = null}
        onBlur={() => pointed.value = null}
        onKeyDown={(event) => {
          if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
          event.preventDefault();
          move(event.key === "ArrowLeft" ? -1 : 1);
        }}
      >
        <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
          <defs>
            <linearGradient id="chart-fade" x1="0" y1="0" x2="0" y2="1">
              <stop offset="0" class="chart-fade-top" />
              <stop offset="1" class="chart-fade-bottom" />
            </linearGradient>
          </defs>
          <path class="chart-grid" d={`M0 ${HEIGHT / 2}H${WIDTH}M0 0H${WIDTH}`} />
          <path class="chart-area" d={area} />
          {rateLine !== "" && <path class="chart-rate" d={rateLine} />}
          <path class="chart-line" d={line} />
        </svg>
        {pointed.value !== null && (
          <Pointed
            point={nearest(lines, pointed.value)}
            maxRate={maxRate}
            speed={speed}
            unit={unit}
          />
        )}
      </div>
      <div class="chart-times" aria-hidden="true">
        <span>{clockTime(first.at)}</span>
        <span>{clockTime(last.at)}</span>
      </div>
    </figure>
  );
}

/** Extends the points of a running task without updates to the present, at the same progress. */
function upToNow(points: readonly Sample[]): readonly Sample[] {
  const last = points.at(-1);
  if (last === undefined || task.value.record?.status !== "running") return points;
  return knownUntil.value - last.at < QUIET_MS
    ? points
    : [...points, { ...last, at: knownUntil.value }];
}

type Speed = (perSecond: number | null) => string | null;

interface PointedProps {
  point: ChartPoint;
  maxRate: number;
  speed: Speed;
  unit: string | null;
}

function Pointed({ point, speed, unit }: PointedProps): JSX.Element {
  const { x, y } = point;
  const told = speed(point.rate);
  return (
    <>
      <span class="chart-cursor" style={{ left: `${x / 10}%` }} />
      <span class="chart-dot" style={{ left: `${x / 10}%`, top: `${y}%` }} />
      <span
        class={`chart-tip${x > WIDTH / 2 ? " chart-tip-left" : ""}`}
        style={{ left: `${x / 10}%` }}
      >
        <strong class="text">{far(point, unit)}</strong>
        {told !== null && <span class="text">{told}</span>}
        <span class="chart-tip-time">{clockTime(point.at)}</span>
      </span>
    </>
  );
}

function far({ percent: part, done }: ChartPoint, unit: string | null): string {
  return part === null ? amount(done, null, unit) ?? strings.notYet : percent(part);
}

function summary({ points }: Chart, speed: Speed): string {
  const last = points.at(-1)!;
  const { unit } = task.value.record!;
  const state = [far(last, unit), speed(last.rate)].filter(Boolean).join(", ");
  return strings.chart.summary(clockTime(points[0]!.at), clockTime(last.at), state);
}
