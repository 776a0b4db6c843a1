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
 * What is told of one task, counted for each target: a task may wait and start without end. How it
 * ended is told beyond that.
 */
const MAX_NEWS = 1000;
const MAX_ENDS = 2000;

/** Bytes of JSON of a result that is told. */
const MAX_RESULT = 16 * 1024;

/** Bytes of what is told: KV's values hold 64 KiB. */
const MAX_BODY = 60_000;

export interface News {
  readonly event: NotifyEvent;
  /** When it happened: milliseconds since the epoch. */
  readonly at: number;
  /** Who is told, each with its place among the task's targets. */
  readonly told: readonly (readonly [target: number, Told])[];
  /** The number of the first delivery, and of the last one. */
  readonly first: number;
  readonly last: number;
}

/** What a change of state is to those who wait for it; `null` for nothing. */
function eventOf(before: Task, { record: { status } }: Task): NotifyEvent | null {
  if (isFinished(status)) return status as NotifyEvent;
  if (status === before.record.status) return null;
  // A run that goes on with an attempt is no news.
  if (status === "running") return before.resuming ? null : "started";
  if (status === "waiting") return "waiting";
  return null;
}

/** Whom a change of state has to be told to; `null` for nobody. */
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

/** A part of a commit, with what tells the news: see {@link deliveriesOf}. */
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
 * What tells it.
 *
 * @param json The task's record then, as JSON text.
 * @param result Its result, likewise, which that leaves out.
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

/** In the envelope of Standard Webhooks. */
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
