import { z } from "zod";

/** Tasks of `model-limited` that may run at once. */
export const LIMIT = 2;

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
  /** It does not return before it is told to stop. */
  holds: z.boolean(),
});
