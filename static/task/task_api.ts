/**
 * One task: its details, events and deliveries, and what can be done with it.
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
  /** What it was then: who runs it means nothing once it is another. */
  status: Status;
  input: unknown;
  /** What it last saved; `null` for nothing. */
  checkpoint: unknown;
  /** Milliseconds an attempt may take; `null` for as long as it likes. */
  timeout_ms: number | null;
  /** Whom webhooks tell of it, counted. */
  webhooks: number;
  /** How often it was interrupted. */
  interruptions: number;
  /** The process that runs it, as much as one may know; `null` where none does. */
  worker: { silent_ms: number; host?: string; pid?: number; role?: string } | null;
  /** Milliseconds of silence after which that process counts as dead. */
  lease_ms: number;
  /** Why no process runs a task that waits; `null` where one does. */
  unavailable: string | null;
  /** What keeps a task that waits from being started; `null` for nothing. */
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
  /** JSON Schema of the signal that it waits for; `null` where anything goes, or it waits for none. */
  signal_schema: unknown;
  /** From 1; `null` for one that does not wait. */
  queue_position: number | null;
  /** When it is likely to start; `null` where nobody can tell. */
  expected_start: string | null;
  /** How far it was at which time; `null` before its first attempt. */
  trace: Trace | null;
  /** Where the error was thrown; `null` for who may not see the code. */
  stack: string | null;
}

/** What a record leaves out. */
export async function getDetails(id: string): Promise<TaskDetails> {
  return await call("GET", `${taskUrl(id)}/details`);
}

/** What a webhook told, or has yet to tell, one of its targets. */
export interface DeliveryInfo {
  /** Counts those of the task. */
  n: number;
  event: "started" | "waiting" | "retrying" | "completed" | "failed" | "canceled";
  /** Of the target's address. */
  origin: string;
  state: "waiting" | "delivered" | "given_up";
  created_at: string;
  /** Not before; `null` where it has ended. */
  next_try_at: string | null;
  tries: number;
  /** The newest last. */
  attempts: { error: string | null }[];
}

/** The newest first. */
export async function getDeliveries(id: string): Promise<{ deliveries: DeliveryInfo[] }> {
  return await call("GET", `${taskUrl(id)}/deliveries`);
}

/** Has a webhook sent again, now. */
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

/** Submits a task. With the same `key` a second try makes no second task. */
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

/** Makes a task that failed or was canceled pending again, or a new one of one that completed. */
export async function retryTask(id: string): Promise<TaskRecord> {
  return await call("POST", `${taskUrl(id)}/retry`);
}

/** Says how long a finished task is kept; `null` as its kind and the server say. */
export async function keepTask(id: string, keep: number | "forever" | null): Promise<TaskRecord> {
  return await call("PATCH", taskUrl(id), { keep });
}

export async function deleteTask(id: string): Promise<void> {
  await call("DELETE", taskUrl(id));
}

export function taskUrl(id: string): string {
  return `/tasks/${encodeURIComponent(id)}`;
}
