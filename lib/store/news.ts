/**
 * The webhooks about a task's change of state: written in the same commit as the change.
 *
 * @module
 */

import { byteLength } from "../base/bytes.ts";
import { type Delivery, deliverySet, dueSet, outboxMoved } from "../kv/deliveries.ts";
import { textValue } from "../kv/head.ts";
import { keys } from "../kv/keys.ts";
import { idOf, withLast, withResult } from "../task/json_text.ts";
import type { NotifyEvent } from "../task/notify.ts";
import { isFinished, type TaskRecord } from "../task/record.ts";
import type { Task, Told } from "../task/task.ts";
import type { Part } from "./write.ts";

/**
 * Most deliveries for one task, over all targets: a task may wait and start any number of times. The
 * second bound is for deliveries about its end.
 */
const MAX_NEWS = 1000;
const MAX_ENDS = 2000;

/** Most bytes of JSON of a result that a delivery includes. */
const MAX_RESULT = 16 * 1024;

/** Most bytes of a delivery's body: KV's values hold 64 KiB. */
const MAX_BODY = 60_000;

export interface News {
  readonly event: NotifyEvent;
  /** When it happened: milliseconds since the epoch. */
  readonly at: number;
  /** The targets that are told, each with its index among all targets of the task. */
  readonly told: readonly (readonly [target: number, Told])[];
  /** The numbers of the first and the last of its deliveries. */
  readonly first: number;
  readonly last: number;
}

/** The event that webhooks report for a state change; `null` for none. */
function eventOf(before: Task, { record: { status } }: Task): NotifyEvent | null {
  if (isFinished(status)) return status as NotifyEvent;
  if (status === before.record.status) return null;
  // A run that continues an attempt is not reported.
  if (status === "running") return before.resuming ? null : "started";
  if (status === "waiting") return "waiting";
  return null;
}

/** What has to be delivered about a state change, and to which targets; `null` for nothing. */
export function newsOf(before: Task, after: Task): News | null {
  const { notify = [], notified = 0, record } = after;
  const retries = before.record.status === "running" && record.status === "pending" &&
    !after.resuming;
  const event = retries ? "retrying" : eventOf(before, after);
  if (event === null) return null;
  const told = [...notify.entries()].filter(([, { on }]) => on.includes(event));
  const last = notified + told.length;
  const most = isFinished(record.status) ? MAX_ENDS : MAX_NEWS;
  if (told.length === 0 || last > most) return null;
  return { event, at: Date.parse(record.updated_at), told, first: notified + 1, last };
}

/** A part of a commit, with the deliveries added: see {@link deliveriesOf}. */
export function withDeliveries(
  part: Part | undefined,
  news: News,
  json: string,
  result: string | null,
): Part {
  const { sets = [] } = deliveriesOf(news, json, result);
  return { ...part, sets: [...part?.sets ?? [], ...sets] };
}

/**
 * The part that stores the deliveries.
 *
 * @param json The task's record at that time, as JSON text without the result.
 * @param result The result as JSON text; `null` for none.
 */
export function deliveriesOf(news: News, json: string, result: string | null): Part {
  const { event, at, told, first } = news;
  const id = idOf(json);
  const body = textValue(bodyOf(news, json, result));
  const part: Part = { sets: [outboxMoved(id)] };
  for (const [nth, [target, { origin }]] of told.entries()) {
    const n = first + nth;
    const delivery: Delivery = {
      target,
      origin,
      event,
      at,
      since: at,
      state: "waiting",
      tries: 0,
      next: at,
      by: null,
      attempts: [],
    };
    part.sets!.push(
      deliverySet(id, n, delivery),
      [keys.deliveryBody(id, n), body, body.length],
      [keys.outbox(id, target, n), at, 16],
      dueSet({ id, target }, at, origin),
    );
  }
  return part;
}

/** The body of a delivery, in the envelope of Standard Webhooks. */
function bodyOf({ event, at }: News, json: string, result: string | null): string {
  const envelope = (data: string) =>
    `{"type":"task.${event}","timestamp":"${new Date(at).toISOString()}","data":${data}}`;
  const omitted = result !== null && byteLength(result) > MAX_RESULT;
  const data = result === null
    ? json
    : omitted
    ? withLast(json, "result_omitted", "true")
    : withResult(json, result);
  const body = envelope(data);
  if (byteLength(body) <= MAX_BODY) return body;
  const { task_id, kind, status, attempt, created_at, finished_at } = JSON.parse(
    json,
  ) as TaskRecord;
  const short = { task_id, kind, status, attempt, created_at, finished_at, record_omitted: true };
  return envelope(JSON.stringify(short));
}
