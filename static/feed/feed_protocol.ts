/**
 * What the feed and the tabs say to each other. A tab always says all it wants, so that a feed that
 * has forgotten it (it slept, say) can begin again from any word.
 *
 * @module
 */

import type { TaskRecord } from "../../lib/task/record.ts";
import type { ConnectionState } from "../client/client.d.ts";
import type { ListEvent } from "../list/list_state.ts";
import type { TaskEvent } from "../task/task_state.ts";

/** An event of the open task: as its own stream has them, and two that only the feed tells. */
export type FollowedEvent =
  | TaskEvent
  /** The record as it is now; what led to it follows. */
  | { type: "record"; id: ""; data: TaskRecord }
  /** There is no such task. */
  | { type: "missing"; id: "" };

/** What a tab wants, and how far it is. */
export interface TabState {
  /** The events of all tasks. */
  list: boolean;
  /** The task it shows: what it has of it (`after`, a `seq`), and which try this is (`watch`). */
  task: { id: string; after: number; watch: number } | null;
  /** Tasks whose end it wants to hear of, whatever else it shows. */
  watched: readonly string[];
  /** Somebody may look at it. */
  visible: boolean;
  /** Number of the last batch it has taken in. */
  got: number;
}

export type TabMessage =
  | ({ type: "state" } & TabState)
  /** The connection may be dead without anybody knowing: after sleep, or in a new network. */
  | { type: "reopen" }
  /** Whoever may see it has changed: what runs was opened for somebody else. */
  | { type: "signed-out" }
  | { type: "bye" };

/** What the feed says. The next batch comes only when one was taken in; empty ones ask for a word. */
export type FeedMessage =
  | ({ type: "connection" } & ConnectionState)
  /** A task that is waited for has ended. */
  | { type: "ended"; data: TaskRecord }
  | {
    type: "batch";
    n: number;
    list: ListEvent[];
    task: { watch: number; events: FollowedEvent[] } | null;
  };

/** Events that may wait for a tab, of each sort: past it they are read again when they can go. */
export const MAX_WAITING = 5000;
