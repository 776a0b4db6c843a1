/**
 * A tab's end of the line to the feed: says what the tab wants, and hands over what comes.
 *
 * @module
 */

import type { TaskRecord } from "../../lib/task/record.ts";
import type { ConnectionState } from "../client/client.d.ts";
import type { FeedMessage, FollowedEvent, TabMessage } from "./feed_protocol.ts";
import type { ListEvent } from "../list/list_state.ts";

export interface FeedClientOptions {
  /** Tells the feed. */
  post(message: TabMessage): void;
  /** The connection is another. */
  onconnection(state: ConnectionState): void;
}

export class FeedClient {
  readonly #options: FeedClientOptions;
  #onlist: ((events: ListEvent[]) => void) | null = null;
  #task: { id: string; after: number; watch: number } | null = null;
  #ontask: ((events: FollowedEvent[]) => void) | null = null;
  #watches = 0;
  /** Takes a task that is waited for, and has ended. */
  onended: (record: TaskRecord) => void = () => {};
  #watched: readonly string[] = [];
  #visible = true;
  #got = 0;

  constructor(options: FeedClientOptions) {
    this.#options = options;
  }

  /** Wants the events of all tasks; returns how to stop. Begins with a snapshot. */
  watchList(onevents: (events: ListEvent[]) => void): () => void {
    this.#onlist = onevents;
    this.say();
    return () => {
      this.#onlist = null;
      this.say();
    };
  }

  /** Wants those of a task, behind the `seq` it has; returns how to stop. */
  watchTask(id: string, after: number, onevents: (events: FollowedEvent[]) => void): () => void {
    // Told apart from those of a client before this one, at the same end.
    const watch = ++this.#watches;
    this.#task = { id, after, watch };
    this.#ontask = onevents;
    this.say();
    return () => {
      if (this.#task?.watch !== watch) return;
      this.#task = null;
      this.#ontask = null;
      this.say();
    };
  }

  /** Somebody may look at the tab, or not. */
  setVisible(visible: boolean): void {
    this.#visible = visible;
    this.say();
  }

  /** Wants to hear of the end of these. */
  setWatched(ids: readonly string[]): void {
    this.#watched = ids;
    this.say();
  }

  /** Says what the tab wants: whenever the feed may have forgotten it. */
  say(): void {
    this.#options.post({
      type: "state",
      list: this.#onlist !== null,
      task: this.#task && { ...this.#task },
      watched: this.#watched,
      visible: this.#visible,
      got: this.#got,
    });
  }

  /** The connection may be dead without anybody knowing. */
  reopen(): void {
    this.#options.post({ type: "reopen" });
  }

  /** The session is over: its connection ends, and the server says no to the next. */
  signOut(): void {
    this.#options.post({ type: "signed-out" });
  }

  /** The tab goes; it may come back and {@link say} a word. */
  leave(): void {
    this.#options.post({ type: "bye" });
  }

  take(message: FeedMessage): void {
    if (message.type === "connection") return this.#options.onconnection(message);
    if (message.type === "ended") return this.onended(message.data);
    const { n, list, task } = message;
    this.#got = n;
    try {
      if (list.length > 0) this.#onlist?.(list);
      if (task !== null && task.watch === this.#task?.watch) this.#takeTask(task.events);
    } finally {
      this.say();
    }
  }

  /** A tab that was given up and came back may be sent something twice. */
  #takeTask(events: FollowedEvent[]): void {
    const task = this.#task!;
    const fresh: FollowedEvent[] = [];
    for (const event of events) {
      if (event.type === "reset") task.after = 0;
      else if (event.id !== "") {
        if (Number(event.id) <= task.after) continue;
        task.after = Number(event.id);
      }
      fresh.push(event);
    }
    if (fresh.length > 0) this.#ontask?.(fresh);
  }
}
