/**
 * Lists the webhooks that were sent about a task or are still to be sent, and sends one again.
 *
 * @module
 */

import { auditSet } from "../kv/audit.ts";
import {
  type Delivery,
  deliveryIn,
  deliverySet,
  dueSet,
  outboxMoved,
  readTargetsOf,
} from "../kv/deliveries.ts";
import { keys } from "../kv/keys.ts";
import { decideAgain, stillHeld } from "../store/store_error.ts";
import type { Part, WriteResult } from "../store/write.ts";
import type { StoredTarget } from "../task/notify.ts";

export interface DeliveriesOptions {
  kv: Deno.Kv;
  write(part: Part): Promise<WriteResult>;
  /** Milliseconds since the epoch. */
  now(): number;
}

/** Most waiting deliveries that are counted. */
const MAX_COUNTED = 10_000;

/** Most deliveries of a task that are shown. */
const MAX_SHOWN = 200;

export class Deliveries {
  readonly #options: DeliveriesOptions;

  constructor(options: DeliveriesOptions) {
    this.#options = options;
  }

  /** The deliveries of a task that are kept, the newest first. */
  async of(id: string): Promise<{ n: number; delivery: Delivery }[]> {
    const selector = { prefix: keys.deliveries(id) };
    const options = { limit: MAX_SHOWN, reverse: true };
    const entries = await Array.fromAsync(this.#options.kv.list<Delivery>(selector, options));
    return entries.map(({ key, value }) => ({ n: deliveryIn(key), delivery: value }));
  }

  /** The targets of webhooks about a task. */
  targetsOf(id: string): Promise<readonly StoredTarget[]> {
    return readTargetsOf(this.#options.kv, id);
  }

  /**
   * Has a delivery sent now, even one that waits for its next try. Resolves when that is durable.
   *
   * @param by Who asks for it, for the audit log of the task's kind.
   * @returns The delivery as changed; `null` if there is none.
   */
  async resend(id: string, n: number, kind: string, by: string): Promise<Delivery | null> {
    const { kv, now, write } = this.#options;
    const key = keys.delivery(id, n);
    const { delivery } = await decideAgain(async () => {
      const { value, versionstamp } = await kv.get<Delivery>(key);
      if (value === null) return { delivery: null };
      const at = now();
      const { target, origin, state, by: session, next } = value;
      // It is being sent.
      if (state === "waiting" && session !== null && next > at) return { delivery: value };
      const again: Delivery = {
        ...value,
        state: "waiting",
        tries: state === "waiting" ? value.tries : 0,
        since: at,
        next: at,
        by: null,
        resentBy: by,
      };
      const told = { action: "resend", by, at: new Date(at).toISOString(), task_id: id };
      const held = await stillHeld(write({
        checks: [{ key, versionstamp }],
        sets: [
          deliverySet(id, n, again),
          [keys.outbox(id, target, n), at, 16],
          dueSet({ id, target }, at, origin),
          outboxMoved(id),
          auditSet(kind, told),
        ],
      }));
      return held ? { delivery: again } : undefined;
    });
    return delivery;
  }

  /** How many deliveries wait, up to {@link MAX_COUNTED}, and since when the oldest of these does. */
  async waiting(): Promise<{ count: number; oldest: number | null }> {
    let count = 0;
    let oldest: number | null = null;
    const options = { limit: MAX_COUNTED, batchSize: 500 };
    for await (
      const { value } of this.#options.kv.list<number>({ prefix: keys.outboxes }, options)
    ) {
      count++;
      oldest = Math.min(oldest ?? value, value);
    }
    return { count, oldest };
  }
}
