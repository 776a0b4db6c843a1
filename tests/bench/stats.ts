/**
 * The few statistics that a benchmark needs: exact percentiles, and medians over rounds.
 *
 * @module
 */

/** Statistics of a set of measurements, in their own unit. All are 0 for an empty set. */
export interface Summary {
  count: number;
  p50: number;
  /** 95 % of the values are not greater. */
  p95: number;
  /** 99 % of the values are not greater. */
  p99: number;
  max: number;
}

/** Collects numbers without a heap object for each, so that 400,000 latencies cause no GC pauses. */
export class Samples {
  #values = new Float64Array(1024);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(value: number): void {
    if (this.#count === this.#values.length) {
      const grown = new Float64Array(this.#count * 2);
      grown.set(this.#values);
      this.#values = grown;
    }
    this.#values[this.#count++] = value;
  }

  /** Exact percentiles of everything added so far. */
  summary(): Summary {
    return summarize(this.#values.subarray(0, this.#count));
  }
}

/**
 * The nearest-rank percentile: the smallest value such that at least `percent` % of the values are
 * not greater. It is always one of the values, never interpolated.
 *
 * @param sorted In ascending order.
 * @throws {RangeError} If there is no value, or `percent` is not within 0–100.
 */
export function percentile(sorted: ArrayLike<number>, percent: number): number {
  if (!(percent >= 0 && percent <= 100)) {
    throw new RangeError(`Cannot take a percentile beyond 0 to 100: current value is ${percent}`);
  }
  const rank = Math.max(1, Math.ceil(percent * sorted.length / 100));
  const value = sorted[rank - 1];
  if (value === undefined) throw new RangeError("Cannot take a percentile of nothing");
  return value;
}

/** The usual percentiles of values in any order. */
export function summarize(values: ArrayLike<number>): Summary {
  if (values.length === 0) return { count: 0, p50: 0, p95: 0, p99: 0, max: 0 };
  const sorted = Float64Array.from(values).sort();
  return {
    count: sorted.length,
    p50: percentile(sorted, 50),
    p95: percentile(sorted, 95),
    p99: percentile(sorted, 99),
    max: percentile(sorted, 100),
  };
}

/**
 * The middle value, or the mean of the two in the middle.
 *
 * @throws {RangeError} If there is no value.
 */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted[sorted.length >> 1];
  const lower = sorted[(sorted.length - 1) >> 1];
  if (upper === undefined || lower === undefined) {
    throw new RangeError("Cannot take a median of nothing");
  }
  return (lower + upper) / 2;
}
