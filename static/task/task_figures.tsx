import type { ComponentChildren, JSX } from "preact";
import type { TaskRecord } from "../../lib/task/record.ts";
import { amount, rate } from "../i18n/format.ts";
import { strings } from "../i18n/strings.ts";
import { isFinished } from "./task_state.ts";
import { task } from "./task_store.ts";
import { firstStart, stateSince } from "./timeline.ts";
import { Ago, Freshness, Since } from "../ui/times.tsx";

/** Four figures: amount, rate, duration, and the time since the last update. */
export function TaskFigures({ record }: { record: TaskRecord }): JSX.Element {
  const { facts } = strings;
  const { status, done, total, unit, created_at, started_at, finished_at } = record;
  const over = isFinished(status);
  const perSecond = over ? average(record) : record.rate;
  // Kept while it runs, when figures may still come: nothing must move.
  const counted = !over || done !== null;
  return (
    <dl class="figures">
      {counted && (
        <>
          <Figure name={facts.done}>{amount(done, total, unit)}</Figure>
          <Figure name={over ? facts.average : facts.rate}>
            {status === "pending" ? null : rate(perSecond, unit, done !== null)}
          </Figure>
        </>
      )}
      {over
        ? (
          <Figure name={facts.started}>
            <Started record={record} />
          </Figure>
        )
        : status === "running"
        ? <Figure name={facts.elapsed}>{started_at && <Since time={started_at} />}</Figure>
        : (
          <Figure name={facts.waiting}>
            <Since time={stateSince(task.value.states, record)} />
          </Figure>
        )}
      {status === "running"
        ? (
          <Figure name={facts.lastWord}>
            <Freshness record={record} />
          </Figure>
        )
        : (
          <Figure name={over ? facts.ended : facts.submitted}>
            <Ago time={finished_at ?? created_at} />
          </Figure>
        )}
    </dl>
  );
}

/** When the first attempt began, or the last one if only that is known. */
function Started({ record }: { record: TaskRecord }): JSX.Element | null {
  const start = firstStart(task.value.states, record);
  const time = start === null ? record.started_at : new Date(start).toISOString();
  return time === null ? null : <Ago time={time} />;
}

function Figure(
  { name, children }: { name: string; children: ComponentChildren },
): JSX.Element {
  return (
    <div class="figure">
      <dt>{name}</dt>
      <dd class="text">{children || strings.notYet}</dd>
    </div>
  );
}

/** Units per second over the whole last attempt. */
function average({ done, started_at, finished_at }: TaskRecord): number | null {
  if (done === null || started_at === null || finished_at === null) return null;
  const ms = Date.parse(finished_at) - Date.parse(started_at);
  return ms > 0 ? done / ms * 1000 : null;
}
