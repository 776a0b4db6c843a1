/**
 * Requests to the HTTP API that tests have in common.
 *
 * @module
 */

import type { TaskRecord } from "headway";
import { HANG_MS, timePasses } from "./deadline.ts";
import { eventually } from "./eventually.ts";

export function bearer(token: string): Record<string, string> {
  return { authorization: `Bearer ${token}` };
}

export function post(
  url: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(url, {
    method: "POST",
    headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

/**
 * Submits a task under an idempotency key, and again under the same one while the answer is 503.
 *
 * @throws {Error} When it is refused, or still answered with 503 at the deadline.
 */
export async function submit(
  base: string,
  kind: string,
  input?: unknown,
  more: Record<string, unknown> = {},
): Promise<TaskRecord> {
  const headers = { "idempotency-key": crypto.randomUUID() };
  for (const end = Date.now() + HANG_MS;; await timePasses(100)) {
    const response = await post(`${base}/tasks`, { kind, input, ...more }, headers);
    const body = await response.json();
    if (response.ok) return body;
    if (response.status !== 503 || Date.now() > end) {
      throw new Error(`${response.status} ${JSON.stringify(body)}`);
    }
  }
}

export async function getTask(
  base: string,
  id: string,
  headers: Record<string, string> = {},
): Promise<TaskRecord> {
  const response = await fetch(`${base}/tasks/${id}`, { headers });
  const body = await response.json();
  if (response.status !== 200) throw new Error(`${response.status} ${JSON.stringify(body)}`);
  return body;
}

/** Waits until a task's record satisfies a condition. */
export async function taskWhen(
  base: string,
  id: string,
  wanted: (record: TaskRecord) => boolean,
  headers: Record<string, string> = {},
): Promise<TaskRecord> {
  return await eventually(async () => {
    const record = await getTask(base, id, headers);
    if (!wanted(record)) throw new Error(`Not yet: ${JSON.stringify(record)}`);
    return record;
  });
}

export function finished(
  base: string,
  id: string,
  headers: Record<string, string> = {},
): Promise<TaskRecord> {
  return taskWhen(base, id, (record) => record.finished_at !== null, headers);
}

export interface EventRow {
  seq: number;
  event: string;
  // deno-lint-ignore no-explicit-any -- JSON, whose shape the test asserts
  data: any;
}

/** Every stored event of a task, read in pages. */
export async function storedEvents(base: string, id: string, limit = 1000): Promise<EventRow[]> {
  const rows: EventRow[] = [];
  for (let after: number | null = 0; after !== null;) {
    const response: Response = await fetch(
      `${base}/tasks/${id}/events?after=${after}&limit=${limit}`,
    );
    const page = await response.json();
    if (response.status !== 200) throw new Error(`${response.status} ${JSON.stringify(page)}`);
    rows.push(...page.events);
    after = page.next_after;
  }
  return rows;
}
