/**
 * Follows many tasks for one client: a snapshot, then each change; or, after a break, what was
 * missed.
 *
 * @module
 */

import { encodeEvent } from "./follow_task.ts";
import type { Hub, Topic } from "./hub.ts";
import type { HubEvent } from "./hub_event.ts";
import { keys } from "../kv/keys.ts";
import type { EventType, TaskEvent } from "../task/event.ts";
import { listTasks } from "../kv/list.ts";
import type { TaskRecord } from "../task/record.ts";
import { encodeBytes } from "../sse/encode.ts";
import type { SseStream } from "../sse/stream.ts";
import type { Head } from "../kv/head.ts";

/** Which tasks. */
export type Selection = { ids: readonly string[] } | { kind: string } | "all";

/** What {@link followMany} takes. */
export interface FollowManyOptions {
  /** The handle, for reading. */
  kv: Deno.Kv;
  /** Where events come from. */
  hub: Hub;
  /** Which tasks. */
  selection: Selection;
  /** What the client says it has; `null` when it says nothing. */
  lastEventId: string | null;
  /** Of these tasks log and output rows are sent as well. @default {[]} */
  rows?: readonly string[];
}

/** Tasks in a snapshot, at the most. */
export const SNAPSHOT_TASKS = 100;

/** Events read back for a client that was away, at the most: beyond it a snapshot is less. */
const MAX_REPLAY = 5000;

/** Sends the changes of the selected tasks into `stream`. Resolves when the client is level. */
export async function followMany(stream: SseStream, options: FollowManyOptions): Promise<void> {
  const { hub, kv, selection, lastEventId } = options;
  const resuming = lastEventId !== null && lastEventId !== "";
  if (resuming) await hub.reach(lastEventId);
  // Its end was told by then: nobody would take the listeners away.
  if (stream.ended !== null) return;
  const rowsOf = new Set(options.rows);
  let held: HubEvent[] | null = [];
  /** Per task of the snapshot: what of it the client has seen. */
  const shown = new Map<string, number>();
  const send = (event: HubEvent) => {
    const { type, id } = event.event;
    if (type !== "log" && type !== "output") sendOne(stream, event, shown, rowsOf.has(id));
    else if (rowsOf.has(id)) stream.send(event.forMany(encodeRow));
  };
  const listener = (event: HubEvent) => {
    if (held) held.push(event);
    else send(event);
  };
  for (const topic of topicsOf(selection)) {
    stream.closed.addEventListener("abort", hub.listen(topic, listener));
  }
  const level = hub.cursor;

  const missed = resuming ? await hub.replay(lastEventId, level, MAX_REPLAY) : null;
  if (missed) {
    for (const event of missed) if (selects(selection, event)) send(event);
    stream.send(encodeBytes({ id: level }));
  } else {
    const records = await snapshot(kv, hub, selection);
    for (const json of records) {
      const { task_id, seq } = JSON.parse(json) as TaskRecord;
      shown.set(task_id, seq);
    }
    const data = `{${resuming ? '"reason":"too-old",' : ""}"tasks":[${records.join(",")}]}`;
    stream.send(encodeBytes({ id: level, event: resuming ? "reset" : "snapshot", data }));
  }
  const waiting = held;
  held = null;
  for (const event of waiting) send(event);
}

/** What is sent with a heartbeat: the cursor moves on though nothing of the selection happened. */
export function cursorOnly(hub: Hub): Uint8Array {
  return encodeBytes({ id: hub.cursor });
}

const SENT: ReadonlySet<EventType> = new Set([
  "message",
  "progress",
  "head",
  "complete",
  "deleted",
]);

function sendOne(
  stream: SseStream,
  event: HubEvent,
  shown: Map<string, number>,
  withRows: boolean,
): void {
  const { type, id, seq } = event.event;
  if (!SENT.has(type) || seq <= (shown.get(id) ?? 0)) return;
  // A later record tells all that an earlier one did; an end is told in any case, and where rows
  // are wanted each change of state is one.
  const row = withRows && type === "message";
  const key = row ? null : type === "complete" || type === "deleted" ? `${type} ${id}` : id;
  stream.send(event.forMany(encodeEvent), key);
}

/** A row tells which task it is of: here it is not the only one. */
function encodeRow({ type, id: taskId, json }: TaskEvent, id: string): Uint8Array {
  return encodeBytes({ id, event: type, data: `{"task_id":"${taskId}",${json.slice(1)}` });
}

function topicsOf(selection: Selection): Topic[] {
  if (selection === "all") return ["all"];
  return "ids" in selection ? selection.ids.map((id) => ({ id })) : [selection];
}

function selects(selection: Selection, { event }: HubEvent): boolean {
  if (selection === "all") return true;
  return "ids" in selection ? selection.ids.includes(event.id) : selection.kind === event.kind;
}

async function snapshot(kv: Deno.Kv, hub: Hub, selection: Selection): Promise<string[]> {
  if (selection === "all" || "kind" in selection) {
    const kinds = selection === "all" ? {} : { kinds: [selection.kind] };
    const query = { ...kinds, limit: SNAPSHOT_TASKS };
    return (await listTasks(kv, query, (it) => hub.freshen(it))).records;
  }
  const records: string[] = [];
  for (let at = 0; at < selection.ids.length; at += 10) {
    const ids = selection.ids.slice(at, at + 10);
    const entries = await kv.getMany<Head[]>(ids.map((id) => keys.task(id)));
    for (const { value } of entries) if (value) records.push(hub.freshen(value).record);
  }
  return records;
}
