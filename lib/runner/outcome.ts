/**
 * Decides what happens to a task when its run is over: its end, a retry, or another run from its
 * checkpoint. Pure: whoever ends a run carries it out.
 *
 * @module
 */

import type { RunEnd } from "../child/protocol.ts";
import { type BackoffOptions, retryDelay } from "../task/backoff.ts";
import type { LogLevel } from "../task/log_level.ts";
import type { TaskError } from "../task/record.ts";
import type { Task } from "../task/task.ts";
import type { Change } from "../task/transition.ts";

/** A run that was cut off through no fault of its task, unless its process died under it. */
export interface Interruption {
  how: "interrupted";
  because: string;
  died: boolean;
}

export interface EndedRun {
  readonly task: Task;
  /** Whether no other run was in its process at any time of this one. */
  readonly alone: boolean;
}

export interface Outcome {
  /** What is logged for the task's readers before it changes. */
  row: { level: LogLevel; message: string; data?: Record<string, unknown> } | null;
  change: Change;
  /** The result of a completed task, as JSON. */
  result: string | null;
}

export function outcomeOf(
  { task, alone }: EndedRun,
  end: RunEnd | Interruption,
  backoff: BackoffOptions,
): Outcome {
  if (end.how === "returned") {
    const { json, large = false } = end;
    return outcome(large ? { type: "complete", large } : { type: "complete" }, null, json);
  }
  if (end.how === "threw") return failure(task, end, backoff);
  if (end.how === "strayed") {
    const { error } = end;
    const because = `uncaught ${error.name}: ${error.message}`;
    return interruption(because, { type: "interrupt", died: true, alone: true, error });
  }
  if (end.how === "interrupted") {
    return interruption(end.because, { type: "interrupt", died: end.died, alone });
  }
  if (end.how === "waits") {
    const { type, name, until } = end;
    const iso = until === null ? null : new Date(until).toISOString();
    return outcome({ type: "wait", for: { type, name, until: iso } });
  }
  if (end.reason === "cancel") return outcome({ type: "cancel" });
  if (end.reason === "timeout") {
    const message = `The attempt took longer than ${task.timeoutMs} ms`;
    const { stack = "" } = end;
    return failure(task, { error: { name: "TimeoutError", message }, stack }, backoff);
  }
  return interruption("the server stops", { type: "interrupt", died: false, alone });
}

function interruption(because: string, change: Change): Outcome {
  const message = `Interrupted: ${because}; resumes from the last checkpoint`;
  return outcome(change, { level: "warn", message });
}

function failure(
  task: Task,
  { error, stack, final = false }: { error: TaskError; stack: string; final?: boolean },
  backoff: BackoffOptions,
): Outcome {
  const { attempt, max_attempts, cancel_requested } = task.record;
  const last = attempt >= max_attempts || cancel_requested || final;
  const retryAfterMs = last ? null : retryDelay(attempt, backoff);
  const where = stack === "" ? {} : { stack };
  const change: Change = { type: "fail", error, ...where, retryAfterMs };
  if (last) return outcome(change);
  const { name: _name, message: said, ...more } = error;
  const message = `Attempt ${attempt} of ${max_attempts} failed: ${said}`;
  const data = { retry_in_ms: retryAfterMs, ...more };
  return outcome(change, { level: "warn", message, data });
}

function outcome(
  change: Change,
  row: Outcome["row"] = null,
  result: string | null = null,
): Outcome {
  return { row, change, result };
}
