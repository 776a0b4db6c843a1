import { brief, textOf } from "./text.ts";

/** A length of time: milliseconds, or the sum of these fields. */
export type Duration = number | {
  /** Of 24 hours. */
  days?: number;
  /** Of 60 minutes. */
  hours?: number;
  /** Of 60 seconds. */
  minutes?: number;
  /** Of 1,000 milliseconds. */
  seconds?: number;
};

const MS = { days: 86_400_000, hours: 3_600_000, minutes: 60_000, seconds: 1000 } as const;

/** The furthest that a `Date` can be from the epoch, in milliseconds. */
const MAX_MS = 8.64e15;

/**
 * Converts a duration to milliseconds.
 *
 * @throws {TypeError} If it is not a duration, or is negative.
 *
 * @example
 * ```ts
 * import { durationMs } from "./duration.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(durationMs({ hours: 1, minutes: 30 }), 5_400_000);
 * ```
 */
export function durationMs(given: Duration): number {
  const ms = typeof given === "number" ? given : sumOf(given);
  if (Number.isFinite(ms) && ms >= 0 && ms <= MAX_MS) return ms;
  throw new TypeError(
    "Cannot wait as a duration must be milliseconds from 0, or some of " +
      `{ days, hours, minutes, seconds }: current value is ${
        brief(typeof given === "object" ? JSON.stringify(given) ?? "" : textOf(given), 100)
      }`,
  );
}

function sumOf(given: unknown): number {
  if (typeof given !== "object" || given === null) return NaN;
  const parts = Object.entries(given).filter(([, value]) => value !== undefined);
  if (parts.length === 0) return NaN;
  return parts.reduce((sum, [name, value]) => {
    const known = Object.hasOwn(MS, name) && typeof value === "number" && value >= 0;
    return known ? sum + value * MS[name as keyof typeof MS] : NaN;
  }, 0);
}
