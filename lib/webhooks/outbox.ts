/**
 * The deliveries that are still to be made, in the store. Whoever looks at a line takes its first
 * delivery for some seconds, in a commit that checks it, so that two processes do not send it at
 * once. Each such time, and each wait, has a key in {@link DueLines}: so no line is ever forgotten.
 *
 * @module
 */

import {
  type Delivery,
  deliveryIn,
  deliverySet,
  dueSet,
  type Line,
  outboxMoved,
  readTargetsOf,
} from "../kv/deliveries.ts";
import { keys, outboxIn } from "../kv/keys.ts";
import { readSession } from "../kv/sessions.ts";
import { decideAgain, TRIES } from "../store/store_error.ts";
import type { Part } from "../store/write.ts";
import type { StoredTarget } from "../task/notify.ts";
import { type Due, DueLines, type DueLinesOptions, FAR_MS } from "./due_lines.ts";
import { afterTry, type Tried } from "./outcome.ts";

export interface OutboxOptions extends DueLinesOptions {
  sid: string;
  /** 0 to below 1. @default {Math.random} */
  random?: (() => number) | undefined;
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

/** Most deliveries of a task that are kept, besides those that wait. */
export const MAX_KEPT = 100;

/** Older deliveries that are removed at once. */
const REMOVED = 20;

/** Most taken lines that are read to find those of dead processes. */
const MAX_RECOVERED = 1000;

export class Outbox {
  /** The lines to look at. */
  readonly lines: DueLines;
  readonly #options: OutboxOptions;

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.lines = new DueLines(options);
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
      await this.lines.drop(due);
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
      return await this.lines.leave(due, next, entry) ? null : undefined;
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

  /** Since when a line's first delivery is due, milliseconds since the epoch; `null` for none. */
  async since(line: Line): Promise<number | null> {
    return (await this.#first(line))?.value ?? null;
  }

  /** Frees the deliveries that dead processes had taken. */
  async recover(): Promise<void> {
    const { kv, sid, now } = this.#options;
    const at = now();
    const alive = new Map<string, boolean>();
    for await (const due of this.lines.dueWithin(at + 1, at + TAKEN_MS, MAX_RECOVERED)) {
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
