/**
 * Times that change with the clock. Each is a component of its own, so that a tick redraws only
 * these few words.
 *
 * @module
 */

import type { JSX } from "preact";
import type { TaskRecord } from "../../lib/task/record.ts";
import { now } from "../app/clock.ts";
import { knownUntil } from "../app/connection.ts";
import { ago, duration, fullTime } from "../i18n/format.ts";
import { knownProgress } from "../client/progress/known_progress.ts";
import { strings } from "../i18n/strings.ts";

/** Milliseconds without an update after which a running task looks as if it may hang. */
export const QUIET_MS = 30_000;

/** Milliseconds past an estimated end after which the estimate is no longer shown. */
const OVERDUE_MS = 3000;

/** The percent from which a task past its estimate is almost done: with less done, it is late. */
const ALMOST = 90;

interface Props {
  record: TaskRecord;
}

/** The time left, which counts down between two events, or the time until the start. */
export function TimeLeft({ record }: Props): JSX.Element | null {
  const text = timeLeft(record, knownUntil.value);
  return text === null ? null : <span class="time-left">{text}</span>;
}

/** The text of {@link TimeLeft} at a time; `null` if nothing is known. */
export function timeLeft(record: TaskRecord, at: number): string | null {
  if (record.status === "pending") {
    const wait = Date.parse(record.run_at) - at;
    if (wait < 500) return null;
    return record.attempt > 0 ? strings.retryIn(duration(wait)) : strings.startsIn(duration(wait));
  }
  const { waiting_for } = record;
  if (record.status === "waiting" && waiting_for?.type !== "children") {
    const until = waiting_for?.until ?? null;
    if (until === null) return null;
    const wait = Math.max(0, Date.parse(until) - at);
    return waiting_for?.type === "sleep"
      ? strings.goesOnIn(duration(wait))
      : strings.atMost(duration(wait));
  }
  const underWay = record.status === "running" || waiting_for?.type === "children";
  if (!underWay || record.eta_ms === null) return null;
  const left = record.eta_ms - (at - Date.parse(record.updated_at));
  if (left < -OVERDUE_MS) return null;
  if (left >= 500) return strings.left(duration(Math.max(1000, left)));
  return (knownProgress(record) ?? 0) < ALMOST ? null : strings.almostDone;
}

/** How long ago `time` was, with the full date as a tooltip. */
export function Ago({ time }: { time: string }): JSX.Element {
  return <time dateTime={time} title={fullTime(time)}>{ago(now.value - Date.parse(time))}</time>;
}

/** The time since `time`, as far as the page knows the state of tasks. */
export function Since({ time }: { time: string }): JSX.Element {
  return <>{duration(Math.max(0, knownUntil.value - Date.parse(time)))}</>;
}

/** The time of the last update of a running task. */
export function Freshness({ record }: Props): JSX.Element | null {
  if (record.status !== "running") return null;
  const silence = now.value - Date.parse(record.updated_at);
  return silence < QUIET_MS
    ? <>{ago(silence)}</>
    : <span class="fresh-silent">{ago(silence)}</span>;
}
