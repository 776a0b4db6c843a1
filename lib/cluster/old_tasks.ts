/**
 * Removes finished tasks that have been kept for long enough: many in one commit, but few enough
 * that other writes do not wait for long.
 *
 * @module
 */

import { decodeTime } from "@std/ulid";
import type { Head } from "../kv/head.ts";
import {
  BEHIND_IDS,
  expiresIn,
  FIRST_ID,
  type Indexed,
  indexedIn,
  keys,
  nameIn,
  OWN_EXPIRY,
} from "../kv/keys.ts";
import { knownKinds } from "../kv/known_kinds.ts";
import type { Store } from "../store/store.ts";
import type { TaskRecord } from "../task/record.ts";
import { type Expiry, expiryOf, FINISHED, type FinishedStatus } from "../task/retention.ts";

/** Tasks removed at once. */
const AT_ONCE = 32;

/** Milliseconds for which a {@link Passed} holds: somebody may change how long a task is kept. */
const REMEMBER_MS = 3600_000;

/** Milliseconds that finished tasks are kept, unless the task or its kind says otherwise. */
export type RetentionMs = Readonly<Record<FinishedStatus, number>>;

/** All tasks of a kind and status up to this id have an expiry of their own, and are skipped. */
interface Passed {
  id: string;
  /** Milliseconds of a monotonic clock. */
  until: number;
}

export class OldTasks {
  readonly #store: Store;
  readonly #retention: RetentionMs;
  readonly #elapsed: () => number;
  #passed = new Map<string, Passed>();

  /** `elapsed` returns monotonic milliseconds. */
  constructor(store: Store, retention: RetentionMs, elapsed = () => performance.now()) {
    this.#store = store;
    this.#retention = retention;
    this.#elapsed = elapsed;
  }

  /**
   * Removes the tasks whose time is over.
   *
   * @param now Milliseconds since the epoch.
   * @param signal Stops the removal.
   */
  async remove(now: number, signal: AbortSignal): Promise<void> {
    await this.#removeExpired(now, signal);
    const passed = new Map<string, Passed>();
    for (const kind of await knownKinds(this.#store.kv)) {
      for (const status of FINISHED) {
        if (signal.aborted) return;
        const name = `${kind} ${status}`;
        const known = await this.#removeEnded(kind, status, now, this.#passed.get(name), signal);
        if (known) passed.set(name, known);
      }
    }
    this.#passed = passed;
  }

  /** Removes the tasks with an expiry of their own: there are keys in that order. */
  async #removeExpired(now: number, signal: AbortSignal): Promise<void> {
    const { kv } = this.#store;
    const end = keys.expires(now, BEHIND_IDS);
    const batch = new Batch<Deno.KvKey>(async (due) => {
      const heads = await this.#store.heads.getMany(due.map((key) => expiresIn(key).id));
      const stale: Deno.KvKey[] = [];
      await Promise.all(due.map(async (key, n) => {
        const { id, until } = expiresIn(key);
        const known = heads[n]!;
        const expiry = known.value && expiryIn(known.value);
        if (typeof expiry === "object" && expiry?.until === until) {
          await this.#store.remove(id, { known });
        } else {
          // An older version, which does not know these keys, removed the task or ran it again.
          stale.push(key);
        }
      }));
      if (stale.length > 0) await this.#store.journal.write({ deletes: stale });
    });
    for await (const { key } of kv.list({ prefix: keys.expirings, end }, { batchSize: 500 })) {
      await batch.add(key);
      if (signal.aborted) break;
    }
    await batch.end();
  }

  /** Removes the other tasks, by the time of their end. */
  async #removeEnded(
    kind: string,
    status: FinishedStatus,
    now: number,
    known: Passed | undefined,
    signal: AbortSignal,
  ): Promise<Passed | null> {
    const before = now - this.#retention[status];
    const holds = known !== undefined && known.until > this.#elapsed();
    let passed: string | null = holds ? known.id : null;
    let all = true;
    const batch = new Batch<string>(async (ids) => {
      const heads = await this.#store.heads.getMany(ids);
      await Promise.all(heads.map(async (head) => {
        if (head.value === null || !this.#isOver(head.value, now)) return;
        await this.#store.remove(nameIn(head.key), { known: head });
      }));
    });
    const start = keys.index(kind, status, passed ?? FIRST_ID);
    const end = keys.index(kind, status, BEHIND_IDS);
    const list = this.#store.kv.list<Indexed | null>({ start, end }, { batchSize: 500 });
    for await (const { key, value } of list) {
      const id = indexedIn(key);
      // Ids sort by submission, which comes before the end, so all others ended later than `before`.
      if (decodeTime(id) > before) break;
      const { ended } = value ?? {};
      all &&= ended === OWN_EXPIRY;
      if (all) passed = id;
      if (ended === undefined || (ended !== OWN_EXPIRY && ended <= before)) await batch.add(id);
      if (signal.aborted) break;
    }
    await batch.end();
    if (passed === null) return null;
    return { id: passed, until: holds ? known.until : this.#elapsed() + REMEMBER_MS };
  }

  #isOver(head: Head, now: number): boolean {
    const expiry = expiryIn(head);
    if (expiry === null) return false;
    if (typeof expiry === "object") return expiry.until !== null && expiry.until <= now;
    const { status } = JSON.parse(head.record) as { status: FinishedStatus };
    return expiry <= now - this.#retention[status];
  }
}

function expiryIn({ record, retention }: Head): Expiry | null {
  return expiryOf({ record: JSON.parse(record) as TaskRecord, retention });
}

/** Calls `work` with some items at a time; the next ones are read while the last ones are written. */
class Batch<Item> {
  readonly #work: (items: Item[]) => Promise<void>;
  #items: Item[] = [];
  #under: Promise<void> = Promise.resolve();

  constructor(work: (items: Item[]) => Promise<void>) {
    this.#work = work;
  }

  async add(item: Item): Promise<void> {
    this.#items.push(item);
    if (this.#items.length < AT_ONCE) return;
    const last = this.#under;
    this.#under = this.#work(this.#items);
    // It is awaited later: until then its error must not count as unhandled.
    this.#under.catch(() => {});
    this.#items = [];
    await last;
  }

  async end(): Promise<void> {
    await this.#under;
    if (this.#items.length > 0) await this.#work(this.#items);
  }
}
