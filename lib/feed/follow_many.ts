/**
 * Follows many tasks for one client: a snapshot, or, after a break, what the client missed; then
 * each change.
 *
 * @module
 */

import { catchUp } from "../kv/catch_up.ts";
import { parseCursor } from "./cursor.ts";
import type { Feed } from "./feed.ts";
import { encodeEvent } from "./follow_task.ts";
import type { Hub } from "./hub.ts";
import { HubEvent } from "./hub_event.ts";
import { isLabeled, picker, picksRecord, type Selection, type Some, topicOf } from "./selection.ts";
import type { Own } from "./own_tasks.ts";
import { type EventType, isOfRows, type TaskEvent } from "../task/event.ts";
import { Replay } from "./replay.ts";
import { sendRecords } from "./send_records.ts";
import { newestPosition, type Opening, SNAPSHOT_TASKS, type SnapshotFilter } from "./snapshots.ts";
import { encodeBytes } from "../sse/encode.ts";
import { idOf, withFirst } from "../task/json_text.ts";
import type { SseStream } from "../sse/stream.ts";

export interface FollowManyOptions {
  selection: Selection;
  /** The last event id that the client sent; `null` for none. */
  lastEventId: string | null;
  /** Tasks whose rows and rewinds are sent as well. @default {[]} */
  rows?: readonly string[];
}

/** Sends the changes of the selected tasks into `stream`. Resolves when the client has caught up. */
export async function followMany(
  stream: SseStream,
  feed: Feed,
  options: FollowManyOptions,
): Promise<void> {
  await new Follower(stream, feed, options).join();
}

/** Moves the client's cursor on, even if nothing of the selection happened. */
function cursorOnly(hub: Hub): Uint8Array {
  return encodeBytes({ id: hub.cursor });
}

class Follower {
  readonly #stream: SseStream;
  readonly #feed: Feed;
  readonly #options: FollowManyOptions;
  /** `null` for all tasks. */
  readonly #selection: Some | null;
  #rowsOf: ReadonlySet<string>;
  /** The `seq` of each task in the snapshot; `null` once no event of before the snapshot can come. */
  #shown: { seqs: ReadonlyMap<string, number>; newest: string } | null = null;

  constructor(stream: SseStream, feed: Feed, options: FollowManyOptions) {
    this.#stream = stream;
    this.#feed = feed;
    this.#options = options;
    this.#selection = options.selection === "all" ? null : options.selection;
    this.#rowsOf = new Set(options.rows);
  }

  async join(): Promise<void> {
    const { lastEventId } = this.#options;
    await this.#pickRows();
    const resuming = lastEventId !== null && lastEventId !== "";
    if (resuming) {
      await this.#feed.hub.reach(lastEventId);
      if (await this.#replay(lastEventId)) return this.#tellLevel();
    }
    let opening: Opening = resuming ? this.#reasonFor(lastEventId) : "snapshot";
    for (;; opening = "too-old") {
      const level = await this.#snapshot(opening);
      if (level === null) return;
      if (await this.#replay(level)) return this.#tellLevel();
    }
  }

  /** Tells the client that it is live now, before the next event or heartbeat does. */
  #tellLevel(): void {
    this.#stream.send(cursorOnly(this.#feed.hub));
  }

  /** Rows carry no labels, so the labels of the tasks whose rows are wanted are read first. */
  async #pickRows(): Promise<void> {
    const selection = this.#selection;
    if (selection === null || !isLabeled(selection) || this.#rowsOf.size === 0) return;
    const entries = await this.#feed.heads.getMany([...this.#rowsOf]);
    const wanted = entries.flatMap(({ value }) =>
      value && picksRecord(value.record, selection) ? [idOf(value.record)] : []
    );
    this.#rowsOf = new Set(wanted);
  }

  /** Why a cursor cannot be resumed from. */
  #reasonFor(lastEventId: string): Opening {
    const { epoch, position } = this.#feed.hub;
    const cursor = parseCursor(lastEventId);
    if (cursor === null) return "malformed";
    return cursor.epoch !== epoch || cursor.versionstamp > position ? "unknown" : "too-old";
  }

  /** Sends what happened since a cursor; `false` if a snapshot is needed instead. */
  async #replay(cursor: string): Promise<boolean> {
    const { kv, hub } = this.#feed;
    const wants = this.#picker();
    const replay = Replay.from(cursor, { kv, hub, wants });
    if (replay === null) return false;
    const step = async () => {
      using hold = hub.hold();
      const { position: until, cursor } = hub;
      // It may be stored while we read, and the hub does not pass it on a second time.
      const shown = [...hub.pending.shown].map((event) => new HubEvent(event, true, () => cursor));
      const events = await replay.read(until);
      if (events === null) return "gone";
      for (const event of events) this.#send(event);
      const held = hold.events();
      const level = replay.reached(until) && held !== null && this.#goLive([...shown, ...held]);
      return level ? "level" : "on";
    };
    while (this.#stream.ended === null) {
      const how = await catchUp(step, this.#stream.closed);
      if (how === "gone") return false;
      if (how === "level") return true;
      await this.#stream.drained();
    }
    return true;
  }

  /** @returns The cursor to go on from; `null` if the client has caught up, or has left. */
  async #snapshot(opening: Opening): Promise<string | null> {
    const { ids, own, ...filter } = this.#selection ?? {};
    const { closed } = this.#stream;
    // What happens while the tasks are looked for is sent after the snapshot.
    const before = this.#feed.hub.cursor;
    const named = ids ?? (own && await this.#newestOwn(own, filter));
    if (named) return await this.#records(named, opening, before);
    const level = await this.#feed.snapshots.take(filter, closed, (snapshot, events) => {
      const { shown: seqs, newest } = snapshot;
      this.#shown = { seqs, newest };
      this.#stream.send(snapshot.encode(opening));
      return this.#goLive(events) ? null : snapshot.level;
    });
    return level ?? null;
  }

  /** One's own newest tasks that are selected; with a kind or labels these may be old, so list them. */
  async #newestOwn(own: Own, { kind, ...labels }: SnapshotFilter): Promise<readonly string[]> {
    if (kind === undefined && !isLabeled(labels)) return own.newest(SNAPSHOT_TASKS);
    const query = { ...labels, ...(kind === undefined ? {} : { kinds: [kind] }) };
    const { closed } = this.#stream;
    const { heads } = this.#feed;
    const page = await catchUp(
      () => heads.list({ ...query, submitter: own.submitter, limit: SNAPSHOT_TASKS }, closed),
      closed,
    );
    return page?.records.map(idOf) ?? [];
  }

  async #records(
    ids: readonly string[],
    opening: Opening,
    level: string,
  ): Promise<string | null> {
    const { kv, heads } = this.#feed;
    const selection = this.#selection ?? {};
    const seqs = await sendRecords(this.#stream, heads, { ids, selection, opening, level });
    if (seqs === null) return null;
    this.#shown = { seqs, newest: await newestPosition(kv) };
    return level;
  }

  /** Sends the held events, and then each event as it comes; `false` if too many came to be held. */
  #goLive(events: readonly HubEvent[] | null): boolean {
    const { hub } = this.#feed;
    const selection = this.#selection;
    if (events === null) return false;
    const picks = this.#picker();
    for (const event of events) if (picks(event.event, event)) this.#send(event);
    // Usually all events that the snapshot includes have come by now.
    if (this.#shown && hub.position >= this.#shown.newest) this.#shown = null;
    if (this.#stream.ended !== null) return true;
    const { ids, own, kind } = selection ?? {};
    // Otherwise the topic has nothing but what is selected.
    const filters = selection !== null &&
      (isLabeled(selection) || own !== undefined || (ids !== undefined && kind !== undefined));
    const take = (event: HubEvent) => {
      if (filters && !picks(event.event, event)) return;
      if (this.#shown && hub.position > this.#shown.newest) this.#shown = null;
      this.#send(event);
    };
    const topic = topicOf(selection);
    this.#untilClosed(hub.listen(topic, take));
    // No sooner: a client cut off while it catches up would resume after what it missed.
    this.#stream.beatWith(() => cursorOnly(hub));
    if (typeof topic === "object" && ("owner" in topic || "tag" in topic)) {
      const rowsOf = { ids: [...this.#rowsOf] };
      this.#untilClosed(hub.listen(rowsOf, (event) => isOfRows(event.event.type) && take(event)));
    }
    return true;
  }

  #untilClosed(stop: () => void): void {
    this.#stream.closed.addEventListener("abort", stop);
  }

  /** Returns whether an event is to be sent; it has to be asked of each event, in order. */
  #picker(): (event: TaskEvent, hubEvent?: HubEvent) => boolean {
    if (this.#selection === null) return (event) => this.#carries(event);
    const picks = picker(this.#selection);
    return (event, hubEvent) => picks(event, hubEvent) && this.#carries(event);
  }

  #carries({ type, id }: TaskEvent): boolean {
    return isOfRows(type) ? this.#rowsOf.has(id) : SENT.has(type);
  }

  #send(event: HubEvent): void {
    const { type, id, seq } = event.event;
    if (!this.#carries(event.event)) return;
    if (isOfRows(type)) return this.#stream.send(event.forMany(encodeRow));
    if (seq <= (this.#shown?.seqs.get(id) ?? 0)) return;
    // A later record replaces an earlier one. An end is sent in any case, and so is each state change
    // of a task whose rows are wanted, since it is one of its rows.
    const row = type === "message" && this.#rowsOf.has(id);
    const key = row ? null : type === "complete" || type === "deleted" ? `${type} ${id}` : id;
    this.#stream.send(event.forMany(encodeEvent), key);
  }
}

const SENT: ReadonlySet<EventType> = new Set([
  "message",
  "progress",
  "complete",
  "deleted",
]);

/** Adds the task's id to a row: a stream over many tasks has rows of several. */
function encodeRow({ type, id: taskId, json }: TaskEvent, id: string): Uint8Array {
  const data = withFirst(json, "task_id", JSON.stringify(taskId));
  return encodeBytes({ id, event: type, data });
}
