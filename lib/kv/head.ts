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
  /** JSON text, where small; else under its own key (`"kept"`); `null` for none. */
  input: Kept;
  /** Likewise. */
  result: Kept;
}

/** A JSON text in the head, or `{ kept: true }` when it lies under its own key, or none. */
export type Kept = string | { kept: true } | null;

/** Bytes of JSON that an input may have and still ride in the head, which each progress rewrites. */
export const INLINE_INPUT = 512;

/** Bytes of JSON that a result may have and still ride in the head, which is then at rest. */
export const INLINE_RESULT = 4096;

/**
 * Milliseconds after which a task's own keys have what the journal told of it. It is durable with the
 * journal; a head rewritten for each event would cost a page of the store each time.
 */
export const FOLD_MS = 3000;

/** A task as stored; `record` is its record as JSON text, where that is known. */
export function pack(
  task: Task,
  input: Kept,
  result: Kept,
  record: string = JSON.stringify(task.record),
): Head {
  return { ...task, record, input, result };
}

/** What older versions did not write; `trimmed` was that of outputs, too. */
const NOT_KNOWN = {
  rowBytes: 0,
  outputs: 0,
  outputBytes: 0,
  trimmedOutputs: 0,
  outputSeq: 0,
  lostIds: [],
};

/** The newest row that was removed of a task, whatever its type. */
export function trimmedOf(
  { trimmed, trimmedOutputs = 0 }: Pick<Head, "trimmed"> & Partial<Head>,
): number {
  return Math.max(trimmed, trimmedOutputs);
}

/** Whether a row is kept, as far as a head knows that was read after it. */
export function isKept({ type, seq }: Row, head: Head): boolean {
  const { trimmed, trimmedOutputs = 0, rewound } = head;
  if (type === "output") return seq > trimmedOutputs && !isRewound(seq, rewound);
  return boundOf(type) !== "log" || seq > trimmed;
}

/** A stored task as the engine knows it. */
export function unpack(stored: Head): Task {
  const { input: _input, result: _result, ...task } = stored;
  const record = JSON.parse(stored.record) as TaskRecord;
  // It may not tell where its checkpoint lies: then all that it has put out counts.
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

/** A task's result, likewise. */
export function readResult(kv: Deno.Kv, { record, result }: Head): Promise<string | null> {
  return fetchKept(kv, result, keys.result(idOf(record)));
}

/** A kept JSON text, from the head or from its own key. */
export async function fetchKept(kv: Deno.Kv, kept: Kept, key: Key): Promise<string | null> {
  return kept === null || typeof kept === "string" ? kept : await readText(kv, key);
}

/**
 * A JSON text as the value of a key of its own: bytes, since KV keeps a string with one character
 * beyond Latin-1 in two bytes for each, and 48 KiB of JSON would no longer fit.
 */
export function textValue(json: string): Uint8Array {
  return new TextEncoder().encode(json);
}

/** The JSON text under a key; `null` when there is none. */
export async function readText(kv: Deno.Kv, key: Key): Promise<string | null> {
  const { value } = await kv.get<Uint8Array>(key);
  return value === null ? null : new TextDecoder().decode(value);
}
