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
import {
  isLabelled,
  picker,
  picksRecord,
  type Selection,
  type Some,
  topicOf,
} from "./selection.ts";
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
  /** What the client says it has; `null` when it says nothing. */
  lastEventId: string | null;
  /** Of these tasks log and output rows, and rewinds, are sent as well. @default {[]} */
  rows?: readonly string[];
}

/** Sends the changes of the selected tasks into `stream`. Resolves when the client is level. */
export async function followMany(
  stream: SseStream,
  feed: Feed,
  options: FollowManyOptions,
): Promise<void> {
  await new Follower(stream, feed, options).join();
}

/** The cursor moves on though nothing of the selection happened. */
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
  /** Per task of the snapshot: what of it the client has seen, until no more of that can come. */
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

  /** Else it would hear only from the next event or heartbeat that it is listened for. */
  #tellLevel(): void {
    this.#stream.send(cursorOnly(this.#feed.hub));
  }

  /** Rows tell no labels: the tasks whose rows are wanted are looked at before. */
  async #pickRows(): Promise<void> {
    const selection = this.#selection;
    if (selection === null || !isLabelled(selection) || this.#rowsOf.size === 0) return;
    const entries = await this.#feed.heads.getMany([...this.#rowsOf]);
    const wanted = entries.flatMap(({ value }) =>
      value && picksRecord(value.record, selection) ? [idOf(value.record)] : []
    );
    this.#rowsOf = new Set(wanted);
  }

  /** Why a cursor is of no use. */
  #reasonFor(lastEventId: string): Opening {
    const { epoch, position } = this.#feed.hub;
    const cursor = parseCursor(lastEventId);
    if (cursor === null) return "malformed";
    return cursor.epoch !== epoch || cursor.versionstamp > position ? "unknown" : "too-old";
  }

  /** Sends what happened since a cursor; `false` where only a snapshot can tell. */
  async #replay(cursor: string): Promise<boolean> {
    const { kv, hub } = this.#feed;
    const wants = this.#picker();
    const replay = Replay.from(cursor, { kv, hub, wants });
    if (replay === null) return false;
    const step = async () => {
      using hold = hub.hold();
      const { position: until, cursor } = hub;
      // It may be stored while we read, and is not told a second time.
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

  /** @returns The cursor from which to go on; `null` when the client is level, or has left. */
  async #snapshot(opening: Opening): Promise<string | null> {
    const { ids, own, ...filter } = this.#selection ?? {};
    const { closed } = this.#stream;
    // Whatever comes while they are looked for has yet to be told.
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

  /** Those of one's own tasks that are selected: of a kind or a tag the newest may be old. */
  async #newestOwn(own: Own, { kind, ...labels }: SnapshotFilter): Promise<readonly string[]> {
    if (kind === undefined && !isLabelled(labels)) return own.newest(SNAPSHOT_TASKS);
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

  /** Sends what was held, and then each event as it comes; `false` when it was too much to hold. */
  #goLive(events: readonly HubEvent[] | null): boolean {
    const { hub } = this.#feed;
    const selection = this.#selection;
    if (events === null) return false;
    const picks = this.#picker();
    for (const event of events) if (picks(event.event, event)) this.#send(event);
    // All that the snapshot told has come by, as a rule.
    if (this.#shown && hub.position >= this.#shown.newest) this.#shown = null;
    if (this.#stream.ended !== null) return true;
    const { ids, own, kind } = selection ?? {};
    // Else the topic has nothing but what is selected.
    const filters = selection !== null &&
      (isLabelled(selection) || own !== undefined || (ids !== undefined && kind !== undefined));
    const take = (event: HubEvent) => {
      if (filters && !picks(event.event, event)) return;
      if (this.#shown && hub.position > this.#shown.newest) this.#shown = null;
      this.#send(event);
    };
    const topic = topicOf(selection);
    this.#untilClosed(hub.listen(topic, take));
    // No sooner: who is cut off while it catches up would come again from behind what it missed.
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

  /** Tells of each event, in their order, whether it is sent. */
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
    // A later record tells all that an earlier one did; an end is told in any case, and where rows
    // are wanted each change of state is one.
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

/** A row tells which task it is of: here it is not the only one. */
function encodeRow({ type, id: taskId, json }: TaskEvent, id: string): Uint8Array {
  const data = withFirst(json, "task_id", JSON.stringify(taskId));
  return encodeBytes({ id, event: type, data });
}
