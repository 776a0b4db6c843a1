/**
 * Follows one task for one tab: first its stored rows, then new events, every row once and in
 * order. While history is read, new events are held back; their `seq` tells which of them it
 * included.
 *
 * @module
 */

import type { TaskRecord } from "../../lib/task/record.ts";
import type { World } from "../client/world.ts";
import { type FollowedEvent, MAX_WAITING } from "./feed_protocol.ts";
import { isFinished, type TaskEvent } from "../task/task_state.ts";

/** Rows in a page of history. */
const PAGE_ROWS = 500;

/** Milliseconds before history is read again after an error. */
const RETRY_MS = 2000;

/** The ids that the server accepts: for any other it would refuse every tab the stream. */
const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

/** An event of one task in the stream over all tasks. */
interface Followable {
  type: string;
  data: unknown;
}

/** The rows that wait for the tab. */
export interface RowQueue {
  readonly rowsWaiting: number;
  pushRow(event: FollowedEvent): void;
  /** Resolves when the tab has taken some. */
  drained(): Promise<void>;
  clearRows(): void;
}

export class FeedFollow {
  readonly id: string;
  /** The number of the tab's subscription. */
  readonly watch: number;
  /** Whether the id is valid, and the user may see such a task as far as is known. */
  valid: boolean;
  /** Whether the task has ended, or there is none: a hidden tab needs no connection for it. */
  over = false;
  /** `idle` while the stream does not carry its rows. */
  state: "idle" | "reading" | "live" = "idle";

  readonly #world: World;
  readonly #tab: RowQueue;
  /** `seq` of the newest event that was put into the tab's queue, and of the newest sent to the tab. */
  #last: number;
  #sent: number;
  /** `seq` of the newest message from the stream. A `complete`, which has none, is the next one. */
  #messageSeq: number | null = null;
  #held: Followable[] = [];
  #overflowed = false;
  #reading: AbortController | null = null;
  readonly #left = new AbortController();

  constructor(world: World, tab: RowQueue, task: { id: string; after: number; watch: number }) {
    this.#world = world;
    this.#tab = tab;
    this.id = task.id.toUpperCase();
    this.watch = task.watch;
    this.#last = task.after;
    this.#sent = task.after;
    this.valid = ULID.test(this.id);
    if (!this.valid) this.#missing();
  }

  /** Call when the stream carries its rows: reads all that happened since what the tab has. */
  catchUp(): void {
    this.stop();
    this.state = "reading";
    this.#messageSeq = null;
    this.#reading = new AbortController();
    void this.#read(this.#reading.signal);
  }

  /** Call when the stream was refused. Resolves to whether this task was why; it is then left out. */
  async leaveOut(): Promise<boolean> {
    const { signal } = this.#left;
    const found = await this.#get(`/tasks/${this.id}`, signal).catch(() => true);
    if (found !== null || signal.aborted || !this.valid) return false;
    this.valid = false;
    this.#missing();
    return true;
  }

  /** Call when the store was replaced: the next catch-up resets what the tab has. */
  forget(): void {
    this.#last = Infinity;
  }

  /** Call when the stream no longer carries its rows. */
  stop(): void {
    this.#reading?.abort();
    this.#reading = null;
    this.#held = [];
    this.#overflowed = false;
    this.state = "idle";
  }

  /** Call when the tab no longer wants it. */
  close(): void {
    this.stop();
    this.#left.abort();
    this.over = true;
  }

  take(event: Followable): void {
    if (this.state === "live") {
      this.#pass(event);
      if (this.#tab.rowsWaiting > MAX_WAITING) {
        // The tab does not take them. They are in the store, to be read again when it does.
        this.#tab.clearRows();
        this.#last = this.#sent;
        this.catchUp();
      }
    } else if (this.state === "reading") {
      if (this.#held.length >= MAX_WAITING) this.#overflowed = true;
      if (this.#overflowed) this.#held = [];
      else this.#held.push(event);
    }
  }

  /** Call when the queue has sent events to the tab. */
  sent(events: readonly FollowedEvent[]): void {
    for (const { id } of events) if (id !== "") this.#sent = Number(id);
  }

  async #read(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const found = await this.#catchUp(signal);
        if (signal.aborted) return;
        if (!found) return this.#missing();
        if (!this.#overflowed) break;
        this.#overflowed = false;
        continue;
      } catch {
        // The server is unreachable, or the tab has gone.
      }
      if (signal.aborted) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      const stop = this.#world.after(RETRY_MS, resolve);
      signal.addEventListener("abort", () => resolve(), { once: true });
      await promise;
      stop();
    }
    if (signal.aborted) return;
    const held = this.#held;
    this.#held = [];
    this.#reading = null;
    this.state = "live";
    for (const event of held) this.take(event);
  }

  /** Reads the record first and then the rows, so that no row before the record is missed. */
  async #catchUp(signal: AbortSignal): Promise<boolean> {
    const url = `/tasks/${this.id}`;
    const record = await this.#get<TaskRecord>(url, signal);
    if (record === null || signal.aborted) return record !== null;
    this.over = isFinished(record.status);
    if (record.seq < this.#last) {
      // The tab's events are from another store.
      this.#last = 0;
      this.#tab.clearRows();
      this.#tab.pushRow({ type: "reset", id: "0", data: { reason: "unknown", task: record } });
    } else {
      this.#tab.pushRow({ type: "record", id: "", data: record });
    }
    for (let after: number | null = this.#last; after !== null;) {
      const page:
        | { events: { seq: number; event: string; data: unknown }[]; next_after: number }
        | null = await this.#get(`${url}/events?after=${after}&limit=${PAGE_ROWS}`, signal);
      if (page === null) return false;
      if (signal.aborted) return true;
      for (const { seq, event, data } of page.events) {
        this.#push(seq, event, data);
      }
      after = page.next_after;
      while (this.#tab.rowsWaiting > PAGE_ROWS && !signal.aborted) {
        await Promise.race([this.#tab.drained(), aborted(signal)]);
      }
      if (signal.aborted) return true;
    }
    this.#push(record.seq, "message", record);
    return true;
  }

  async #get<T>(url: string, signal: AbortSignal): Promise<T | null> {
    const response = await this.#world.fetch(url, { signal });
    if (response.ok) return await response.json();
    await response.body?.cancel();
    // A task that the user may not see is treated as missing.
    if (response.status === 404 || response.status === 403) return null;
    throw new Error(`${url} answered ${response.status}`);
  }

  #pass({ type, data }: Followable): void {
    if (type === "message") {
      const record = data as TaskRecord;
      this.#messageSeq = record.seq;
      this.#push(record.seq, type, record);
    } else if (type === "complete") {
      // Without a message from the stream before it, this end is part of the history.
      if (this.#messageSeq !== null) this.#push(this.#messageSeq + 1, type, data);
    } else if (type === "deleted") {
      this.over = true;
      this.#tab.pushRow({ type, id: "", data: data as { task_id: string } });
    } else {
      const { task_id: _, ...row } = data as { task_id: string; seq: number };
      this.#push(row.seq, type, row);
    }
  }

  #push(seq: number, type: string, data: unknown): void {
    if (seq <= this.#last) return;
    this.#last = seq;
    if (type === "complete") this.over = true;
    else if (type === "message" && !isFinished((data as TaskRecord).status)) this.over = false;
    this.#tab.pushRow({ type, id: String(seq), data } as TaskEvent);
  }

  #missing(): void {
    this.over = true;
    this.#tab.pushRow({ type: "missing", id: "" });
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) =>
    signal.addEventListener("abort", () => resolve(), { once: true })
  );
}
