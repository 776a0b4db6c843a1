/**
 * What the feed and the tabs say to each other, and what both need of the world. A tab always says
 * all it wants, so that a feed that has forgotten it (it slept, say) can begin again from any word.
 *
 * @module
 */

import type { TaskRecord } from "../lib/record.ts";
import type { ListEvent } from "./list_state.ts";
import type { TaskEvent } from "./task_state.ts";

/** Whether events come: `waiting` for the next try. */
export type Connection = "idle" | "connecting" | "live" | "waiting";

/** How the feed's connection stands. */
export interface ConnectionState {
  /** See {@link Connection}. */
  state: Connection;
  /** Since when what is shown may be old, milliseconds by the client's clock; `null` while live. */
  since: number | null;
  /** What the server answered instead of a stream. */
  refused: number | null;
}

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
  /** Somebody may look at it. */
  visible: boolean;
  /** Number of the last batch it has taken in. */
  got: number;
}

/** What a tab says. */
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
  | {
    type: "batch";
    n: number;
    list: ListEvent[];
    task: { watch: number; events: FollowedEvent[] } | null;
  };

/** What the feed needs of the world. */
export interface FeedWorld {
  /** As the platform's. */
  fetch(url: string, init?: RequestInit): Promise<Response>;
  /** Milliseconds since the epoch. */
  now(): number;
  /** As the platform's; returns how to clear it. */
  after(ms: number, run: () => void): () => void;
  /** 0 to below 1. */
  random(): number;
}

/** The platform's. */
export const WORLD: FeedWorld = {
  fetch: (url, init) => fetch(url, init),
  now: () => Date.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
  random: Math.random,
};
