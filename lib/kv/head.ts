/**
 * The head of a task: the value of its `task` key in the store.
 *
 * @module
 */

import { type Key, keys } from "./keys.ts";
import { idOf, statusOf } from "../task/json_text.ts";
import { boundOf, type Row } from "../task/event.ts";
import { isFinished, type Status, type TaskRecord } from "../task/record.ts";
import { isRewound } from "../task/rewind.ts";
import type { Task } from "../task/task.ts";

/** The value of a `task` key. The record is JSON text: most readers only pass it on. */
export interface Head extends Omit<Task, "record"> {
  /** The record, without its result. */
  record: string;
  input: Kept;
  result: Kept;
}

/** A JSON text in the head, `{ kept: true }` if it lies under its own key, or `null` for none. */
export type Kept = string | { kept: true } | null;

/** Most bytes of an input in the head: small, as the head is rewritten while the task progresses. */
export const INLINE_INPUT = 512;

/** Most bytes of a result in the head: more, as a finished task's head is seldom rewritten. */
export const INLINE_RESULT = 4096;

/**
 * Milliseconds after which what the journal has of a task is folded into the task's own keys. To
 * rewrite the head for each event would cost a page of the store each time, and the journal is durable,
 * too.
 */
export const FOLD_MS = 3000;

/** A task as it is stored; `record` is its record as JSON text, if the caller has that already. */
export function pack(
  task: Task,
  input: Kept,
  result: Kept,
  record: string = JSON.stringify(task.record),
): Head {
  return { ...task, record, input, result };
}

/** Defaults for what older versions did not write; their `trimmed` was that of outputs, too. */
const NOT_KNOWN = {
  rowBytes: 0,
  outputs: 0,
  outputBytes: 0,
  trimmedOutputs: 0,
  outputSeq: 0,
  lostIds: [],
};

/** The `seq` of the newest row that was removed from a task, whatever its type. */
export function trimmedOf(
  { trimmed, trimmedOutputs = 0 }: Pick<Head, "trimmed"> & Partial<Head>,
): number {
  return Math.max(trimmed, trimmedOutputs);
}

/** Whether a row is still kept, by a head that was read after the row. */
export function isKept({ type, seq }: Row, head: Head): boolean {
  const { trimmed, trimmedOutputs = 0, rewound } = head;
  if (type === "output") return seq > trimmedOutputs && !isRewound(seq, rewound);
  return boundOf(type) !== "log" || seq > trimmed;
}

/** A stored task as the engine knows it. */
export function unpack(stored: Head): Task {
  const { input: _input, result: _result, ...task } = stored;
  const record = JSON.parse(stored.record) as TaskRecord;
  // Older versions did not store the checkpoint's `seq`: then every output counts as saved before it.
  const unknown = { ...NOT_KNOWN, savedSeq: task.checkpointed ? record.seq : 0 };
  return { ...unknown, ...task, record };
}

/** Whether there is such a task, and it has not ended. */
export function isUnderWay(head: Pick<Head, "record"> | null): boolean {
  return head !== null && !isFinished(statusOf(head.record) as Status);
}

/** A task's input, from its head or from its own key. */
export function readInput(kv: Deno.Kv, { record, input }: Head): Promise<string | null> {
  return fetchKept(kv, input, keys.input(idOf(record)));
}

/** A task's result, from its head or from its own key. */
export function readResult(kv: Deno.Kv, { record, result }: Head): Promise<string | null> {
  return fetchKept(kv, result, keys.result(idOf(record)));
}

/** A kept JSON text, from the head or from its own key. */
export async function fetchKept(kv: Deno.Kv, kept: Kept, key: Key): Promise<string | null> {
  return kept === null || typeof kept === "string" ? kept : await readText(kv, key);
}

/**
 * A JSON text as the value of its own key. Bytes, since KV stores a string with any character beyond
 * Latin-1 at two bytes a character, and 48 KiB of JSON would no longer fit.
 */
export function textValue(json: string): Uint8Array {
  return new TextEncoder().encode(json);
}

/** The JSON text under a key; `null` when there is none. */
export async function readText(kv: Deno.Kv, key: Key): Promise<string | null> {
  const { value } = await kv.get<Uint8Array>(key);
  return value === null ? null : new TextDecoder().decode(value);
}
