/**
 * The queue of one tab: conflated, and sent in batches, each after the tab has received the last
 * one. A tab that sleeps costs a bounded amount of memory, and catches up when it wakes.
 *
 * @module
 */

import type { TaskRecord } from "../../lib/task/record.ts";
import { EventQueue, stateOf } from "../client/event_queue.ts";
import type { World } from "../client/world.ts";
import type { FeedFollow } from "./feed_follow.ts";
import { type FeedMessage, type FollowedEvent, MAX_WAITING } from "./feed_protocol.ts";
import type { ListEvent } from "../list/list_state.ts";

/** Milliseconds between two batches, for a visible tab and for a hidden one. */
const BATCH_MS = 100;
const HIDDEN_BATCH_MS = 1000;

/** Events of the list, and of the task, in a batch. */
const BATCH_EVENTS = 500;

/** Milliseconds after which a quiet tab is asked to answer, and those it has to answer a batch. */
const QUIET_MS = 20_000;
const ANSWER_MS = 45_000;

export class FeedTab {
  visible = true;
  /** Tasks whose end it wants to be told of. */
  watched: readonly string[] = [];
  /** The task it shows. */
  follow: FeedFollow | null = null;
  /** `off`, or `held` until its snapshot has come, then `on`. */
  list: "off" | "held" | "on" = "off";

  readonly #world: World;
  readonly #post: (message: FeedMessage) => void;
  /** The newest event of each task; `null` if there were too many. */
  #listEvents: Map<string, ListEvent> | null = new Map();
  #snapshot: ListEvent | null = null;
  readonly #rows = new EventQueue<FollowedEvent>((event) =>
    event.type === "message" ? stateOf(event.data) : null
  );
  #n: number;
  #got: number;
  #postedAt = -Infinity;
  #heardAt: number;
  #stopTimer: (() => void) | null = null;
  #drained = Promise.withResolvers<void>();

  constructor(world: World, post: (message: FeedMessage) => void, got: number) {
    this.#world = world;
    this.#post = post;
    this.#n = got;
    this.#got = got;
    this.#heardAt = world.now();
  }

  /** Sends a message at once, outside the batches. */
  say(message: FeedMessage): void {
    this.#post(message);
  }

  /** Call when the tab has sent a message: it lives, and has received batch `got`. */
  heard(got: number): void {
    this.#heardAt = this.#world.now();
    if (got !== this.#n || got === this.#got) return;
    this.#got = got;
    this.schedule();
  }

  /** Sets whether the tab wants the events of the list. */
  setList(wanted: boolean): void {
    if (wanted === (this.list !== "off")) return;
    this.list = wanted ? "held" : "off";
    this.#listEvents = new Map();
    this.#snapshot = null;
  }

  /** Whether the tab still answers. Asks it to if it has been quiet for {@link QUIET_MS}. */
  answers(): boolean {
    const now = this.#world.now();
    if (this.#got !== this.#n) return now - this.#postedAt < ANSWER_MS;
    if (now - this.#heardAt >= QUIET_MS) this.#send([], []);
    return true;
  }

  pushList(event: ListEvent, id: string): void {
    if (this.list === "off" || this.#listEvents === null) return;
    // Deleted first, so that the replacement goes to the end, where its time is.
    this.#listEvents.delete(id);
    this.#listEvents.set(id, event);
    if (this.#listEvents.size > MAX_WAITING) {
      this.#listEvents = null;
      this.list = "held";
    } else if (this.list === "on") {
      this.schedule();
    }
  }

  /** Queues the list, to be sent before the waiting events. With `reset` those are out of date. */
  pushSnapshot(tasks: readonly TaskRecord[], reset: boolean): void {
    if (this.list === "off") return;
    if (reset) this.#listEvents = new Map();
    this.#snapshot = { type: reset ? "reset" : "snapshot", data: { tasks } };
    this.list = "on";
    this.schedule();
  }

  /** Whether a snapshot has to be read. If so, events are kept from now on, to follow it. */
  needsSnapshot(): boolean {
    if (this.list !== "held") return false;
    this.#listEvents ??= new Map();
    return true;
  }

  pushRow(event: FollowedEvent): void {
    this.#rows.push(event);
    this.schedule();
  }

  /** How many events of the task wait. */
  get rowsWaiting(): number {
    return this.#rows.size;
  }

  /** Resolves when the next batch has been sent. */
  drained(): Promise<void> {
    return this.#drained.promise;
  }

  /** Drops the waiting events of the task: they are not wanted, or will be read again. */
  clearRows(): void {
    this.#rows.clear();
  }

  /** Sends the next batch when the tab has the last one, and the time between two has passed. */
  schedule(): void {
    if (this.#got !== this.#n || this.#stopTimer !== null) return;
    const full = this.#rows.size >= BATCH_EVENTS || (this.#listEvents?.size ?? 0) >= BATCH_EVENTS;
    const every = full ? 0 : this.visible ? BATCH_MS : HIDDEN_BATCH_MS;
    const wait = Math.max(0, this.#postedAt + every - this.#world.now());
    this.#stopTimer = this.#world.after(wait, () => {
      this.#stopTimer = null;
      this.#flush();
    });
  }

  /** Sets the pace of the batches, from the next one on. */
  setVisible(visible: boolean): void {
    if (this.visible === visible) return;
    this.visible = visible;
    this.#stopTimer?.();
    this.#stopTimer = null;
    this.schedule();
  }

  close(): void {
    this.#stopTimer?.();
    this.#stopTimer = null;
    this.follow?.close();
    this.follow = null;
    this.setList(false);
  }

  #flush(): void {
    const list: ListEvent[] = [];
    if (this.list === "on") {
      if (this.#snapshot !== null) list.push(this.#snapshot);
      this.#snapshot = null;
      for (const [id, event] of this.#listEvents ?? []) {
        if (list.length >= BATCH_EVENTS) break;
        list.push(event);
        this.#listEvents!.delete(id);
      }
    }
    const rows = this.#rows.take(BATCH_EVENTS);
    if (list.length === 0 && rows.length === 0) return;
    this.#send(list, rows);
    this.#drained.resolve();
    this.#drained = Promise.withResolvers();
  }

  #send(list: ListEvent[], rows: FollowedEvent[]): void {
    this.#n++;
    this.#postedAt = this.#world.now();
    const task = rows.length > 0 ? { watch: this.follow!.watch, events: rows } : null;
    this.follow?.sent(rows);
    this.#post({ type: "batch", n: this.#n, list, task });
  }
}
