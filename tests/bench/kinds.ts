/**
 * The kinds that the bench runs on Headway, by `HEADWAY_KINDS`.
 *
 * @module
 */

import { defineTask, log, progress, save } from "headway";
import { z } from "zod";
import { Pace, stamp } from "./pace.mjs";

export { demo } from "../../lib/kinds/demo.ts";

/** Ticks `hz` times a second from `start` on; every progress carries the time of its yield. */
export const ticker = defineTask({
  kind: "bench-ticker",
  input: z.object({
    hz: z.number().positive(),
    ticks: z.int().positive(),
    /** Wall clock, milliseconds. After a crash the rest begins at once. */
    start: z.number(),
    /** Whether to save a checkpoint after each tick. */
    checkpoints: z.boolean().default(false),
  }),
  async *run({ input, signal, checkpoint }) {
    const { hz, ticks, checkpoints } = input;
    const before: number = checkpoint?.tick ?? 0;
    const pace = new Pace({ hz, start: before > 0 ? Date.now() : input.start }, signal);
    for (let tick = before + 1; tick <= ticks; tick++) {
      await pace.due(tick - before - 1);
      yield progress({ done: tick, total: ticks, message: stamp(tick) });
      if (checkpoints) yield save({ tick });
    }
    return { ticks };
  },
});

/** Logs `row 1` to `row n`. */
export const logger = defineTask({
  kind: "bench-logger",
  input: z.object({ rows: z.int().positive() }),
  async *run({ input }) {
    for (let row = 1; row <= input.rows; row++) yield log(`row ${row}`);
    return { rows: input.rows };
  },
});
