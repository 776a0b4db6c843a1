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
  /** The newest record that the journal holds and the task's head may lack. */
  get(id: string): { seq: number; json: string } | undefined;
}

/** Heads are all there is to know. */
export const NOTHING_PENDING: PendingStates = { get: () => undefined };

/** A head as read, with the pending state of its task. */
export function withPending(head: Head, states: PendingStates): Head {
  const pending = states.get(idOf(head.record));
  if (pending === undefined || pending.seq <= seqOf(head.record)) return head;
  return { ...head, record: pending.json };
}
