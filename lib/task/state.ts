/**
 * The one state machine: every change of a task's state is made here, and nothing here does I/O.
 *
 * ```text
 *            start                 complete
 *  pending ─────────▶ running ───────────────▶ completed
 *   ▲  │ ▲             │ ▲ │        fail
 *   │  │ └─────────────┤ │ ├────────────────────▶ failed ─┐
 *   │  │   interrupt,  │ │ │        cancel                │
 *   │  │   or fail     │ │ └──────────────────▶ canceled ─┤
 *   │  │   with        │ │ start                     ▲    │
 *   │  │   attempts    ▼ │                           │    │
 *   │  │   left      waiting ──▶ pending (wake)      │    │
 *   │  │                └──────────── request-cancel ┤    │
 *   │  └─────────────────────────────────────────────┘    │
 *   └─────────────────────── retry ───────────────────────┘
 * ```
 *
 * @module
 */

import { withResultUrl } from "./artifact_list.ts";
import type { ChildPlace } from "./child.ts";
import { type Labels, onlyLabels } from "./labels.ts";
import type { NotifyEvent, StoredTarget } from "./notify.ts";
import {
  type ChildCounts,
  isFinished,
  type TaskError,
  type TaskKeys,
  type TaskRecord,
  type WaitingFor,
} from "./record.ts";
import type { Keep, Retention } from "./retention.ts";
import type { Report } from "./report.ts";
import { percentOf, rounded, stagedFigures } from "./stages.ts";
import { cut } from "./text.ts";
import { newTrace, type Trace } from "./trace.ts";

/** Ids between the two, neither of them included; see {@link ./restored.ts}. */
export type LostIds = readonly [after: number, before: number];

/** What a rewind took back: the outputs between the two, neither of them included; see {@link ./rewind.ts}. */
export interface Rewound {
  after: number;
  /** The rewind's own `seq`. */
  before: number;
  /** Some of them may be stored still. */
  left: boolean;
}

/** A task, as the engine knows it. */
export interface Task {
  /** What everybody sees. Its `result` stays `null` here: it is stored apart, see `../kv/head.ts`. */
  record: TaskRecord;
  /** The session that runs it, or `null`. */
  owner: string | null;
  /** Milliseconds an attempt may take, or `null`. */
  timeoutMs: number | null;
  /** Its input is what the schema of its kind made of it: an attempt takes it as it is. */
  parsed?: boolean;
  /** The next start goes on with the same attempt: the last one was interrupted. */
  resuming: boolean;
  /** How often it was interrupted, in all. */
  interruptions: number;
  /** How often its process died under it since its last checkpoint. */
  deaths: number;
  checkpointed: boolean;
  /** Its place under the kind's concurrency limit, or `null`. */
  slot: number | null;
  /** Under which name others find it to be postponed; absent once it has begun, or was canceled. */
  debounce?: string;
  /** Under which name it has that place; absent where that is its kind's. */
  slotName?: string;
  /** The stage in which the record's figures were counted; `null` or nothing for none. */
  countedIn?: string | null;
  /** The highest percent shown in this attempt, which may be unknown in between. */
  peak: number;
  /** Log and output rows stored. */
  rows: number;
  /** Bytes they take. */
  rowBytes: number;
  /** Of these rows, the outputs. */
  outputs: number;
  /** Bytes they take. */
  outputBytes: number;
  /** The newest log row removed because of the bound on them; 0 for none. */
  trimmed: number;
  /** The newest output removed, likewise. */
  trimmedOutputs: number;
  /** The `seq` of the last checkpoint; 0 for none. */
  savedSeq: number;
  /** Of the newest output that counts; 0, or any up to that of the checkpoint, for none behind it. */
  outputSeq: number;
  /** What the last rewind took back; absent before the first. */
  rewound?: Rewound;
  /** Ids that clients may have from a history that a restore took back. */
  lostIds: readonly LostIds[];
  /** Where the last error was thrown; only those who may see the code get it. */
  stack?: string | null;
  /** How the attempt went up to now; `null` before the first. */
  trace: Trace | null;
  /** When the run under way, or the last one, began: milliseconds since the epoch. */
  runSince?: number;
  /** Milliseconds that earlier runs of the attempt took; absent for none. */
  ranMs?: number;
  /** Ids of the uploads that are kept until it has ended; absent for none. */
  uploads?: readonly string[];
  /** The name of the token that submitted it; absent where none was needed. */
  submitter?: string;
  /** How long it is kept after its end, as its kind said; absent where the settings say. */
  retention?: Retention;
  /** Where its submit was in a trace; absent where nobody said so. */
  traceparent?: string;
  /** How often an answer of a step, sleep or signal was stored; absent for never. */
  answers?: number;
  /** `step` rows stored; absent for none. */
  steps?: number;
  /** Its place among the children of another task; absent where it is none. */
  child?: ChildPlace;
  /** Children it has made, about; absent where it never was to have some. */
  children?: number;
  /** Whom webhooks tell of it, and of what; absent for nobody. */
  notify?: readonly Told[];
  /** What they were told of it, counted for each; absent for nothing yet. */
  notified?: number;
}

/** One whom webhooks tell of a task. */
export interface Told {
  /** Of the target's address. */
  readonly origin: string;
  readonly on: readonly NotifyEvent[];
}

export type Change =
  & (
    | { type: "start"; owner: string; slot?: number | null; slotName?: string }
    /** It runs no earlier than then: milliseconds since the epoch. */
    | { type: "postpone"; runAt: number }
    /** Its time has come, and it waits for no time any more. */
    | { type: "due" }
    /** It is counted by these from now on. */
    | { type: "key"; keys: TaskKeys }
    /** With `large` its result is an artifact. */
    | { type: "complete"; large?: boolean }
    | { type: "fail"; error: TaskError; stack?: string; retryAfterMs: number | null }
    /** `error` is what it died of, where that is known. */
    | { type: "interrupt"; died: boolean; alone?: boolean; error?: TaskError; ranMs?: number }
    | { type: "wait"; for: WaitingFor; ranMs?: number }
    | { type: "wake" }
    | { type: "request-cancel" }
    | { type: "cancel" }
    /** `for` is what it waits for before it is tried. */
    | { type: "retry"; for?: WaitingFor }
  )
  /** Who asked for it; absent where the task or the server does it by itself. */
  & { by?: string };

/** Why a change could not be. */
export type Refusal =
  | "completed"
  | "finished"
  | "not-finished"
  | "not-pending"
  | "not-running"
  | "not-waiting";

/**
 * After so many deaths of its process without a new checkpoint, the last of them with nothing else in
 * it, a task is the cause.
 */
export const MAX_DEATHS = 3;

/** Characters of a stack that are kept with its task: it lies in the head. */
export const MAX_STACK = 2000;

/** Changes of a task that has not begun. */
const KEEPS_DEBOUNCE: ReadonlySet<Change["type"]> = new Set(["postpone", "due", "key"]);

/**
 * Applies a change and returns the new task; the old one is left as it was. `seq` is not touched:
 * who writes the event counts it.
 */
export function transition(
  task: Task,
  change: Change,
  now: number,
): { ok: true; task: Task } | { ok: false; reason: Refusal } {
  if (task.debounce !== undefined && !KEEPS_DEBOUNCE.has(change.type)) {
    const { debounce: _, ...rest } = task;
    task = rest;
  }
  const begins = (change.type === "start" && !task.resuming) || change.type === "retry";
  let { record } = task;
  if (begins && record.stages) record = withField(record, "stages", undefined);
  if (record.waiting_for) record = withField(record, "waiting_for", undefined);
  const named = record.by !== change.by && !endsAsAsked(record, change);
  if (named && record.by === undefined) record = withField(record, "by", change.by);
  const at = new Date(now).toISOString();
  const next = (fields: Partial<TaskRecord>, own: Partial<Task> = {}) => {
    const after: Nameless = { ...record, updated_at: at, ...fields };
    // Written over in its place: most tasks change by themselves once they were submitted.
    if (named) after.by = change.by;
    return { ok: true as const, task: { ...task, ...own, record: after as TaskRecord } };
  };
  const end = (
    status: "completed" | "failed" | "canceled",
    fields: Partial<TaskRecord>,
    own: Partial<Task> = {},
  ) =>
    next({ status, finished_at: at, eta_ms: null, rate: null, ...fields }, {
      ...own,
      owner: null,
      slot: null,
      resuming: false,
    });

  switch (change.type) {
    case "start": {
      if (record.status !== "pending" && record.status !== "waiting") {
        return { ok: false, reason: "not-pending" };
      }
      const { owner, slot = null, slotName } = change;
      const own = {
        owner,
        slot,
        ...(slotName === undefined ? {} : { slotName }),
        resuming: false,
        runSince: now,
      };
      if (task.resuming) return next({ status: "running" }, own);
      return next({
        status: "running",
        attempt: record.attempt + 1,
        started_at: at,
        error: null,
        ...NO_PROGRESS,
      }, { ...own, ...NOTHING_COUNTED, ranMs: 0, trace: newTrace(now) });
    }
    case "postpone":
      if (record.status !== "pending" || task.debounce === undefined) {
        return { ok: false, reason: "not-pending" };
      }
      return next({ run_at: new Date(Math.max(now, change.runAt)).toISOString() });
    case "due":
      if (record.status !== "pending") return { ok: false, reason: "not-pending" };
      return next({});
    case "key": {
      if (record.status !== "pending" && record.status !== "waiting") {
        return { ok: false, reason: "not-pending" };
      }
      return { ok: true, task: { ...task, record: withField(task.record, "keys", change.keys) } };
    }
    case "complete":
      if (record.status !== "running") return { ok: false, reason: "not-running" };
      if (change.large) record = withResultUrl(record);
      return end("completed", {
        progress: 100,
        error: null,
      });
    case "fail": {
      if (record.status !== "running") return { ok: false, reason: "not-running" };
      const stack = change.stack ? change.stack.slice(0, MAX_STACK) : null;
      if (change.retryAfterMs === null || record.cancel_requested) {
        return end("failed", { error: change.error }, { stack });
      }
      return next({
        status: "pending",
        error: change.error,
        run_at: new Date(now + change.retryAfterMs).toISOString(),
        eta_ms: null,
        rate: null,
      }, { owner: null, slot: null, stack });
    }
    case "interrupt": {
      if (record.status !== "running") return { ok: false, reason: "not-running" };
      if (record.cancel_requested) return end("canceled", {});
      const deaths = task.deaths + (change.died ? 1 : 0);
      if (change.died && change.alone && deaths >= MAX_DEATHS) {
        return end("failed", {
          error: change.error ?? {
            name: "ProcessDied",
            message: `Its process died ${deaths} times without a new checkpoint in between, ` +
              "the last time with no other task in it",
          },
        });
      }
      // It keeps its place among those that wait: unless the clock was set back, `run_at` is over.
      const run_at = record.run_at < at ? record.run_at : at;
      return next({ status: "pending", run_at, eta_ms: null, rate: null }, {
        owner: null,
        slot: null,
        resuming: true,
        deaths,
        interruptions: task.interruptions + 1,
        ranMs: (task.ranMs ?? 0) + (change.ranMs ?? 0),
      });
    }
    case "wait": {
      if (record.status !== "running") return { ok: false, reason: "not-running" };
      if (record.cancel_requested) return end("canceled", {});
      const run_at = change.for.until ?? record.run_at;
      const waits = next({ status: "waiting", run_at, eta_ms: null, rate: null }, {
        owner: null,
        slot: null,
        resuming: true,
        ranMs: (task.ranMs ?? 0) + (change.ranMs ?? 0),
      });
      waits.task.record = withField(waits.task.record, "waiting_for", change.for);
      return waits;
    }
    case "wake":
      if (record.status !== "waiting") return { ok: false, reason: "not-waiting" };
      return next({ status: "pending", run_at: at, eta_ms: null, rate: null });
    case "request-cancel":
      if (isFinished(record.status)) return { ok: false, reason: "finished" };
      if (record.status !== "running") return end("canceled", { cancel_requested: true });
      return next({ cancel_requested: true });
    case "cancel":
      if (record.status !== "running") return { ok: false, reason: "not-running" };
      return end("canceled", { cancel_requested: true });
    case "retry": {
      if (!isFinished(record.status)) return { ok: false, reason: "not-finished" };
      // Its result is kept: what is to be done again is a new task.
      if (record.status === "completed") return { ok: false, reason: "completed" };
      const again = next({
        status: change.for ? "waiting" : "pending",
        attempt: 0,
        run_at: at,
        started_at: null,
        finished_at: null,
        error: null,
        cancel_requested: false,
        ...NO_PROGRESS,
      }, {
        resuming: false,
        ...NOTHING_COUNTED,
        deaths: 0,
      });
      again.task.record = withField(again.task.record, "waiting_for", change.for);
      return again;
    }
  }
}

/** A record whose name may be left without a value: no text of it has the field then. */
type Nameless = Omit<TaskRecord, "by"> & { by?: string | undefined };

/** Whether somebody's wish comes true: the cancel is still theirs. */
function endsAsAsked({ cancel_requested }: TaskRecord, { type }: Change): boolean {
  return cancel_requested && (type === "cancel" || type === "interrupt" || type === "wait");
}

const NO_PROGRESS = {
  progress: 0,
  done: null,
  total: null,
  unit: null,
  stage: null,
  message: null,
  eta_ms: null,
  rate: null,
} satisfies Partial<TaskRecord>;

const NOTHING_COUNTED = { peak: 0, countedIn: null, stack: null } satisfies Partial<Task>;

export interface NewTask extends Omit<Labels, "parent_id"> {
  /** ULID. */
  id: string;
  /** A known kind. */
  kind: string;
  maxAttempts: number;
  priority: number;
  /** Milliseconds since the epoch. */
  runAt: number;
  /** Milliseconds an attempt may take, or `null`. */
  timeoutMs: number | null;
  parsed?: boolean;
  uploads?: readonly string[];
  submitter?: string;
  traceparent?: string | undefined;
  retention?: Retention | null | undefined;
  keep?: Keep | undefined;
  retriedFrom?: string;
  /** The schedule that has it made, and for which of its times. */
  schedule?: { id: string; slot: number | null };
  child?: ChildPlace;
  keys?: TaskKeys;
  debounce?: string;
  /** What it waits for before it is tried; nothing where it is absent. */
  waitsFor?: WaitingFor;
  /** Who submitted it; absent where the server or another task did. */
  by?: string;
  /** Whom webhooks tell of it. */
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

export function newTask(spec: NewTask, now: number): Task {
  const at = new Date(now).toISOString();
  return {
    record: {
      task_id: spec.id,
      kind: spec.kind,
      status: spec.waitsFor ? "waiting" : "pending",
      // Here, where `labelsOf()` finds them.
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

/** Puts a progress report into a running task. Percent never falls within an attempt. */
export function applyReport(task: Task, report: Report): Task {
  const { at, progress, stages: _, ...fields } = report;
  const updated_at = new Date(at).toISOString();
  const figures = stagedFigures(task.record, report, task.countedIn ?? null);
  let record = { ...task.record, ...fields, updated_at };
  let { countedIn = null } = task;
  if (figures) {
    record = withField({ ...record, ...figures }, "stages", figures.stages);
  } else if (progress !== undefined) {
    record.progress = progress;
    countedIn = record.stage;
  } else if (report.done !== undefined || report.total !== undefined) {
    const { done, total } = record;
    // Of nothing there is no percent yet: the total may still be counted.
    record.progress = total ? percentOf(done ?? 0, total) : null;
    countedIn = record.stage;
  }
  let { peak } = task;
  if (record.progress !== null) {
    const floor = Math.max(peak, task.record.progress ?? 0);
    peak = rounded(Math.max(floor, record.progress));
    record.progress = peak;
  }
  return { ...task, record, countedIn, peak };
}

/** Has a task kept otherwise than was said; `undefined` as its kind and the settings say. */
export function applyKeep(task: Task, keep: Keep | undefined): Task {
  return { ...task, record: withField(task.record, "keep", keep) };
}

/**
 * Puts into a task how its children do: its figures are theirs.
 *
 * @param underWay How much of them those have done that run: half of one, and as much of another, are 1.
 */
export function applyChildren(
  task: Task,
  children: ChildCounts,
  now: number,
  underWay = 0,
): Task {
  const { total, completed, failed, canceled } = children;
  const done = completed + failed + canceled;
  const progress = underWay > 0 ? { progress: percentOf(done + underWay, total) } : {};
  const counted = applyReport(task, { at: now, done, total, unit: "tasks", ...progress });
  return { ...counted, record: withField(counted.record, "children", children) };
}

/** Characters of labels beside which a message is kept whole, and of one that is cut for others. */
const FEW_LABELS = 256;
const SHORT_MESSAGE = 256;

/** A task with a smaller record, without stages: for where a large result needs the room. */
export function withRoom(task: Task): Task {
  let { record } = task;
  if (record.stages) record = withField(record, "stages", undefined);
  const { message } = record;
  if (message !== null && JSON.stringify(onlyLabels(record)).length > FEW_LABELS) {
    record = { ...record, message: cut(message, SHORT_MESSAGE) };
  }
  return record === task.record ? task : { ...task, record };
}

/** A record with a field that few tasks have, and `seq` behind it: see `seqOf()`. */
function withField<Name extends "stages" | "waiting_for" | "children" | "keys" | "by" | "keep">(
  record: TaskRecord,
  name: Name,
  value: TaskRecord[Name],
): TaskRecord {
  const { seq, [name]: _, ...rest } = record;
  return { ...rest, ...(value === undefined ? {} : { [name]: value }), seq } as TaskRecord;
}
