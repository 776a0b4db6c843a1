/**
 * A tab's end of the connection to the feed: sends what the tab wants, and hands over what arrives.
 *
 * @module
 */

import type { TaskRecord } from "../../lib/task/record.ts";
import type { ConnectionState } from "../client/client.d.ts";
import type { FeedMessage, FollowedEvent, TabMessage } from "./feed_protocol.ts";
import type { ListEvent } from "../list/list_state.ts";

export interface FeedClientOptions {
  /** Sends a message to the feed. */
  post(message: TabMessage): void;
  /** Called when the state of the feed's connection changes. */
  onconnection(state: ConnectionState): void;
}

export class FeedClient {
  readonly #options: FeedClientOptions;
  #onlist: ((events: ListEvent[]) => void) | null = null;
  #task: { id: string; after: number; watch: number } | null = null;
  #ontask: ((events: FollowedEvent[]) => void) | null = null;
  #watches = 0;
  /** Called when a watched task has ended. */
  onended: (record: TaskRecord) => void = () => {};
  #watched: readonly string[] = [];
  #visible = true;
  #got = 0;

  constructor(options: FeedClientOptions) {
    this.#options = options;
  }

  /** Subscribes to the events of all tasks, from a snapshot on; returns how to stop. */
  watchList(onevents: (events: ListEvent[]) => void): () => void {
    this.#onlist = onevents;
    this.say();
    return () => {
      this.#onlist = null;
      this.say();
    };
  }

  /** Subscribes to the events of a task whose `seq` is larger than `after`; returns how to stop. */
  watchTask(id: string, after: number, onevents: (events: FollowedEvent[]) => void): () => void {
    // Events of an earlier subscription may still arrive: the number tells them apart.
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

  setVisible(visible: boolean): void {
    this.#visible = visible;
    this.say();
  }

  /** Sets the tasks whose end the tab wants to be told of. */
  setWatched(ids: readonly string[]): void {
    this.#watched = ids;
    this.say();
  }

  /** Sends all that the tab wants, since the feed may have dropped the tab. */
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

  /** Has the feed reconnect: a connection may be dead without an error. */
  reopen(): void {
    this.#options.post({ type: "reopen" });
  }

  /** Has the feed drop the connection of an ended session. The server refuses the next one. */
  signOut(): void {
    this.#options.post({ type: "signed-out" });
  }

  /** Takes the tab out of the feed. {@link say} brings it back. */
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

  /** Skips known events: a tab that was dropped and came back may be sent some twice. */
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
