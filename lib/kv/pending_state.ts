/**
 * The newest progress of a task that its head does not have yet. Heads follow their tasks within
 * {@link ./head.ts HEAD_DELAY_MS}; whoever shows one adds this to it.
 *
 * @module
 */

import type { Head } from "./head.ts";
import { idOf, seqOf } from "../task/json_text.ts";

/** Knows the pending state of every task. */
export interface PendingStates {
  /**
   * For a read that begins now, until it is disposed of. A head that is written meanwhile the read may
   * have found as it was before: what was pending then is known here still.
   */
  open(): OpenStates;
}

export interface OpenStates extends Disposable {
  /** The newest record that the journal holds and the task's head may lack, as it was read. */
  get(id: string): { seq: number; json: string } | undefined;
}

/** Heads are all there is to know. */
export const NOTHING_PENDING: PendingStates = {
  open: () => ({ get: () => undefined, [Symbol.dispose]() {} }),
};

/** A head as read, with the pending state of its task; opened before it was read. */
export function withPending(head: Head, states: OpenStates): Head {
  const pending = states.get(idOf(head.record));
  if (pending === undefined || pending.seq <= seqOf(head.record)) return head;
  return { ...head, record: pending.json };
}
