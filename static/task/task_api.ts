/**
 * Requests about one task: for its details, events and deliveries, and to act on it.
 *
 * @module
 */

import type { Status, TaskRecord } from "../../lib/task/record.ts";
import { call } from "../app/api.ts";
import type { PausedKind } from "../kinds/kinds_api.ts";
import type { Trace } from "./samples.ts";

export async function getTask(id: string): Promise<TaskRecord> {
  return await call("GET", taskUrl(id));
}

/** What a record leaves out. */
export interface TaskDetails {
  task_id: string;
  /** The status at that time: `worker` means nothing once it has changed. */
  status: Status;
  input: unknown;
  /** What it saved last; `null` for nothing. */
  checkpoint: unknown;
  /** Milliseconds that an attempt may take; `null` for no limit. */
  timeout_ms: number | null;
  /** How many targets webhooks tell of it. */
  webhooks: number;
  /** How often it was interrupted. */
  interruptions: number;
  /** The process that runs it, as far as the session may know; `null` if none does. */
  worker: { silent_ms: number; host?: string; pid?: number; role?: string } | null;
  /** Milliseconds of silence after which that process counts as dead. */
  lease_ms: number;
  /** Why no process can run a pending task; `null` if one can. */
  unavailable: string | null;
  /** What keeps a pending task from being started; `null` for nothing. */
  waits_for:
    | { type: "pause" } & PausedKind
    | {
      type: "concurrency";
      key: string | null;
      running: number;
      limit: number;
      until: string | null;
    }
    | { type: "rate"; key: string | null; limit: number; per_ms: number; until: string }
    | { type: "debounce"; key: string; until: string }
    | null;
  /** JSON Schema of the signal that it waits for; `null` for any value, or if it waits for none. */
  signal_schema: unknown;
  /** From 1; `null` if it is not in the queue. */
  queue_position: number | null;
  /** When it is likely to start, ISO 8601; `null` if not known. */
  expected_start: string | null;
  /** The progress over time; `null` before its first attempt. */
  trace: Trace | null;
  /** The stack of the error; `null` for those who may not see the code. */
  stack: string | null;
}

/** What a record leaves out. */
export async function getDetails(id: string): Promise<TaskDetails> {
  return await call("GET", `${taskUrl(id)}/details`);
}

/** A delivery of a webhook to one of its targets, made or still to be made. */
export interface DeliveryInfo {
  /** The number of the delivery among those of the task. */
  n: number;
  event: "started" | "waiting" | "retrying" | "completed" | "failed" | "canceled";
  /** The origin of the target's URL. */
  origin: string;
  state: "waiting" | "delivered" | "given_up";
  created_at: string;
  /** The earliest time of the next try, ISO 8601; `null` if no more follows. */
  next_try_at: string | null;
  tries: number;
  /** Oldest first. */
  attempts: { error: string | null }[];
}

/** The deliveries of a task, newest first. */
export async function getDeliveries(id: string): Promise<{ deliveries: DeliveryInfo[] }> {
  return await call("GET", `${taskUrl(id)}/deliveries`);
}

/** Has a delivery sent again at once. */
export async function resendDelivery(id: string, n: number): Promise<void> {
  await call("POST", `${taskUrl(id)}/deliveries/${n}/resend`);
}

/** A page of a task's stored rows. */
export async function getEvents(
  id: string,
  after: number,
  limit: number,
): Promise<{ events: { event: string; data: unknown }[]; next_after: number | null }> {
  return await call("GET", `${taskUrl(id)}/events?after=${after}&limit=${limit}`);
}

/** Submits a task. Submitting again with the same `key` makes no second task. */
export async function createTask(
  kind: string,
  input: unknown,
  key: string,
): Promise<TaskRecord> {
  return await call("POST", "/tasks", { kind, input }, { "idempotency-key": key });
}

/** Sends a signal that a task waits for. */
export async function sendSignal(id: string, name: string, value: unknown): Promise<void> {
  await call("POST", `${taskUrl(id)}/signals/${encodeURIComponent(name)}`, value ?? null);
}

export async function cancelTask(id: string): Promise<void> {
  await call("POST", `${taskUrl(id)}/cancel`);
}

/** Makes a failed or canceled task pending again. For a completed one, submits a new task. */
export async function retryTask(id: string): Promise<TaskRecord> {
  return await call("POST", `${taskUrl(id)}/retry`);
}

/** Sets how many milliseconds a finished task is kept; `null` for its kind's or server's default. */
export async function keepTask(id: string, keep: number | "forever" | null): Promise<TaskRecord> {
  return await call("PATCH", taskUrl(id), { keep });
}

export async function deleteTask(id: string): Promise<void> {
  await call("DELETE", taskUrl(id));
}

export function taskUrl(id: string): string {
  return `/tasks/${encodeURIComponent(id)}`;
}
