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
import {
  isFinished,
  type TaskError,
  type TaskKeys,
  type TaskRecord,
  type WaitingFor,
} from "./record.ts";
import { NO_PROGRESS, withField } from "./record_fields.ts";
import type { Task } from "./task.ts";
import { newTrace } from "./trace.ts";

export type Change =
  & (
    | { type: "start"; owner: string; slot?: number | null; slotName?: string }
    /** A debounced task runs no earlier than `runAt`, milliseconds since the epoch. */
    | { type: "postpone"; runAt: number }
    /** Its `run_at` has come: from now on it runs whatever the clock says. */
    | { type: "due" }
    /** The limits of its kind count it by these keys from now on. */
    | { type: "key"; keys: TaskKeys }
    /** With `large`, its result is an artifact. */
    | { type: "complete"; large?: boolean }
    | { type: "fail"; error: TaskError; stack?: string; retryAfterMs: number | null }
    /** `error` is what its process died of, if known; `alone` if no other task ran in that. */
    | { type: "interrupt"; died: boolean; alone?: boolean; error?: TaskError; ranMs?: number }
    | { type: "wait"; for: WaitingFor; ranMs?: number }
    | { type: "wake" }
    | { type: "request-cancel" }
    | { type: "cancel" }
    /** `for` is what it waits for before it runs. */
    | { type: "retry"; for?: WaitingFor }
  )
  /** Who asked for it; absent if the task or the server does it by itself. */
  & { by?: string };

/** Why a change was refused. */
export type Refusal =
  | "completed"
  | "finished"
  | "not-finished"
  | "not-pending"
  | "not-running"
  | "not-waiting";

/**
 * After this many deaths of its process without a new checkpoint in between, the last one with no
 * other task in it, the task is taken for the cause and fails.
 */
export const MAX_DEATHS = 3;

/** The most characters of a stack that are kept, as it is part of the head. */
export const MAX_STACK = 2000;

/** The changes that leave a task debounced: it has not begun yet. */
const KEEPS_DEBOUNCE: ReadonlySet<Change["type"]> = new Set(["postpone", "due", "key"]);

/**
 * Applies a change and returns the new task; the old one is not modified. `seq` stays: the caller
 * that writes the event counts it.
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
    // Set in place, without another copy: most tasks change by themselves after their submit.
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
      // It keeps its position in the queue: `run_at` has passed, unless the clock was set back.
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
      // A completed task keeps its result: doing it again makes a new task.
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

/** A record whose `by` may be `undefined`: `JSON.stringify()` leaves it out then. */
type Nameless = Omit<TaskRecord, "by"> & { by?: string | undefined };

/** Whether this ends a task as a cancel asked: `by` still names who asked. */
function endsAsAsked({ cancel_requested }: TaskRecord, { type }: Change): boolean {
  return cancel_requested && (type === "cancel" || type === "interrupt" || type === "wait");
}

const NOTHING_COUNTED = { peak: 0, countedIn: null, stack: null } satisfies Partial<Task>;
