/**
 * Snapshots of many tasks: read and encoded once for all streams that wait for one at that moment.
 *
 * @module
 */

import { catchUp } from "../kv/catch_up.ts";
import type { Hold } from "./held_events.ts";
import type { Hub } from "./hub.ts";
import { keys } from "../kv/keys.ts";
import type { Heads } from "../kv/heads.ts";
import { isAmongThose, type Labels, labelsOf, NO_PARENT } from "../task/labels.ts";
import type { TaskRecord } from "../task/record.ts";
import { encodeBytes } from "../sse/encode.ts";

/** Most tasks in a snapshot. */
export const SNAPSHOT_TASKS = 100;

/** Most clients that share one: all of them are served in one turn of the event loop. */
const MAX_SHARES = 50;

/** Why a snapshot is sent: as the beginning, or since the client's cursor cannot be resumed from. */
export type Opening = "snapshot" | "too-old" | "unknown" | "malformed";

/** The newest tasks, as they were at about one moment. */
export class Snapshot {
  /** The cursor just before it was read: events after it have yet to be sent. */
  readonly level: string;
  /** The position just after it was read: it includes nothing that came later. */
  readonly newest: string;
  readonly #records: readonly string[];
  readonly #encoded = new Map<string, Uint8Array>();
  #shown: ReadonlyMap<string, number> | undefined;

  /** Takes the records as JSON texts. */
  constructor(records: readonly string[], level: string, newest: string) {
    this.#records = records;
    this.level = level;
    this.newest = newest;
  }

  get shown(): ReadonlyMap<string, number> {
    return this.#shown ??= seqsOf(this.#records);
  }

  /** The message to send, encoded once for each opening. */
  encode(opening?: Opening): Uint8Array {
    const name = opening ?? "message";
    const known = this.#encoded.get(name);
    if (known) return known;
    const event = snapshotEvent(opening);
    const data = snapshotData(this.#records, opening);
    const encoded = encodeBytes({ id: this.level, event, data });
    this.#encoded.set(name, encoded);
    return encoded;
  }
}

export function snapshotEvent(opening?: Opening): string | undefined {
  return opening === undefined || opening === "snapshot" ? opening : "reset";
}

export function snapshotData(records: readonly string[], opening?: Opening): string {
  const reset = snapshotEvent(opening) === "reset";
  return `{${reset ? `"reason":"${opening}",` : ""}"tasks":[${records.join(",")}]}`;
}

export function seqsOf(records: readonly string[]): Map<string, number> {
  return new Map(records.map((json) => {
    const { task_id, seq } = JSON.parse(json) as TaskRecord;
    return [task_id, seq];
  }));
}

/** The position of the newest commit: nothing that was read before lies after it. */
export async function newestPosition(kv: Deno.Kv): Promise<string> {
  return (await kv.get(keys.journalHead)).versionstamp ?? "";
}

/** A read that several wait for. Events are held from its beginning until all have taken it. */
interface Shared {
  shares: number;
  hold: Hold | null;
  read: Promise<Snapshot | null>;
}

/** Which tasks a snapshot has; all if no field is set. */
export interface SnapshotFilter extends Labels {
  kind?: string;
}

export class Snapshots {
  readonly #kv: Deno.Kv;
  readonly #hub: Hub;
  readonly #heads: Heads;
  /** The reads that have yet to begin, by their filter. */
  readonly #next = new Map<string, Shared>();

  constructor(kv: Deno.Kv, hub: Hub, heads: Heads) {
    this.#kv = kv;
    this.#hub = hub;
    this.#heads = heads;
  }

  /**
   * Reads a snapshot, together with others who want the same. `take` must be synchronous: `events` are
   * those since {@link Snapshot.level}, up to now; `null` if they were too many to be held.
   *
   * @returns What `take` returns; `undefined` if `signal` aborts before.
   */
  async take<T>(
    filter: SnapshotFilter,
    signal: AbortSignal,
    take: (snapshot: Snapshot, events: ReturnType<Hold["events"]>) => T,
  ): Promise<T | undefined> {
    const shared = this.#join(filter);
    let here = true;
    const leave = () => {
      if (here && --shared.shares === 0) shared.hold?.[Symbol.dispose]();
      here = false;
    };
    signal.addEventListener("abort", leave);
    if (signal.aborted) leave();
    try {
      const snapshot = await shared.read;
      if (snapshot === null || signal.aborted) return undefined;
      return take(snapshot, shared.hold!.events());
    } finally {
      signal.removeEventListener("abort", leave);
      leave();
    }
  }

  #join(filter: SnapshotFilter): Shared {
    const { kind, owner, tags, parent_id } = filter;
    const name = JSON.stringify([kind, owner, tags, parent_id]);
    let shared = this.#next.get(name);
    if (!shared || shared.shares >= MAX_SHARES) {
      shared = { shares: 0, hold: null, read: catchUp(() => this.#read(name, filter, shared!)) };
      this.#next.set(name, shared);
    }
    shared.shares++;
    return shared;
  }

  async #read(
    name: string,
    { kind, ...labels }: SnapshotFilter,
    shared: Shared,
  ): Promise<Snapshot | null> {
    if (this.#next.get(name) === shared) this.#next.delete(name);
    if (shared.shares === 0) return null;
    shared.hold = this.#hub.hold();
    try {
      const level = this.#hub.cursor;
      const ofKind = kind === undefined ? {} : { kinds: [kind] };
      const query = { ...labels, ...ofKind, limit: SNAPSHOT_TASKS };
      const { records } = await this.#heads.list(query);
      // A stream of children includes their parent.
      const { parent_id: parent } = labels;
      const head = parent === undefined || parent === NO_PARENT
        ? null
        : await this.#heads.get(parent);
      if (head && isAmongThose(parent!, labelsOf(head.record), labels)) records.push(head.record);
      return new Snapshot(records, level, await newestPosition(this.#kv));
    } catch (error) {
      shared.hold[Symbol.dispose]();
      throw error;
    }
  }
}
