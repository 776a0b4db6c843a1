/**
 * How fast a task goes and how long it still takes: a smoothed estimate that converges on a steady
 * rate, follows a changing one, is never negative and does not jump.
 *
 * @module
 */

/** The state of an estimate. Start with `undefined`. */
export interface Estimate {
  /** When the first value came, milliseconds. */
  readonly since: number;
  /** When the last value that was counted came. */
  readonly at: number;
  readonly value: number;
  /** Units a second, smoothed; `null` until two values came. */
  readonly rate: number | null;
  /** Milliseconds to the goal, smoothed; `null` while unknown. */
  readonly etaMs: number | null;
}

/** Milliseconds: a value that comes sooner after the last one is skipped, unless it is the goal. */
const GRAIN_MS = 50;

/**
 * Takes one more value into the estimate. `goal` is `null` while the total is unknown: then there
 * is a rate and no time left.
 *
 * A value below the last one (a new stage counts from 0 again) starts the estimate over.
 *
 * @example
 * ```ts
 * import { estimate } from "./eta.ts";
 * import { assertEquals } from "@std/assert";
 *
 * let e = estimate(undefined, 0, 0, 100);
 * e = estimate(e, 1000, 10, 100);
 * assertEquals(e.rate, 10);
 * assertEquals(e.etaMs, 9000);
 * ```
 */
export function estimate(
  last: Estimate | undefined,
  at: number,
  value: number,
  goal: number | null,
): Estimate {
  if (last === undefined || value < last.value || at < last.at) {
    return { since: at, at, value, rate: null, etaMs: null };
  }
  const dt = at - last.at;
  const arrived = goal !== null && value >= goal;
  if (dt < GRAIN_MS && !arrived) return last;

  const momentary = dt > 0 ? ((value - last.value) / dt) * 1000 : last.rate ?? 0;
  // A third of the time so far: the estimate adapts quickly at first, and is steady later.
  const memory = clamp((at - last.since) / 3, 500, 15_000);
  const rate = last.rate === null
    ? momentary
    : last.rate + (momentary - last.rate) * (1 - Math.exp(-dt / memory));

  let etaMs: number | null = null;
  if (arrived) {
    etaMs = 0;
  } else if (goal !== null && rate > 0) {
    const direct = ((goal - value) / rate) * 1000;
    if (last.etaMs === null) {
      etaMs = direct;
    } else {
      // The last estimate, less the time since, is moved towards what the rate gives now.
      const promised = Math.max(0, last.etaMs - dt);
      const pull = 1 - Math.exp(-dt / clamp(direct / 10, 300, 10_000));
      etaMs = promised + (direct - promised) * pull;
    }
  }
  return { since: last.since, at, value, rate, etaMs };
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
