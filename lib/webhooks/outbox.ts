/**
 * The deliveries that are still to be made, in the store. A `delivery-due` key only says that
 * somebody should look at a line: the webhooks of a task to one target. Whoever looks takes the
 * first delivery of the line for some seconds, in a commit that checks it, so that two processes do
 * not send it at once. Each such time, and each wait, has a key: so no line is ever forgotten.
 *
 * @module
 */

import type { Logger } from "../base/log.ts";
import {
  type Delivery,
  deliveryIn,
  deliverySet,
  dueSet,
  type Line,
  outboxMoved,
  readTargetsOf,
} from "../kv/deliveries.ts";
import { KeyWatch } from "../kv/key_watch.ts";
import { dueIn, type Key, keys, outboxIn } from "../kv/keys.ts";
import { readSession } from "../kv/sessions.ts";
import { decideAgain, TRIES } from "../store/store_error.ts";
import type { Part, WriteResult } from "../store/write.ts";
import type { StoredTarget } from "../task/notify.ts";
import { afterTry, type Tried } from "./outcome.ts";

export interface OutboxOptions {
  kv: Deno.Kv;
  sid: string;
  write(part: Part): Promise<WriteResult>;
  /** Milliseconds since the epoch. */
  now(): number;
  log: Logger;
  /** 0 to below 1. @default {Math.random} */
  random?: (() => number) | undefined;
}

/** A key that says that some process should look at a line. */
export interface Due extends Line {
  readonly key: Key;
  readonly versionstamp: string;
  /** Since when, or from when on, milliseconds since the epoch. */
  readonly at: number;
  readonly origin: string;
}

/** A delivery that this process is sending. */
export interface Taken {
  readonly n: number;
  readonly delivery: Delivery;
  readonly versionstamp: string;
  /** Its body, UTF-8. */
  readonly body: Uint8Array;
  /** `undefined` if it is no longer known. */
  readonly target: StoredTarget | undefined;
  /** The key by which another process looks at the line, if this one does not finish in time. */
  readonly due: Due;
}

/** Milliseconds for which a delivery is taken: more than a try and the commit after it need. */
export const TAKEN_MS = 20_000;

/** Lines read at once: usually few are due. */
const BATCH = 64;

/** Most deliveries of a task that are kept, besides those that wait. */
export const MAX_KEPT = 100;

/** Older deliveries that are removed at once. */
const REMOVED = 20;

/** Milliseconds, more than a delivery ever waits: a later time tells that the clock was set back. */
const FAR_MS = 2 * 3600_000;

/** Most taken lines that are read to find those of dead processes. */
const MAX_RECOVERED = 1000;

export class Outbox {
  readonly #options: OutboxOptions;
  /** When it last looked, milliseconds since the epoch. */
  #lookedAt = Infinity;

  constructor(options: OutboxOptions) {
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

  /**
   * Takes the first delivery of a line; `null` if it cannot be taken.
   *
   * @throws {StoreError} If the store does not take it.
   */
  take(due: Due): Promise<Taken | null> {
    return decideAgain(() => this.#take(due));
  }

  /** `undefined` if another process was first: it may have left the key to this one. */
  async #take(due: Due): Promise<Taken | null | undefined> {
    const { kv, sid, now } = this.#options;
    const { id, target, origin } = due;
    const first = await this.#first(due);
    if (first === null) {
      await this.#drop(due);
      return null;
    }
    const n = outboxIn(first.key);
    const [entry, body] = await kv.getMany<[Delivery, Uint8Array]>([
      keys.delivery(id, n),
      keys.deliveryBody(id, n),
    ]);
    if (entry.value === null || body.value === null) {
      await this.#options.write({ deletes: [first.key] });
      return null;
    }
    const at = now();
    const { next } = entry.value;
    if (next > at && next <= at + FAR_MS) {
      // It is taken, or waits.
      return await this.#wait(due, next, entry);
    }
    const until = at + TAKEN_MS;
    const delivery: Delivery = { ...entry.value, next: until, by: sid };
    const key = keys.deliveryDue(until, id, target);
    const written = await this.#options.write({
      // Both, as another process may have delivered it between the two reads.
      checks: [entry, first],
      deletes: [due.key],
      sets: [deliverySet(id, n, delivery), dueSet(due, until, origin)],
    });
    if (!written.ok) return written.reason === "conflict" ? undefined : null;
    const { versionstamp } = written;
    return {
      n,
      delivery,
      versionstamp,
      body: body.value,
      target: delivery.orphan ?? (await readTargetsOf(kv, id))[target],
      due: { id, target, origin, at: until, key, versionstamp },
    };
  }

  /**
   * Writes how a try went. The line's key stays if the line's next delivery is to be taken.
   *
   * @returns The delivery as written; `null` if it is no longer this process's to write.
   */
  async finish({ n, due, ...taken }: Taken, tried: Tried): Promise<Delivery | null> {
    const { kv, now, write, random } = this.#options;
    const { id, target, origin } = due;
    const key = keys.delivery(id, n);
    let { delivery, versionstamp } = taken;
    for (let tries = 0; tries < TRIES; tries++) {
      const after = afterTry(delivery, tried, now(), random);
      const part: Required<Pick<Part, "sets" | "deletes">> = { sets: [], deletes: [] };
      if (after.state === "waiting") {
        part.sets.push(deliverySet(id, n, after), dueSet(due, after.next, origin));
        part.deletes.push(due.key);
      } else {
        part.deletes.push(keys.outbox(id, target, n));
        if (after.orphan) part.deletes.push(key, keys.deliveryBody(id, n));
        else part.sets.push(deliverySet(id, n, after));
      }
      const written = await write({ ...part, checks: [{ key, versionstamp }] });
      if (written.ok) {
        if (after.state !== "waiting") await this.#removeOld(id, n);
        return after;
      }
      if (written.reason !== "conflict") return null;
      // Its task was removed, somebody had it sent again, or the try took too long.
      const changed = await kv.get<Delivery>(key);
      if (changed.value === null || changed.value.state !== "waiting") return null;
      delivery = changed.value;
      versionstamp = changed.versionstamp;
    }
    return null;
  }

  /** Gives back a delivery that was not tried. */
  async giveBack({ n, delivery, versionstamp, due }: Taken): Promise<void> {
    await this.#free(due, n, { delivery, versionstamp }, this.#options.now());
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
   * Has a line wait until `next`, as its first delivery does. Usually there is a key for that time: it
   * stays as it is, as its owner removes it unless somebody wrote it again. If there is none, since the
   * clock was set back after this key was found, this one becomes that key.
   *
   * @returns `undefined` if the line has gone on meanwhile.
   */
  async #wait(due: Due, next: number, first: Deno.AtomicCheck): Promise<null | undefined> {
    const { kv, write } = this.#options;
    if (due.at === next) return null;
    const known = await kv.get(keys.deliveryDue(next, due.id, due.target));
    const written = await write({
      checks: [due, first, known],
      deletes: [due.key],
      sets: known.versionstamp === null ? [dueSet(due, next, due.origin)] : [],
    });
    if (written.ok || written.reason !== "conflict") return null;
    const { versionstamp } = await kv.get(due.key);
    return versionstamp === due.versionstamp ? undefined : null;
  }

  /** Since when a line's first delivery is due, milliseconds since the epoch; `null` for none. */
  async since(line: Line): Promise<number | null> {
    return (await this.#first(line))?.value ?? null;
  }

  /** Frees the deliveries that dead processes had taken. */
  async recover(): Promise<void> {
    const { kv, sid, now } = this.#options;
    const at = now();
    const selector = {
      start: keys.deliveriesDue(at + 1),
      end: keys.deliveriesDue(at + TAKEN_MS + 1),
    };
    const alive = new Map<string, boolean>();
    for await (const entry of kv.list<string>(selector, { limit: MAX_RECOVERED })) {
      const due = dueOf(entry);
      const first = await this.#first(due);
      if (first === null) continue;
      const n = outboxIn(first.key);
      const { value, versionstamp } = await kv.get<Delivery>(keys.delivery(due.id, n));
      if (!value?.by || value.by === sid) continue;
      if (!alive.has(value.by)) alive.set(value.by, await readSession(kv, value.by) !== null);
      if (alive.get(value.by)) continue;
      await this.#free(due, n, { delivery: value, versionstamp }, at);
    }
  }

  /** Makes due what was set for a time far ahead, before the clock was set back. */
  async #bringBack(at: number): Promise<void> {
    const selector = { prefix: keys.allDue, start: keys.deliveriesDue(at + FAR_MS) };
    const options = { batchSize: BATCH };
    for await (const entry of this.#options.kv.list<string>(selector, options)) {
      await this.move(dueOf(entry), at);
    }
  }

  /** Lets any process take a delivery from `at` on, unless it has changed. */
  async #free(
    due: Due,
    n: number,
    { delivery, versionstamp }: Pick<Taken, "delivery" | "versionstamp">,
    at: number,
  ): Promise<void> {
    await this.#options.write({
      checks: [{ key: keys.delivery(due.id, n), versionstamp }],
      deletes: [due.key],
      sets: [
        deliverySet(due.id, n, { ...delivery, next: at, by: null }),
        dueSet(due, at, due.origin),
        outboxMoved(due.id),
      ],
    });
  }

  async #first({ id, target }: Line): Promise<Deno.KvEntry<number> | null> {
    const entries = this.#options.kv.list<number>({ prefix: keys.outboxOf(id, target) }, {
      limit: 1,
    });
    for await (const entry of entries) return entry;
    return null;
  }

  /** Removes the key that led to a line, unless it was written again since. */
  async #drop({ key, versionstamp }: Due): Promise<void> {
    await this.#options.write({ checks: [{ key, versionstamp }], deletes: [key] });
  }

  /** Removes deliveries that ended more than {@link MAX_KEPT} before the n-th. */
  async #removeOld(id: string, n: number): Promise<void> {
    if (n <= MAX_KEPT) return;
    const { kv, write } = this.#options;
    const selector = { prefix: keys.deliveries(id), end: keys.delivery(id, n - MAX_KEPT + 1) };
    for await (const entry of kv.list<Delivery>(selector, { limit: REMOVED })) {
      const { key, value } = entry;
      if (value.state === "waiting") continue;
      await write({ checks: [entry], deletes: [key, keys.deliveryBody(id, deliveryIn(key))] });
    }
  }
}

function dueOf({ key, value, versionstamp }: Deno.KvEntry<string>): Due {
  return { ...dueIn(key), origin: value, key, versionstamp };
}
