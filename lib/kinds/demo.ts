/**
 * The kind `demo`: counts steps at a steady pace, and nothing else.
 *
 * @module
 */

import { z } from "zod";
import { defineTask, pause, progress, save, type TaskDefinition } from "headway";

const MAX_STEPS = 100_000;
const MAX_INTERVAL_MS = 3_600_000;

export interface DemoInput {
  /** Steps in all, 0 to 100,000. @default {10} */
  steps: number;
  /** Milliseconds before each step, 0 to 3,600,000. @default {1000} */
  interval_ms: number;
  /** The step that fails, from 1; without it no step does. */
  fail_at?: number | undefined;
}

export interface DemoResult {
  data: "processed";
}

export interface DemoCheckpoint {
  /** Steps done. */
  step: number;
}

const fields = z.strictObject({
  steps: z.int().min(0).max(MAX_STEPS).default(10).describe("Steps in all"),
  interval_ms: z.int().min(0).max(MAX_INTERVAL_MS).default(1000)
    .describe("Milliseconds before each step"),
  fail_at: z.int().min(1).max(MAX_STEPS).optional().describe("The step that fails"),
});

/** Without a body, or with `null`, the defaults hold: `POST /submit` sends nothing. */
const input = z.preprocess((value) => value ?? {}, fields);

/**
 * Waits and counts: ten steps of a second each, unless told otherwise. Saves each step, so that a
 * restart goes on where it was. Throws an `Error` at step `fail_at`.
 */
export const demo: TaskDefinition<DemoInput, never, DemoResult, unknown, "demo", DemoCheckpoint> =
  defineTask({
    kind: "demo",
    description: "Counts steps at a steady pace, to see progress live",
    input,
    checkpoint: z.object({ step: z.int().min(0) }),
    async *run({ input, signal, checkpoint }) {
      const { steps: total, interval_ms, fail_at } = input;
      let done = checkpoint?.step ?? 0;
      yield progress({ progress: percent(done, total), done, total, unit: "steps" });
      while (done < total) {
        await pause(interval_ms, signal);
        const step = done + 1;
        if (step === fail_at) throw new Error(`Failed at step ${step}, as asked`);
        done = step;
        const message = `step ${done} of ${total}`;
        yield progress({ progress: percent(done, total), done, total, unit: "steps", message });
        yield save({ step: done });
      }
      return { data: "processed" as const };
    },
  });

function percent(done: number, total: number): number {
  return total === 0 ? 100 : 100 * done / total;
}
