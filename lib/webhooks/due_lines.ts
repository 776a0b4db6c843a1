/**
 * The lines that somebody should look at, in the store. A line is the webhooks of a task to one
 * target, and a `delivery-due` key says when to look at it: more than one may, and that there is
 * nothing to send does no harm.
 *
 * @module
 */

import type { Logger } from "../base/log.ts";
import { dueSet, type Line, outboxMoved } from "../kv/deliveries.ts";
import { KeyWatch } from "../kv/key_watch.ts";
import { dueIn, type Key, keys } from "../kv/keys.ts";
import type { Part, WriteResult } from "../store/write.ts";

export interface DueLinesOptions {
  kv: Deno.Kv;
  write(part: Part): Promise<WriteResult>;
  /** Milliseconds since the epoch. */
  now(): number;
  log: Logger;
}

/** A key that says that some process should look at a line. */
export interface Due extends Line {
  readonly key: Key;
  readonly versionstamp: string;
  /** Since when, or from when on, milliseconds since the epoch. */
  readonly at: number;
  readonly origin: string;
}

/** Lines read at once: usually few are due. */
const BATCH = 64;

/** Milliseconds, more than a delivery ever waits: a later time tells that the clock was set back. */
export const FAR_MS = 2 * 3600_000;

export class DueLines {
  readonly #options: DueLinesOptions;
  /** When it last looked, milliseconds since the epoch. */
  #lookedAt = Infinity;

  constructor(options: DueLinesOptions) {
    this.#options = options;
  }

  /**
   * Lines that are due, earliest first, and when the next one will be; `null` if that is not known.
   *
   * @param after Goes on after this one.
   */
  async due(limit: number, after: Due | null): Promise<{ dues: Due[]; next: number | null }> {
    const { kv, now } = this.#options;
    const at = now();
    if (at < this.#lookedAt) await this.#bringBack(at);
    this.#lookedAt = at;
    const dues: Due[] = [];
    const selector = {
      prefix: keys.allDue,
      start: after ? [...after.key, 0] : keys.deliveriesDue(0),
    };
    for await (const entry of kv.list<string>(selector, { batchSize: BATCH })) {
      const due = dueOf(entry);
      if (due.at > at) return { dues, next: due.at };
      dues.push(due);
      if (dues.length === limit) break;
    }
    return { dues, next: null };
  }

  /** Lines that will be due between two times, both included, but `limit` at most. */
  async *dueWithin(from: number, to: number, limit: number): AsyncGenerator<Due> {
    const selector = { start: keys.deliveriesDue(from), end: keys.deliveriesDue(to + 1) };
    for await (const entry of this.#options.kv.list<string>(selector, { limit })) {
      yield dueOf(entry);
    }
  }

  /** Calls `onmoved` at the start, and when any process wrote something that is to be delivered now. */
  watch(onmoved: () => void): AsyncDisposable {
    const { kv, log } = this.#options;
    return new KeyWatch({
      kv,
      key: keys.outboxHead,
      onchange: onmoved,
      failed: "the watch for webhooks failed and is restarted",
      log,
    });
  }

  /** Has some process look at a line at another time. */
  async move(due: Due, at: number): Promise<void> {
    await this.#options.write({
      checks: [due],
      deletes: [due.key],
      sets: [
        dueSet(due, at, due.origin),
        ...at <= this.#options.now() ? [outboxMoved(due.id)] : [],
      ],
    });
  }

  /**
   * Leaves a line alone until `next`, as its first delivery is taken or waits until then. Usually there
   * is a key for that time. It stays as it is: who has taken the delivery removes it, unless it was
   * written again. If there is none, since the clock was set back after `due` was found, `due` becomes
   * that key.
   *
   * @param first Checks that the delivery is unchanged.
   * @returns `false` if it has changed, and `due` is still there.
   */
  async leave(due: Due, next: number, first: Deno.AtomicCheck): Promise<boolean> {
    const { kv, write } = this.#options;
    if (due.at === next) return true;
    const known = await kv.get(keys.deliveryDue(next, due.id, due.target));
    const written = await write({
      checks: [due, first, known],
      deletes: [due.key],
      sets: known.versionstamp === null ? [dueSet(due, next, due.origin)] : [],
    });
    if (written.ok || written.reason !== "conflict") return true;
    return (await kv.get(due.key)).versionstamp !== due.versionstamp;
  }

  /** Removes the key that led to a line, unless it was written again since. */
  async drop({ key, versionstamp }: Due): Promise<void> {
    await this.#options.write({ checks: [{ key, versionstamp }], deletes: [key] });
  }

  /** Makes due what was set for a time far ahead, before the clock was set back. */
  async #bringBack(at: number): Promise<void> {
    const selector = { prefix: keys.allDue, start: keys.deliveriesDue(at + FAR_MS) };
    const options = { batchSize: BATCH };
    for await (const entry of this.#options.kv.list<string>(selector, options)) {
      await this.move(dueOf(entry), at);
    }
  }
}

function dueOf({ key, value, versionstamp }: Deno.KvEntry<string>): Due {
  return { ...dueIn(key), origin: value, key, versionstamp };
}
