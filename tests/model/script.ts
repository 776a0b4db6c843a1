import { z } from "zod";
import { THROWN } from "./thrown.ts";

/** Tasks of `model-limited` that may run at once. */
export const LIMIT = 2;

/** Ways to print. Of the first ones it is always known which task it was. */
export const OWN_WAYS = ["table", "stdout", "timer"] as const;
const OTHER_WAYS = ["fd", "program", "worker"] as const;

/** What a task of the model test is to do. */
export type Script = z.infer<typeof SCRIPT>;

/** As its kinds take it. */
export const SCRIPT = z.object({
  /** Tells a submission from every other. */
  nonce: z.string(),
  /** Rows it logs, from 1. */
  rows: z.int(),
  /** It saves each so many rows, and waits there. */
  every: z.int(),
  /** For so long. */
  pause_ms: z.number(),
  /** Characters of padding in a row. */
  padding: z.int(),
  /** Attempts that fail, half-way. */
  fails: z.int(),
  /** With this. */
  throws: z.enum(Object.keys(THROWN) as (keyof typeof THROWN)[]),
  /** It does not return before it is told to stop. */
  holds: z.boolean(),
  /** It takes no `signal`: only a `yield` stops it. */
  deaf: z.boolean(),
  /** However it ends, it says so and saves where it is. */
  cleans: z.boolean(),
  /** It prints a line with its nonce, this way. */
  prints: z.enum(["", ...OWN_WAYS, ...OTHER_WAYS]),
  /** It draws a lot in a step, and says each time what it drew. */
  draws: z.boolean(),
  /** Half-way it waits for the signal `go`, so many milliseconds at most; 0 for no wait. */
  naps: z.number(),
  /** It reads this upload, or none. */
  upload: z.string(),
});

/** One that does the least. */
export const PLAIN = {
  rows: 1,
  every: 1,
  pause_ms: 0,
  padding: 0,
  fails: 0,
  throws: "error",
  holds: false,
  deaf: false,
  cleans: false,
  prints: "",
  draws: false,
  naps: 0,
  upload: "",
} as const satisfies Omit<Script, "nonce">;
