/**
 * The kinds that the bench runs on Headway, by `HEADWAY_KINDS`. They use nothing but `headway` and
 * zod, so that another checkout of Headway can run a copy of this file.
 *
 * @module
 */

import { defineTask, log, progress, save } from "headway";
import { z } from "zod";
import { Pace, stamp } from "./pace.mjs";

/** Steps `hz` times a second from `start` on; progress and rows carry the time of their yield. */
export const ticker = defineTask({
  kind: "bench-ticker",
  input: z.object({
    hz: z.number().positive(),
    ticks: z.int().positive(),
    /** Milliseconds of the wall clock. After a crash the remaining steps begin at once. */
    start: z.number(),
    /** What each step yields, in this order. */
    yields: z.array(z.enum(["progress", "log", "save"])).default(["progress"]),
  }),
  async *run({ input, signal, checkpoint }) {
    const { hz, ticks, yields } = input;
    const before: number = checkpoint?.tick ?? 0;
    const pace = new Pace({ hz, start: before > 0 ? Date.now() : input.start }, signal);
    for (let tick = before + 1; tick <= ticks; tick++) {
      await pace.due(tick - before - 1);
      for (const what of yields) {
        if (what === "progress") yield progress({ done: tick, total: ticks, message: stamp(tick) });
        else if (what === "log") yield log(`row ${stamp(tick)}`);
        else yield save({ tick });
      }
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

/** A task without steps. */
export const short = defineTask({
  kind: "bench-short",
  input: z.object({}),
  async *run() {
    yield progress({ progress: 100 });
    return { data: "processed" };
  },
});
