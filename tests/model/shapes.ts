/**
 * The submissions of a history.
 *
 * @module
 */

import fc from "fast-check";
import type { Shape } from "./operations.ts";
import { OWN_WAYS, PLAIN, type Script } from "./script.ts";

/** A task that prints, and does little else. */
export const NUDGE: Shape = {
  kind: "model",
  input: { ...PLAIN, prints: "stdout" },
  priority: 0,
  delay_ms: 0,
  max_attempts: 3,
  timeout_ms: null,
};

/** A task whose rows have more bytes than the server replays to a client. */
export const LARGE: Shape = {
  ...NUDGE,
  input: { ...PLAIN, rows: 220, every: 7, padding: 20_000 },
};

/** A child. It does less than other tasks, since there are many, and some have children. */
const part: fc.Arbitrary<Script["parts"][number]> = fc.record({
  kind: fc.constantFrom("model", "model", "model-limited", "model-keyed"),
  input: fc.record({
    ...constants(PLAIN),
    rows: fc.integer({ min: 1, max: 4 }),
    every: fc.constantFrom(1, 3),
    pause_ms: fc.constantFrom(0, 2, 15),
    fails: fc.constantFrom(0, 0, 0, 0, 1, 3),
    throws: fc.constantFrom("error", "final"),
    holds: fc.constantFrom(false, false, false, false, false, true),
    cleans: fc.boolean(),
    naps: fc.constantFrom(0, 0, 0, 30),
    sleeps: fc.constantFrom(0, 0, 0, 30, 20_000),
    files: fc.constantFrom(0, 0, 0, 10),
  }),
});

const family = {
  at_once: fc.constantFrom(0, 1, 2),
  on_failure: fc.constantFrom("fail", "cancel", "continue"),
} as const;

const parts = fc.array(
  fc.oneof({ weight: 6, arbitrary: part }, {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("model-parent"),
      input: fc.record({
        ...constants(PLAIN),
        cleans: fc.boolean(),
        parts: fc.array(part, { minLength: 1, maxLength: 2 }),
        ...family,
      }),
    }),
  }),
  { minLength: 1, maxLength: 4 },
);

/** Any submission. */
export const shape: fc.Arbitrary<Shape> = fc.record({
  kind: fc.constantFrom(
    "model",
    "model",
    "model-limited",
    "model-keyed",
    "model-rated",
    "model-staged",
    "model-parent",
  ),
  input: fc.record({
    ...constants(PLAIN),
    parts,
    ...family,
    rows: fc.oneof({ weight: 6, arbitrary: fc.integer({ min: 1, max: 30 }) }, {
      weight: 1,
      // So many that the oldest ones are trimmed.
      arbitrary: fc.constant(200),
    }),
    every: fc.constantFrom(1, 3, 7),
    pause_ms: fc.constantFrom(0, 2, 15),
    padding: fc.constantFrom(0, 0, 0, 20_000),
    fails: fc.constantFrom(0, 0, 0, 0, 1, 2, 3),
    throws: fc.constantFrom("error", "error", "getter", "proxy", "aggregate", "final"),
    holds: fc.constantFrom(false, false, false, true),
    deaf: fc.constantFrom(false, false, true),
    cleans: fc.constantFrom(false, true),
    draws: fc.constantFrom(false, false, true),
    naps: fc.constantFrom(0, 0, 0, 30, 400),
    sleeps: fc.constantFrom(0, 0, 0, 0, 30, 400, 20_000),
    // One chunk, or two.
    files: fc.constantFrom(0, 0, 0, 0, 10, 70_000),
    prints: fc.constantFrom("", "", "", "", ...OWN_WAYS, "fd", "program", "worker"),
  }),
  priority: fc.constantFrom(0, 0, -5, 5),
  delay_ms: fc.constantFrom(0, 0, 0, 0, 40, 300, 3_600_000),
  max_attempts: fc.constantFrom(3, 3, 1, 2),
  timeout_ms: fc.constantFrom(null, null, null, null, 150, 600),
}).map((shape) => ({
  ...shape,
  input: { ...shape.input, parts: shape.kind === "model-parent" ? shape.input.parts : [] },
}));

/** Arbitraries that always give the same values. */
function constants<T extends object>(values: T): { [Name in keyof T]: fc.Arbitrary<T[Name]> } {
  const entries = Object.entries(values).map(([name, value]) => [name, fc.constant(value)]);
  return Object.fromEntries(entries);
}
