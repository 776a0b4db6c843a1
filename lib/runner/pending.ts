/**
 * The pending tasks that this process knows of: those submitted here, those that other processes
 * took in, and those that are only in the store, which are read when it is their turn.
 *
 * @module
 */

import { patiently } from "../base/patiently.ts";
import type { HubEvent } from "../feed/hub_event.ts";
import type { Line } from "./line.ts";
import type { LiveTask } from "../store/live_task.ts";
import { delay } from "../task/delay.ts";
import { firstLaters, firstOfKeys, readLine } from "../kv/queue.ts";
import { firstRank, type Rank, rankOf } from "../kv/rank.ts";
import { statusOf } from "../task/json_text.ts";
import { isQueued, type TaskRecord } from "../task/record.ts";
import { type Candidate, type HeldBy, RunQueue } from "./run_queue.ts";

export interface PendingOptions {
  kv: Deno.Kv;
  now(): number;
  /** Milliseconds for which this process leaves a task to others first. @default {none} */
  claimDelay?(id: string): number;
  /** There may be something to run. */
  onready(): void;
  own(promise: Promise<unknown>): void;
  /** A due task waits only for its key: it must no longer wait for a time. @default {nothing} */
  park?(id: string): void;
}

/** Tasks read at once: few enough to be no burden, enough to last while the next ones are read. */
const READ_AT_ONCE = 2000;

/** Tasks of one key read at once: fewer, as a kind may have many keys. */
const READ_OF_KEY = 200;

/** Milliseconds before a read that failed is tried again. */
const RETRY_MS = 1000;

/** The longest wait for a task to be due: the clock may be set, or the machine suspended, meanwhile. */
const MAX_WAIT_MS = 5_000;

export class Pending {
  readonly #options: PendingOptions;
  /** Kinds that run here; tasks of others are left alone. */
  readonly #kinds = new Set<string>();
  readonly #queue: RunQueue;
  readonly #closing = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Knows of nothing before {@link Pending.load}. */
  constructor(options: PendingOptions) {
    this.#options = options;
    this.#queue = new RunQueue({
      few: READ_AT_ONCE,
      onleft: (candidate) => this.#letGo(candidate),
      onpark: ({ id }) => options.park?.(id),
    });
  }

  /** Adds kinds that run here from now on, and reads their first tasks from the store. */
  async load(kinds: Iterable<string>): Promise<void> {
    const { kv, now } = this.#options;
    const unknown = [...kinds].filter((kind) => !this.#kinds.has(kind));
    // Before anything is read: a task offered from now on may be missing from what the read finds.
    for (const kind of unknown) {
      this.#kinds.add(kind);
      this.#queue.note(firstRank(kind));
      this.#queue.lookForKeys(kind);
    }
    for (const kind of unknown) {
      const read = () => Array.fromAsync(firstLaters(kv, kind));
      const firsts = await patiently(read, () => !this.#closing.signal.aborted);
      for (const first of firsts) this.#queue.note(first);
    }
    await Promise.all(this.#queue.wantedKeys().map((wanted) => this.#findKeys(...wanted)));
    // All begin at once: an event that comes meanwhile could begin a read of the same lines.
    await Promise.all(this.#queue.wanted(now()).map((line) => this.#read(line)));
  }

  /** Adds a task of which this process has the state. */
  offer(live: LiveTask): void {
    this.#add({ ...rankOf(live.record), live });
  }

  /** Adds a taken task again after a moment, as it could not be read. */
  putBack(candidate: Candidate): void {
    const { own, onready } = this.#options;
    own(
      delay(RETRY_MS, this.#closing.signal).then(() => {
        this.#add(candidate);
        onready();
      }, () => {}),
    );
  }

  /** Forgets a task that no longer waits. */
  forget(id: string): void {
    this.#queue.remove(id);
  }

  /** Takes in an event of another process. */
  hear({ event }: HubEvent): void {
    if (event.type !== "message") return;
    const status = statusOf(event.json);
    const record = status === "pending" || status === "waiting"
      ? JSON.parse(event.json) as TaskRecord
      : null;
    if (!record || !isQueued(record)) return this.forget(event.id);
    const rank = rankOf(record);
    // `run_at` is when a task became pending, unless it was interrupted and kept an earlier time.
    const interrupted = !rank.waits && record.run_at < record.updated_at;
    this.#add({ ...this.#candidate(rank), interrupted });
    this.#options.onready();
  }

  /** Takes the task that should run next. `mayRun` gets a kind and how many tasks of it wait. */
  next(mayRun: (kind: string, waiting: number) => boolean, heldBy?: HeldBy): Candidate | null {
    return this.#queue.next(this.#options.now(), mayRun, heldBy);
  }

  /** Gives tasks of a kind a turn again that were held by `by`. */
  release(kind: string, by: string): void {
    this.#queue.release(kind, by);
  }

  /** To be called when nothing more can be taken now: reads on, and wakes when the next task is due. */
  rest(): void {
    const { own, now, onready } = this.#options;
    if (this.#closing.signal.aborted) return;
    const time = now();
    for (const wanted of this.#queue.wantedKeys()) {
      own(this.#findKeys(...wanted).finally(onready));
    }
    for (const line of this.#queue.wanted(time)) own(this.#read(line).finally(onready));
    clearTimeout(this.#timer);
    const next = this.#queue.nextChange(time);
    if (next === null) return;
    this.#timer = setTimeout(onready, Math.min(MAX_WAIT_MS, next - time));
  }

  close(): void {
    this.#closing.abort();
    clearTimeout(this.#timer);
  }

  async #findKeys(kind: string, after: string): Promise<void> {
    try {
      const { kv, now } = this.#options;
      const { lines, next } = await firstOfKeys(kv, kind, after, READ_AT_ONCE);
      const found = lines.map((line) => ({ ...line, first: this.#candidate(line.first) }));
      this.#queue.foundKeys(kind, found, next, now());
    } catch (error) {
      await delay(RETRY_MS, this.#closing.signal);
      this.#queue.foundKeys(kind, [], after, this.#options.now());
      throw error;
    }
  }

  async #read(line: Line<Candidate>): Promise<void> {
    const { kv, now } = this.#options;
    const from = this.#queue.begin(line);
    try {
      const most = from.key === undefined ? READ_AT_ONCE : READ_OF_KEY;
      const { ranks, next } = await readLine(kv, from, most);
      this.#queue.end(line, ranks.map((rank) => this.#candidate(rank)), next, now());
    } catch (error) {
      await delay(RETRY_MS, this.#closing.signal);
      this.#queue.fail(line, now());
      throw error;
    }
  }

  #add(candidate: Candidate): void {
    if (this.#kinds.has(candidate.kind)) this.#queue.add(candidate, this.#options.now());
  }

  /** A task that any process may claim: each leaves it for a while to those before it. */
  #candidate(rank: Rank): Candidate {
    return { ...rank, wait: this.#options.claimDelay?.(rank.id) ?? 0 };
  }

  /** Notes a dropped task once it is in the store, as a read may have missed it before. */
  #letGo({ live, ...rank }: Candidate): void {
    if (!live || live.clean) return;
    const { own, onready } = this.#options;
    own(
      live.committed().then(({ ok }) => {
        if (ok && this.#queue.note(rank)) onready();
      }),
    );
  }
}
