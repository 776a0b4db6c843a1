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
  /** Checks that this rate is in force. The same object for as long as it is. */
  readonly check: Deno.AtomicCheck;
  /** Until when earlier starts may be in slots beyond the limit, in monotonic milliseconds. */
  readonly loweredUntil: number;
}

export interface RatesInForceOptions {
  kv: Deno.Kv;
  /** Writes through the journal, which is fenced: a process taken for dead sets no rate. */
  write(part: Part): Promise<WriteResult>;
  /** Milliseconds since the epoch. */
  now(): number;
  /** Milliseconds, monotonic. */
  clock(): number;
}

/** Bytes of a stored rate, about. */
const RATE_BYTES = 64;

export class RatesInForce {
  readonly #options: RatesInForceOptions;
  readonly #known = new Map<string, RateInForce>();

  constructor(options: RatesInForceOptions) {
    this.#options = options;
  }

  /** The rate as this process knows it; `undefined` before it was read. */
  get(kind: string): RateInForce | undefined {
    return this.#known.get(kind);
  }

  /** Reads the rate; the first time, puts `own` in force. */
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

  /** Whether the rate is not the one this process knows, by its versionstamp in the store. */
  hasChanged(kind: string, versionstamp: string | null): boolean {
    const known = this.#known.get(kind);
    return known !== undefined && known.check.versionstamp !== versionstamp;
  }

  #know(kind: string, key: Key, rate: StoredRate, versionstamp: string): void {
    if (this.#known.get(kind)?.check.versionstamp === versionstamp) return;
    const { limit, perMs, at, lowered } = rate;
    // A time in the future comes from a wrong clock.
    const age = Math.max(0, this.#options.now() - at);
    const left = lowered ? Math.max(0, perMs - age) : 0;
    const loweredUntil = lowered && left > 0 ? this.#options.clock() + left : -Infinity;
    this.#known.set(kind, { limit, perMs, check: { key, versionstamp }, loweredUntil });
  }
}

function isSame(a: Rate, b: Rate): boolean {
  return a.limit === b.limit && a.perMs === b.perMs;
}
