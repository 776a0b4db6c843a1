/**
 * The messages between the feed and its tabs. A tab always sends everything it wants, so that a
 * feed that has dropped it, say because it was asleep, can serve it again.
 *
 * @module
 */

import type { TaskRecord } from "../../lib/task/record.ts";
import type { ConnectionState } from "../client/client.d.ts";
import type { ListEvent } from "../list/list_state.ts";
import type { TaskEvent } from "../task/task_state.ts";

/** An event of the open task: one of the task's own stream, or one of two that only the feed sends. */
export type FollowedEvent =
  | TaskEvent
  /** The newest record; the events that led to it follow. */
  | { type: "record"; id: ""; data: TaskRecord }
  /** There is no such task. */
  | { type: "missing"; id: "" };

/** What a tab wants, and what it has received. */
export interface TabState {
  /** Whether it wants the events of all tasks. */
  list: boolean;
  /** The task it shows, the `seq` up to which it has its events, and the subscription's number. */
  task: { id: string; after: number; watch: number } | null;
  /** Tasks whose end it wants to be told of, whatever it shows. */
  watched: readonly string[];
  /** Whether it is visible. */
  visible: boolean;
  /** The number of the last batch it has received. */
  got: number;
}

export type TabMessage =
  | ({ type: "state" } & TabState)
  /** The connection may be dead without an error: after sleep, or in a new network. */
  | { type: "reopen" }
  /** The session has ended, and the open connection is still its own. */
  | { type: "signed-out" }
  | { type: "bye" };

/** A message of the feed. The next batch waits until `got` has this one; an empty one asks for that. */
export type FeedMessage =
  | ({ type: "connection" } & ConnectionState)
  /** A watched task has ended. */
  | { type: "ended"; data: TaskRecord }
  | {
    type: "batch";
    n: number;
    list: ListEvent[];
    task: { watch: number; events: FollowedEvent[] } | null;
  };

/** Events of the list, or of the task, that may wait for a tab. Beyond it they are read later. */
export const MAX_WAITING = 5000;
