import { z } from "zod";
import { THROWN } from "./thrown.ts";

/** Tasks of `model-limited` that may run at once. */
export const LIMIT = 2;

/** Starts of `model-rated` in any time as long as `per`, milliseconds: longer than a restart takes. */
export const RATE = { limit: 5, per: 4000 };

/** Milliseconds that a task of `model-debounced` waits for others of its group. */
export const DEBOUNCE_MS = 500;

/** Ways to print. Of the first ones it is always known which task it was. */
export const OWN_WAYS = ["table", "stdout", "timer"] as const;
const OTHER_WAYS = ["fd", "program", "worker"] as const;

/** A child, but for its nonce: its own kind checks what it is to do. */
const PART = z.object({ kind: z.string(), input: z.unknown() });

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
  /** At first it sleeps so many milliseconds; 0 for no sleep. */
  sleeps: z.number(),
  /** At first it makes a file of so many bytes, and half-way one more in its place; 0 for none. */
  files: z.int(),
  /** Half-way, of `model-parent`: its children, */
  parts: z.array(PART),
  /** so many at once, or 0 for any number, */
  at_once: z.int(),
  /** and what becomes of it when one fails. */
  on_failure: z.enum(["fail", "cancel", "continue"]),
  /** It reads this upload, or none. */
  upload: z.string(),
  /** It is the same work as all others of this, whatever spaces there are behind it. */
  group: z.string(),
});

/** One that does the least. */
export const PLAIN: Omit<Script, "nonce"> = {
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
  sleeps: 0,
  files: 0,
  parts: [],
  at_once: 0,
  on_failure: "fail",
  upload: "",
  group: "",
};

/** By what tasks of `model-keyed` are counted: one of two. */
export function keyOf({ nonce }: Pick<Script, "nonce">): string {
  return `key ${Number.parseInt(nonce.slice(1)) % 2}`;
}

/** What its n-th child is to be, which is known by its nonce. */
export function childOf({ nonce, parts }: Script, n: number): { kind: string; input: Script } {
  const { kind, input } = parts[n]!;
  return { kind, input: { ...input as Script, nonce: `${nonce}.${n}` } };
}

/** The name of the file that a task makes. */
export const FILE = "out.bin";

/** Whether it may be the file that a task made. */
export function isFileOf(
  { files }: Script,
  { name, size }: { name: string; size: number },
): boolean {
  return files > 0 && name === FILE && (size === files || size === files + 1);
}

/** What is in it, which tells whose it is. */
export function fileOf({ nonce }: Pick<Script, "nonce">, size: number): Uint8Array<ArrayBuffer> {
  const text = `${nonce} made ${size} bytes; `;
  return new TextEncoder().encode(text.repeat(Math.ceil(size / text.length))).slice(0, size);
}
