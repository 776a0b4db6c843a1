import type { HashPair } from "./hash_text.ts";

/** Bytes of JSON that one remembered value takes: 64 bits in base64, rounded up. */
const ENTRY_BYTES = 11;
const MAX_EXACT = 1000;
const MIN_REGISTERS_LOG2 = 4;
const MAX_REGISTERS_LOG2 = 12;
/** Bits of the hash that a rank is taken from. */
const RANK_BITS = 32;
/** A register holds 0 to 33; as text it is one character from "0" on, none of which JSON escapes. */
const REGISTER_BASE = 48;

/** A {@link DistinctCounter} as JSON: the hashes it remembers, or its registers. */
export type DistinctState = { exact: string } | { registers: string };

/**
 * Counts how many different texts there are: exactly up to a bound, from there on by
 * HyperLogLog (Flajolet et al. 2007, with the estimator of Ertl 2017, "New cardinality estimation
 * algorithms for HyperLogLog sketches", algorithm 6). It keeps 64-bit hashes, so "exactly" is but for
 * a chance of one in 10^13. Its size as JSON never exceeds what it was given, and the count depends
 * on the set of texts alone: not on their order, nor on a stop between them.
 */
export class DistinctCounter {
  #maxExact: number;
  #log2: number;
  #size = 0;
  /** Open addressing, two words an entry, 0 0 for an empty one. `undefined` once over the bound. */
  #table: Uint32Array | undefined;
  #registers: Uint8Array | undefined;

  /**
   * Begins, or goes on from a state.
   *
   * @param maxBytes What it may take as JSON, at least 64.
   */
  constructor(maxBytes: number, state?: DistinctState) {
    const room = maxBytes - '{"registers":""}'.length;
    this.#maxExact = Math.min(MAX_EXACT, Math.floor(room / ENTRY_BYTES));
    const log2 = Math.floor(Math.log2(room));
    this.#log2 = Math.min(MAX_REGISTERS_LOG2, Math.max(MIN_REGISTERS_LOG2, log2));
    this.#table = new Uint32Array(4 << Math.ceil(Math.log2(this.#maxExact + 1)));
    if (state !== undefined) this.#restore(state);
  }

  /** Whether {@link count} is exact. */
  get exact(): boolean {
    return this.#table !== undefined;
  }

  /** How many different texts there were, or an estimate of it. */
  get count(): number {
    return this.#registers === undefined ? this.#size : Math.round(estimate(this.#registers));
  }

  /** Takes a text by its hash. */
  add({ high, low }: HashPair): void {
    this.#insert(high, low);
  }

  /** The state as JSON. */
  state(): DistinctState {
    if (this.#registers !== undefined) {
      return { registers: String.fromCharCode(...this.#registers.map((r) => r + REGISTER_BASE)) };
    }
    const entries = new DataView(new ArrayBuffer(this.#size * 8));
    let at = 0;
    this.#each((high, low) => {
      entries.setUint32(at, high);
      entries.setUint32(at + 4, low);
      at += 8;
    });
    return { exact: btoa(String.fromCharCode(...new Uint8Array(entries.buffer))) };
  }

  #restore(state: DistinctState): void {
    if ("registers" in state) {
      this.#registers = Uint8Array.from(state.registers, (c) => c.charCodeAt(0) - REGISTER_BASE);
      this.#table = undefined;
      return;
    }
    const entries = new DataView(
      Uint8Array.from(atob(state.exact), (c) => c.charCodeAt(0)).buffer,
    );
    for (let at = 0; at < entries.byteLength; at += 8) {
      this.#insert(entries.getUint32(at), entries.getUint32(at + 4));
    }
  }

  #insert(high: number, low: number): void {
    const table = this.#table;
    if (table === undefined) return this.#register(high, low);
    const mask = table.length - 2;
    let at = (low << 1) & mask;
    while (table[at] !== 0 || table[at + 1] !== 0) {
      if (table[at] === high && table[at + 1] === low) return;
      at = (at + 2) & mask;
    }
    if (this.#size === this.#maxExact) {
      this.#registers = new Uint8Array(1 << this.#log2);
      this.#each((high, low) => this.#register(high, low));
      this.#table = undefined;
      return this.#register(high, low);
    }
    table[at] = high;
    table[at + 1] = low;
    this.#size++;
  }

  #register(high: number, low: number): void {
    const registers = this.#registers!;
    const index = high >>> (32 - this.#log2);
    const rank = Math.clz32(low) + 1;
    if (rank > registers[index]!) registers[index] = rank;
  }

  #each(visit: (high: number, low: number) => void): void {
    const table = this.#table!;
    for (let at = 0; at < table.length; at += 2) {
      if (table[at] !== 0 || table[at + 1] !== 0) visit(table[at]!, table[at + 1]!);
    }
  }
}

function estimate(registers: Uint8Array): number {
  const m = registers.length;
  const histogram = new Array<number>(RANK_BITS + 2).fill(0);
  for (const register of registers) histogram[register]!++;
  let z = m * tau(1 - histogram[RANK_BITS + 1]! / m);
  for (let rank = RANK_BITS; rank >= 1; rank--) z = 0.5 * (z + histogram[rank]!);
  z += m * sigma(histogram[0]! / m);
  return m * m / (2 * Math.LN2 * z);
}

/** The share of registers still empty, as a sum: x + Σ x^(2^k) 2^(k-1). */
function sigma(x: number): number {
  if (x === 1) return Infinity;
  let sum = x;
  let last = NaN;
  for (let weight = 1; sum !== last; weight *= 2) {
    last = sum;
    x *= x;
    sum += x * weight;
  }
  return sum;
}

/** The share of registers not yet full, as a sum: (1 - x - Σ (1 - x^(2^-k))² 2^-k) / 3. */
function tau(x: number): number {
  if (x === 0 || x === 1) return 0;
  let sum = 1 - x;
  let last = NaN;
  for (let weight = 0.5; sum !== last; weight /= 2) {
    last = sum;
    x = Math.sqrt(x);
    sum -= (1 - x) ** 2 * weight;
  }
  return sum / 3;
}
