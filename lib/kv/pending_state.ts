/**
 * The pending state of a task: what is newer than its own keys. Progress, rows and checkpoints are
 * in the journal first and are folded into the task's keys later, see {@link ./head.ts FOLD_MS}.
 * Whoever reads a task adds the pending state to what it read.
 *
 * @module
 */

import type { Row, TaskEvent } from "../task/event.ts";
import { idOf, seqOf, withSeq } from "../task/json_text.ts";
import type { Head } from "./head.ts";

/** Some of it may be in the task's keys already: what has a `seq` up to that of the head. */
export interface PendingState {
  /** The newest `seq` in it. */
  seq: number;
  /** The newest progress; its JSON is the record. */
  progress?: TaskEvent | undefined;
  /** The newest checkpoint. */
  checkpoint?: TaskEvent | undefined;
  /** Log, output and step rows, in order. */
  rows: readonly Row[];
}

/** Knows the pending state of every task. */
export interface PendingStates {
  /**
   * Opens the states for a read that begins now, until they are disposed of. What is folded meanwhile
   * stays in them, as the read may not find it in the task's keys: open them for one read of the store,
   * not while it waits its turn.
   */
  open(): OpenStates;
  /** Tells from now on which tasks change their status, until it is disposed of. */
  moves(): Moves;
}

export interface OpenStates extends Disposable {
  get(id: string): PendingState | undefined;
}

/** The tasks that a read of one index after the other may have missed. */
export interface Moves extends Disposable {
  /** Those that moved since the last call, oldest first; of very many the newest. */
  take(): readonly Move[];
}

/** A task changed its status. */
export interface Move {
  id: string;
  kind: string;
}

/** No task has a pending state. */
export const NOTHING_PENDING: PendingStates = {
  open: () => ({ get: () => undefined, [Symbol.dispose]() {} }),
  moves: () => ({ take: () => [], [Symbol.dispose]() {} }),
};

/** A head with its task's pending state; `states` were opened before the head was read. */
function withPending(head: Head, states: OpenStates): Head {
  const state = states.get(idOf(head.record));
  const seq = seqOf(head.record);
  if (state === undefined || state.seq <= seq) return head;
  const { progress } = state;
  const record = progress && progress.seq > seq ? progress.json : head.record;
  return { ...head, record: withSeq(record, state.seq) };
}

/** The entry with its task's pending state; `states` were opened before it was read. */
export function current<T extends Deno.KvEntryMaybe<Head>>(entry: T, states: OpenStates): T {
  return entry.value === null ? entry : { ...entry, value: withPending(entry.value, states) };
}

/** Does one read of heads, and adds each task's pending state. */
export async function readCurrent<T extends Deno.KvEntryMaybe<Head>>(
  states: PendingStates,
  read: () => Promise<T[]>,
): Promise<T[]> {
  using pending = states.open();
  return (await read()).map((entry) => current(entry, pending));
}
