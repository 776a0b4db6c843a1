/**
 * The tasks that this process works with: one {@link LiveTask} per task, loaded when it is needed
 * and dropped when nothing of it waits to be written and it does not run here.
 *
 * @module
 */

import { DueList } from "../base/due_list.ts";
import { FOLD_MS } from "../kv/head.ts";
import type { Heads } from "../kv/heads.ts";
import { LiveTask, type LiveTaskHooks } from "./live_task.ts";
import { STORE_STATE_WITHIN_MS } from "./shown_progress.ts";
import type { TaskEvent } from "../task/event.ts";
import { isQueued } from "../task/record.ts";
import type { Task } from "../task/task.ts";
import type { Write, WriteResult } from "./write.ts";

export interface LiveTasksOptions {
  heads: Heads;
  /** When the store was last restored, milliseconds since the epoch; 0 for never. */
  restoredAt: number;
  sid: string;
  /** Milliseconds since the epoch. */
  now(): number;
  touch(write: Write): void;
  /** Resolves when `heads` includes everything written so far. */
  caughtUp(): Promise<void>;
  /** Shows progress before it is stored; absent if other processes write to the same store. */
  show?: ((event: TaskEvent) => void) | undefined;
  /** Whether anybody watches a task. @default {somebody does} */
  watched?: ((id: string, kind: string) => boolean) | undefined;
  /** A state change of a task was written. */
  onmoved(live: LiveTask): void;
  /** A part of a task was written. */
  onwritten(live: LiveTask): void;
  /** A task that runs here yielded something that can never be stored. */
  onrefused(live: LiveTask): void;
}

/** Bytes of unfolded rows of all tasks together, above which the oldest are folded. */
const MAX_UNFOLDED = 16 * 1024 * 1024;

export class LiveTasks implements Disposable {
  readonly #options: LiveTasksOptions;
  readonly #hooks: LiveTaskHooks;
  readonly #live = new Map<string, LiveTask>();
  readonly #loading = new Map<string, Promise<LiveTask | null>>();
  /** Tasks that are being removed or given up: none is loaded before that is over. */
  readonly #leaving = new Map<string, Promise<WriteResult>>();
  /** Tasks whose progress must be stored soon, even if no event follows. */
  readonly #shown = new DueList<LiveTask>(
    { fromMs: 0.6 * STORE_STATE_WITHIN_MS },
    (live) => live.store(),
  );
  /** Tasks with pending state, which is to be folded. */
  readonly #pending = new DueList<LiveTask>(
    { fromMs: 0.3 * FOLD_MS, toMs: 0.9 * FOLD_MS },
    (live) => live.fold(),
  );
  /** Bytes of unfolded rows of all tasks together. */
  #unfoldedBytes = 0;
  readonly #unfolded = new Map<LiveTask, number>();

  constructor(options: LiveTasksOptions) {
    this.#options = options;
    this.#hooks = {
      touch: options.touch,
      show: options.show,
      watched: options.watched,
      onshown: (live) => this.#shown.add(live),
      pending: (live, pending) => this.#notePending(live, pending),
      onmoved: options.onmoved,
      onwritten: (live, result) => this.#onwritten(live, result),
      now: options.now,
    };
  }

  get(id: string): LiveTask | undefined {
    return this.#live.get(id);
  }

  create(task: Task, input: string | null): LiveTask {
    const live = LiveTask.created(task, input, this.#hooks);
    this.#live.set(live.id, live);
    return live;
  }

  leaving(id: string): Promise<WriteResult> | undefined {
    return this.#leaving.get(id);
  }

  leave(id: string, removing: Promise<WriteResult>): Promise<WriteResult> {
    this.#leaving.set(id, removing);
    return removing.finally(() => this.#leaving.delete(id));
  }

  /**
   * Runs `action` with the task's one live value, loading it first if needed. `action` must be
   * synchronous: what it changes is queued for the journal when it returns.
   *
   * @returns What `action` returned, or `null` if there is no such task.
   */
  async withTask<T>(id: string, action: (live: LiveTask) => T): Promise<T | null> {
    const live = this.#live.get(id) ?? await this.#load(id);
    if (!live) return null;
    try {
      return action(live);
    } finally {
      this.#release(live);
    }
  }

  /** Takes back a queued task that was released; `false` if it changed or was loaded again since. */
  adopt(live: LiveTask): boolean {
    const known = this.#live.get(live.id);
    if ((known && known !== live) || live.lost || !isQueued(live.record)) return false;
    this.#live.set(live.id, live);
    return true;
  }

  #load(id: string): Promise<LiveTask | null> {
    const under = this.#loading.get(id);
    if (under) return under;
    const loading = this.#fetch(id).finally(() => this.#loading.delete(id));
    this.#loading.set(id, loading);
    return loading;
  }

  async #fetch(id: string): Promise<LiveTask | null> {
    while (true) {
      const { entry, state } = await this.#options.heads.withState(id);
      const known = this.#live.get(id);
      if (known) return known;
      const removing = this.#leaving.get(id);
      if (!removing) {
        if (entry.value === null) return null;
        const { restoredAt } = this.#options;
        const live = LiveTask.loaded(entry, this.#hooks, { restoredAt, state });
        this.#live.set(id, live);
        return live;
      }
      await removing;
    }
  }

  #notePending(live: LiveTask, pending: boolean): void {
    if (pending) this.#pending.add(live);
    else this.#pending.delete(live);
    this.#unfoldedBytes += live.unfoldedBytes - (this.#unfolded.get(live) ?? 0);
    if (live.unfoldedBytes > 0) this.#unfolded.set(live, live.unfoldedBytes);
    else this.#unfolded.delete(live);
    const { first } = this.#pending;
    // Not the task that is being rendered: the journal would lose its request for another commit.
    if (this.#unfoldedBytes <= MAX_UNFOLDED || first === undefined || first === live) return;
    this.#pending.delete(first);
    first.fold();
  }

  #onwritten(live: LiveTask, result: WriteResult): void {
    if (result.ok) {
      this.#options.onwritten(live);
      return this.#release(live);
    }
    this.#forget(live);
    this.#shown.delete(live);
    this.#notePending(live, false);
    if (result.reason !== "refused") return;
    // Whoever loads it again needs its pending state, so `heads` must have caught up before.
    void this.leave(live.id, this.#options.caughtUp().then(() => result));
    if (live.task.owner === this.#options.sid) this.#options.onrefused(live);
  }

  #release(live: LiveTask): void {
    if (live.clean && live.task.owner !== this.#options.sid) this.#forget(live);
  }

  #forget(live: LiveTask): void {
    if (this.#live.get(live.id) === live) this.#live.delete(live.id);
  }

  [Symbol.dispose](): void {
    this.#shown[Symbol.dispose]();
    this.#pending[Symbol.dispose]();
  }
}
