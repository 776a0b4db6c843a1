import { z } from "zod";
import { THROWN } from "./thrown.ts";

/** The most tasks of `model-limited` that may run at once. */
export const LIMIT = 2;

/** The most starts of `model-rated` within any `per` milliseconds, which outlast a restart. */
export const RATE = { limit: 5, per: 4000 };

/** Milliseconds that a task of `model-debounced` waits for others of its group. */
export const DEBOUNCE_MS = 500;

/** Ways to print whose task the log always names. */
export const OWN_WAYS = ["table", "stdout", "timer"] as const;
const OTHER_WAYS = ["fd", "program", "worker"] as const;

/** A child without its nonce. Its own kind validates its input. */
const PART = z.object({ kind: z.string(), input: z.unknown() });

/** What a task of the model test is to do. */
export type Script = z.infer<typeof SCRIPT>;

/** The input of the kinds of the model test. */
export const SCRIPT = z.object({
  /** Identifies the submission. */
  nonce: z.string(),
  /** How many rows it logs, numbered from 1. */
  rows: z.int(),
  /** It saves, and then pauses, after each `every` rows. */
  every: z.int(),
  /** Milliseconds of each pause. */
  pause_ms: z.number(),
  /** Characters of padding in each row. */
  padding: z.int(),
  /** How many attempts fail, half-way. */
  fails: z.int(),
  /** What these attempts throw. */
  throws: z.enum(Object.keys(THROWN) as (keyof typeof THROWN)[]),
  /** It does not end until it is told to stop. */
  holds: z.boolean(),
  /** It ignores its `signal`: only a `yield` stops it. */
  deaf: z.boolean(),
  /** However it ends, it saves and logs where it is. */
  cleans: z.boolean(),
  /** How it prints a line with its nonce; `""` for not at all. */
  prints: z.enum(["", ...OWN_WAYS, ...OTHER_WAYS]),
  /** Each run draws a random value in a step, and logs what it drew. */
  draws: z.boolean(),
  /** Half-way it waits at most this many milliseconds for the signal `go`; 0 for no wait. */
  naps: z.number(),
  /** Milliseconds that it sleeps at first; 0 for no sleep. */
  sleeps: z.number(),
  /** At first it makes a file of this many bytes, and half-way one a byte longer; 0 for none. */
  files: z.int(),
  /** The children that a task of `model-parent` makes half-way. */
  parts: z.array(PART),
  /** How many of its children run at once; 0 for any number. */
  at_once: z.int(),
  /** What happens when a child fails. */
  on_failure: z.enum(["fail", "cancel", "continue"]),
  /** The id of the upload that it reads; `""` for none. */
  upload: z.string(),
  /** The key for `model-debounced`, which ignores trailing spaces. */
  group: z.string(),
});

/** A script that does as little as possible. */
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

/** The key by which tasks of `model-keyed` are limited: one of two. */
export function keyOf({ nonce }: Pick<Script, "nonce">): string {
  return `key ${Number.parseInt(nonce.slice(1)) % 2}`;
}

/** The kind and input of a task's n-th child. Its nonce tells which child it is. */
export function childOf({ nonce, parts }: Script, n: number): { kind: string; input: Script } {
  const { kind, input } = parts[n]!;
  return { kind, input: { ...input as Script, nonce: `${nonce}.${n}` } };
}

/** The name of the file that a task makes. */
export const FILE = "out.bin";

/** Whether a file may be the one that a task with this script made. */
export function isFileOf(
  { files }: Script,
  { name, size }: { name: string; size: number },
): boolean {
  return files > 0 && name === FILE && (size === files || size === files + 1);
}

/** The content of a task's file, which contains its nonce. */
export function fileOf({ nonce }: Pick<Script, "nonce">, size: number): Uint8Array<ArrayBuffer> {
  const text = `${nonce} made ${size} bytes; `;
  return new TextEncoder().encode(text.repeat(Math.ceil(size / text.length))).slice(0, size);
}
