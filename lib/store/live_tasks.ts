/**
 * The tasks that this process has in hand: one {@link LiveTask} a task, loaded when it is wanted and
 * let go when nothing of it waits and it does not run here.
 *
 * @module
 */

import { HEAD_DELAY_MS } from "../kv/head.ts";
import type { Heads } from "../kv/heads.ts";
import { LiveTask, type LiveTaskHooks } from "./live_task.ts";
import type { Task } from "../task/state.ts";
import type { Write, WriteResult } from "./write.ts";

export interface LiveTasksOptions {
  heads: Heads;
  /** When the store was last restored, milliseconds since the epoch; 0 for never. */
  restoredAt: number;
  sid: string;
  /** Milliseconds since the epoch. */
  now(): number;
  touch(write: Write): void;
  /** What a task that runs here yielded can never be stored. */
  onrefused(live: LiveTask): void;
}

export class LiveTasks implements Disposable {
  readonly #options: LiveTasksOptions;
  readonly #hooks: LiveTaskHooks;
  readonly #live = new Map<string, LiveTask>();
  readonly #loading = new Map<string, Promise<LiveTask | null>>();
  /** Tasks on their way out: none is loaded before that is decided. */
  readonly #leaving = new Map<string, Promise<WriteResult>>();
  /** They have progress that their heads lack. */
  readonly #pending = new Set<LiveTask>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: LiveTasksOptions) {
    this.#options = options;
    this.#hooks = {
      touch: options.touch,
      pending: (live, pending) => this.#notePending(live, pending),
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
   * Does something to a task's one live value, loading it first where needed. `action` must not
   * wait: what it changes is on its way into the journal when it returns.
   *
   * @returns What `action` returned, or `null` where there is no such task.
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

  /** Takes up again a pending task that was let go; `false` when there is newer word of it. */
  adopt(live: LiveTask): boolean {
    const known = this.#live.get(live.id);
    if ((known && known !== live) || live.lost || live.record.status !== "pending") return false;
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
      const entry = await this.#options.heads.entry(id);
      const known = this.#live.get(id);
      if (known) return known;
      const removing = this.#leaving.get(id);
      if (!removing) {
        if (entry.value === null) return null;
        const live = LiveTask.loaded(entry, this.#hooks, this.#options.restoredAt);
        this.#live.set(id, live);
        return live;
      }
      await removing;
    }
  }

  /** Their heads are written though the tasks say nothing more. */
  #notePending(live: LiveTask, pending: boolean): void {
    if (!pending) return void this.#pending.delete(live);
    this.#pending.add(live);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      for (const live of this.#pending) {
        live.writeHead();
        this.#notePending(live, !live.lost);
      }
    }, HEAD_DELAY_MS / 2);
  }

  #onwritten(live: LiveTask, result: WriteResult): void {
    if (result.ok) return this.#release(live);
    this.#forget(live);
    if (result.reason === "refused" && live.task.owner === this.#options.sid) {
      this.#options.onrefused(live);
    }
  }

  #release(live: LiveTask): void {
    if (live.clean && live.task.owner !== this.#options.sid) this.#forget(live);
  }

  #forget(live: LiveTask): void {
    if (this.#live.get(live.id) === live) this.#live.delete(live.id);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#pending.clear();
  }
}
