import type { JSX } from "preact";
import { now } from "../app/clock.ts";
import { go, stayInPage, taskHref } from "../app/route.ts";
import { may } from "../app/session.ts";
import { duration, number } from "../i18n/format.ts";
import { randomKey } from "../ui/random_key.ts";
import { useAction } from "../ui/use_action.ts";
import { Ago } from "../ui/times.tsx";
import { outcomeText } from "./outcome_text.ts";
import { type Outcome, pauseSchedule, runSchedule, type Schedule } from "./schedule.ts";
import { shortTime } from "./schedule_time.ts";
import { loadSchedules } from "./schedules_store.ts";
import { whoIn } from "../app/who.ts";
import { scheduleWords } from "./words.ts";

/** Skips that are shown with their reasons. */
const TOLD = 2;

interface Props {
  schedule: Schedule;
}

export function ScheduleCard({ schedule }: Props): JSX.Element {
  const words = scheduleWords();
  const { schedule_id, kind, source, cron, zone, missed, overlap, problem, paused } = schedule;
  const { queued, made, skipped } = schedule;
  return (
    <li class="card schedule">
      <div class="schedule-head">
        <div>
          <h2>
            {source === "kind" ? kind : schedule_id}
            {paused && <span class="pill status-canceled">{words.paused}</span>}
          </h2>
          <p class="schedule-rule">
            <code>{cron}</code> {zone}
            {source === "api" && <>{" · "}{kind}</>}
          </p>
          <p class="schedule-note">
            {[
              ...(source === "kind" ? [words.ofKind] : []),
              words.missed[missed],
              words.overlap[overlap],
            ].join(" · ")}
          </p>
          {problem !== null && <p class="schedule-note schedule-warn" role="status">{problem}</p>}
          {paused && <PausedNote paused={paused} />}
        </div>
        <Actions schedule={schedule} />
      </div>
      <div>
        <Times schedule={schedule} />
        <div>
          <Bars outcomes={schedule.outcomes} />
          <p class="schedule-note">
            {words.figures(number(made), number(skipped))}
            {queued.length > 0 && <>{" · "}{words.queued(number(queued.length))}</>}
          </p>
          <Skips outcomes={schedule.outcomes} />
        </div>
      </div>
    </li>
  );
}

function PausedNote({ paused }: { paused: NonNullable<Schedule["paused"]> }) {
  const { at, reason } = paused;
  const by = whoIn(paused);
  const words = scheduleWords();
  const [before = "", after = ""] =
    (by === null ? words.pausedAt("\u0000") : words.pausedBy(by, "\u0000")).split("\u0000");
  return (
    <p class="schedule-note">
      {before}
      <Ago time={at} />
      {after}
      {reason && <>{": "}{reason}</>}
    </p>
  );
}

function Actions({ schedule: { schedule_id: id, source, paused } }: Props): JSX.Element | null {
  const words = scheduleWords();
  const pause = useAction(async () => {
    await pauseSchedule(id, paused === null);
    await loadSchedules();
  });
  const run = useAction(async () => go(taskHref(await runSchedule(id, randomKey()))));
  const mayPause = may("admin") || (source === "api" && may("submit"));
  const problem = pause.error ?? run.error;
  return (
    <div class="schedule-actions">
      {mayPause && (
        <button type="button" class="button" disabled={pause.busy} onClick={pause.run}>
          {paused ? words.resume : words.pause}
        </button>
      )}
      {may("submit") && (
        <button type="button" class="button" disabled={run.busy} onClick={run.run}>
          {words.runNow}
        </button>
      )}
      {problem && <span class="problem" role="alert">{problem.message}</span>}
    </div>
  );
}

/** The next times, in the browser's time zone and, if that differs, in the schedule's. */
function Times({ schedule: { next, zone, paused } }: Props): JSX.Element {
  const words = scheduleWords();
  if (next.length === 0) {
    return <p class="schedule-note">{paused ? "" : words.noNext}</p>;
  }
  const elsewhere = next.some((time) => shortTime(time) !== shortTime(time, zone));
  return (
    <table class="schedule-times">
      <thead>
        <tr>
          <th scope="col">{words.next}</th>
          {elsewhere && <th scope="col">{zone}</th>}
        </tr>
      </thead>
      <tbody>
        {next.map((time, n) => (
          <tr key={time}>
            <td>
              <time dateTime={time}>{shortTime(time)}</time>
              {n === 0 && (
                <>
                  {" · "}
                  <Countdown time={time} />
                </>
              )}
            </td>
            {elsewhere && <td>{shortTime(time, zone)}</td>}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** A component of its own, so that a tick of the clock redraws only this text. */
function Countdown({ time }: { time: string }): JSX.Element {
  const words = scheduleWords();
  const left = Date.parse(time) - now.value;
  return <span>{left < 1000 ? words.now : words.nextIn(duration(left))}</span>;
}

function Bars({ outcomes }: { outcomes: readonly Outcome[] }): JSX.Element {
  const words = scheduleWords();
  if (outcomes.length === 0) return <p class="schedule-note">{words.nothing}</p>;
  return (
    <ol class="outcome-bars" aria-label={words.last}>
      {outcomes.map((outcome) => {
        const text = outcomeText(outcome);
        if (outcome.type === "skip") {
          return (
            <li key={outcome.from}>
              <span class="skipped" role="img" aria-label={text} title={text} />
            </li>
          );
        }
        const { task_id, status } = outcome;
        return (
          <li key={task_id}>
            {status === null ? <span role="img" aria-label={text} title={text} /> : (
              <a
                class={status}
                href={taskHref(task_id)}
                aria-label={text}
                title={text}
                onClick={stayInPage}
              />
            )}
          </li>
        );
      })}
    </ol>
  );
}

/** The newest skips, with their reasons. */
function Skips({ outcomes }: { outcomes: readonly Outcome[] }): JSX.Element {
  const skips = outcomes.filter(({ type }) => type === "skip").slice(-TOLD).reverse();
  return (
    <>
      {skips.map((skip) => (
        <p key={skip.at} class="schedule-note schedule-warn">{outcomeText(skip)}</p>
      ))}
    </>
  );
}
