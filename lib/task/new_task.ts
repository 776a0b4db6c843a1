import type { ChildPlace } from "./child.ts";
import { type Labels, onlyLabels } from "./labels.ts";
import type { StoredTarget } from "./notify.ts";
import type { TaskKeys, TaskRecord, WaitingFor } from "./record.ts";
import { NO_PROGRESS } from "./record_fields.ts";
import type { Keep, Retention } from "./retention.ts";
import type { Task } from "./task.ts";

export interface NewTask extends Omit<Labels, "parent_id"> {
  /** A ULID. */
  id: string;
  kind: string;
  maxAttempts: number;
  priority: number;
  /** Milliseconds since the epoch. */
  runAt: number;
  /** Milliseconds that an attempt may take; `null` for no time-out. */
  timeoutMs: number | null;
  parsed?: boolean;
  uploads?: readonly string[];
  submitter?: string;
  traceparent?: string | undefined;
  retention?: Retention | null | undefined;
  keep?: Keep | undefined;
  retriedFrom?: string;
  /** The schedule that made it, and the time it was made for; `null` for "run now". */
  schedule?: { id: string; slot: number | null };
  child?: ChildPlace;
  keys?: TaskKeys;
  debounce?: string;
  /** What it waits for before its first run; absent for nothing. */
  waitsFor?: WaitingFor;
  /** Who submitted it; absent if the server or another task did. */
  by?: string;
  /** The targets of its webhooks. */
  notify?: readonly StoredTarget[];
}

function scheduleFields(
  schedule: NewTask["schedule"],
): Pick<TaskRecord, "schedule_id" | "scheduled_for"> {
  if (schedule === undefined) return {};
  const { id, slot } = schedule;
  const scheduled_for = slot === null ? {} : { scheduled_for: new Date(slot).toISOString() };
  return { schedule_id: id, ...scheduled_for };
}

/** A task that was just submitted: `waiting` if it has something to wait for, else `pending`. */
export function newTask(spec: NewTask, now: number): Task {
  const at = new Date(now).toISOString();
  return {
    record: {
      task_id: spec.id,
      kind: spec.kind,
      status: spec.waitsFor ? "waiting" : "pending",
      // The labels must follow the state: `labelsOf()` looks for them there.
      ...onlyLabels(spec.child ? { ...spec, parent_id: spec.child.parent } : spec),
      ...NO_PROGRESS,
      result: null,
      error: null,
      attempt: 0,
      max_attempts: spec.maxAttempts,
      priority: spec.priority,
      run_at: new Date(Math.max(now, spec.runAt)).toISOString(),
      created_at: at,
      started_at: null,
      updated_at: at,
      finished_at: null,
      cancel_requested: false,
      ...(spec.retriedFrom === undefined ? {} : { retried_from: spec.retriedFrom }),
      ...scheduleFields(spec.schedule),
      ...(spec.keep === undefined ? {} : { keep: spec.keep }),
      ...(spec.waitsFor ? { waiting_for: spec.waitsFor } : {}),
      ...(spec.keys ? { keys: spec.keys } : {}),
      ...(spec.by === undefined ? {} : { by: spec.by }),
      seq: 0,
    },
    owner: null,
    timeoutMs: spec.timeoutMs,
    ...(spec.parsed ? { parsed: true } : {}),
    resuming: false,
    interruptions: 0,
    deaths: 0,
    checkpointed: false,
    slot: null,
    peak: 0,
    rows: 0,
    rowBytes: 0,
    outputs: 0,
    outputBytes: 0,
    trimmed: 0,
    trimmedOutputs: 0,
    savedSeq: 0,
    outputSeq: 0,
    lostIds: [],
    trace: null,
    ...(spec.uploads?.length ? { uploads: spec.uploads } : {}),
    ...(spec.submitter === undefined ? {} : { submitter: spec.submitter }),
    ...(spec.traceparent === undefined ? {} : { traceparent: spec.traceparent }),
    ...(spec.retention ? { retention: spec.retention } : {}),
    ...(spec.child ? { child: spec.child } : {}),
    ...(spec.debounce === undefined ? {} : { debounce: spec.debounce }),
    ...(spec.notify?.length
      ? { notify: spec.notify.map(({ url, on }) => ({ origin: new URL(url).origin, on })) }
      : {}),
  };
}
