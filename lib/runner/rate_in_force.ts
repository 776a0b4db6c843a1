/**
 * The rate of a kind that is in force in the whole cluster: that of the process which started last.
 * It is in the store, and the commit of each start checks that it is the one that its process
 * knows. So from the commit of a new rate on, nothing starts by the old one.
 *
 * @module
 */

import { type Key, keys } from "../kv/keys.ts";
import { decideAgain, inTime, StoreError } from "../store/store_error.ts";
import type { Part, WriteResult } from "../store/write.ts";
import type { StoredRate } from "../kv/slot_counts.ts";

export interface Rate {
  readonly limit: number;
  readonly perMs: number;
}

export interface RateInForce extends Rate {
  /** That it is this one. The same object until it is not. */
  readonly check: Deno.AtomicCheck;
  /** Monotonic: until then starts of before it may be in slots beyond its own. */
  readonly loweredUntil: number;
}

export interface RatesInForceOptions {
  kv: Deno.Kv;
  /** As the journal does: what counts as dead says nothing of what is in force. */
  write(part: Part): Promise<WriteResult>;
  /** Milliseconds since the epoch. */
  now(): number;
  /** Milliseconds, monotonic. */
  clock(): number;
}

/** Of a stored rate, about. */
const RATE_BYTES = 64;

export class RatesInForce {
  readonly #options: RatesInForceOptions;
  readonly #known = new Map<string, RateInForce>();

  constructor(options: RatesInForceOptions) {
    this.#options = options;
  }

  /** As this process knows it; `undefined` before it was read. */
  get(kind: string): RateInForce | undefined {
    return this.#known.get(kind);
  }

  /** Reads it; the first time, it is to be this one. */
  async read(kind: string, own: Rate): Promise<void> {
    const { kv, write, now } = this.#options;
    const key = keys.rated(kind);
    const { rate, stamp } = await decideAgain(async () => {
      const { value, versionstamp } = await kv.get<StoredRate>(key);
      if (value && (this.#known.has(kind) || isSame(value, own))) {
        return { rate: value, stamp: versionstamp };
      }
      const lowered = value !== null &&
        (value.limit > own.limit || (value.lowered && now() - value.at < value.perMs));
      const { limit, perMs } = own;
      const set: StoredRate = { limit, perMs, at: now(), lowered };
      const checks = [{ key, versionstamp }];
      const written = await inTime(write({ checks, sets: [[key, set, RATE_BYTES]] }));
      if (written.ok) return { rate: set, stamp: written.versionstamp };
      if (written.reason !== "conflict") throw new StoreError(written);
      return undefined;
    });
    this.#know(kind, key, rate, stamp);
  }

  /** Whether it is no longer as this process knows it, given what the store has. */
  hasChanged(kind: string, versionstamp: string | null): boolean {
    const known = this.#known.get(kind);
    return known !== undefined && known.check.versionstamp !== versionstamp;
  }

  #know(kind: string, key: Key, rate: StoredRate, versionstamp: string): void {
    if (this.#known.get(kind)?.check.versionstamp === versionstamp) return;
    const { limit, perMs, at, lowered } = rate;
    // What the clock says of a time to come is not true.
    const age = Math.max(0, this.#options.now() - at);
    const left = lowered ? Math.max(0, perMs - age) : 0;
    const loweredUntil = lowered && left > 0 ? this.#options.clock() + left : -Infinity;
    this.#known.set(kind, { limit, perMs, check: { key, versionstamp }, loweredUntil });
  }
}

function isSame(a: Rate, b: Rate): boolean {
  return a.limit === b.limit && a.perMs === b.perMs;
}
