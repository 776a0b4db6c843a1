import type { JSX } from "preact";
import type { TaskRecord } from "../../lib/task/record.ts";
import type { TaskDetails } from "./task_api.ts";
import { knownUntil } from "../app/connection.ts";
import { ago, duration, number } from "../i18n/format.ts";
import { strings } from "../i18n/strings.ts";
import { pauseText } from "../kinds/pause_text.ts";
import { details } from "./task_details.ts";
import { kindProblem } from "./kind_problem.ts";
import { task } from "./task_store.ts";
import { stepOf } from "./timeline.ts";
import { workerState } from "./worker_state.ts";
import { PauseIcon, StatusIcon, WarnIcon } from "../ui/icons.tsx";
import { QUIET_MS } from "../ui/times.tsx";

/** Says what is unusual about the task, and what follows from it; nothing while all is well. */
export function TaskNotice({ record }: { record: TaskRecord }): JSX.Element | null {
  const at = knownUntil.value;
  const wait = waitOf(record);
  if (wait !== null) {
    // Waiting is not an error, so this is no warning.
    return (
      <p class="notice notice-calm" role="status">
        {wait.type === "pause" ? <PauseIcon /> : <StatusIcon status="pending" />}
        <span class="text">{waitText(record.kind, wait, at)}</span>
      </p>
    );
  }
  const text = noticeText(record, at);
  if (text === null) return null;
  return (
    <p class="notice" role="status">
      <WarnIcon />
      <span>{text}</span>
    </p>
  );
}

type Wait = NonNullable<TaskDetails["waits_for"]>;

/** What a pending task of a working kind waits for; `null` for nothing. */
function waitOf(record: TaskRecord): Wait | null {
  const data = details.value?.data;
  if (record.status !== "pending" || kindProblem(record) !== null) return null;
  return data?.task_id === record.task_id ? data.waits_for : null;
}

function noticeText(record: TaskRecord, at: number): string | null {
  const { notice } = strings;
  const last = task.value.states.at(-1);
  if (record.status === "pending") {
    const problem = kindProblem(record);
    if (problem !== null) return problem;
    const step = last === undefined ? null : stepOf(last);
    if (step === "interrupted") return withCheckpoint(notice.interrupted);
    if (step !== "retrying") return null;
    const left = Math.max(0, Date.parse(record.run_at) - at);
    return withCheckpoint(notice.retry(record.attempt, duration(left)));
  }
  if (record.status !== "running") return null;
  if (record.cancel_requested) {
    const since = last?.canceling ? at - Date.parse(last.time) : 0;
    return notice.canceling(ago(since));
  }
  const came = details.value;
  const worker = came && workerState(record, came.data, Date.now() - came.at);
  if (worker?.state === "gone") return withCheckpoint(notice.gone);
  if (worker?.state === "silent") {
    const { silentMs, resumesInMs } = worker;
    return withCheckpoint(notice.silent(duration(silentMs), duration(resumesInMs)));
  }
  const quiet = at - Date.parse(record.updated_at);
  return worker !== null && quiet >= QUIET_MS ? notice.quiet(duration(quiet)) : null;
}

/** What the task waits for, and for how long, in words. */
function waitText(
  kind: string,
  waitsFor: Wait,
  at: number,
): string {
  if (waitsFor.type === "pause") return strings.pause.starts(pauseText(kind, waitsFor));
  if (waitsFor.type === "debounce") return strings.notice.waitsForOthers(waitsFor.key);
  const { waitsForPlace, waitsForRate, about } = strings.notice;
  const { key, until } = waitsFor;
  const left = until === null ? null : duration(Math.max(0, Date.parse(until) - at));
  const what = waitsFor.type === "concurrency"
    ? waitsForPlace(key, number(waitsFor.running), number(waitsFor.limit))
    : waitsForRate(key, number(waitsFor.limit), duration(waitsFor.per_ms));
  return left === null ? what : about(what, left);
}

/** Adds that the task continues from its checkpoint, if it has saved one. */
function withCheckpoint(text: string): string {
  const saved = details.value?.data.checkpoint ?? null;
  return saved === null ? text : `${text} ${strings.notice.checkpoint}`;
}
