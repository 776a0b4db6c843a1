/**
 * Gives keys to tasks that have none: their kind has had keys only since a deploy, or the process
 * that took them in could not work them out.
 *
 * @module
 */

import { Semaphore } from "../base/semaphore.ts";
import type { LiveTask } from "../store/live_task.ts";
import type { Store } from "../store/store.ts";
import { delay } from "../task/delay.ts";
import { isQueued, type TaskKeys, type TaskRecord } from "../task/record.ts";
import { UncheckedError } from "./checks.ts";
import type { Kinds } from "./kinds.ts";
import { allKeys } from "./start_limits.ts";
import type { TaskPools } from "./task_pools.ts";

export interface MissingKeysOptions {
  store: Store;
  kinds: Kinds;
  pools: Pick<TaskPools<never>, "check">;
  /** A task has its keys now, or is to be tried again. */
  ongiven(live: LiveTask): void;
}

/** Inputs that are checked at once: a deploy may leave 10,000 tasks without a key. */
const AT_ONCE = 100;

/** Milliseconds before an input that could not be checked is tried again. */
const AGAIN_MS = 500;

export class MissingKeys {
  readonly #options: MissingKeysOptions;
  readonly #turn = new Semaphore(AT_ONCE);
  readonly #closing = new AbortController();

  constructor(options: MissingKeysOptions) {
    this.#options = options;
  }

  /** Finds out a task's keys and stores them. */
  async give(id: string): Promise<void> {
    await this.#turn.run(() => this.#give(id), this.#closing.signal);
  }

  close(): void {
    this.#closing.abort();
  }

  async #give(id: string): Promise<void> {
    const { store, kinds, ongiven } = this.#options;
    const head = await store.heads.get(id);
    if (head === null) return;
    const { kind } = JSON.parse(head.record) as TaskRecord;
    const input = await store.heads.input(head);
    const keys = kinds.has(kind) ? await this.#keysFor(kind, input, head.parsed) : null;
    await store.withTask(id, (live) => {
      if (!isQueued(live.record)) return;
      const known = kinds.get(kind);
      if (known && keys) {
        live.change({ type: "key", keys: allKeys(known, { ...keys, ...live.record.keys }) });
      }
      ongiven(live);
    });
  }

  /** The keys for an input; `null` if no process can tell now. */
  async #keysFor(kind: string, input: string | null, parsed = false): Promise<TaskKeys | null> {
    try {
      const checked = await this.#options.pools.check(kind, input, parsed);
      // An input that no longer fits its schema fails when it runs.
      return "issues" in checked ? {} : checked.keys ?? {};
    } catch (error) {
      if (!(error instanceof UncheckedError)) throw error;
      await delay(AGAIN_MS, this.#closing.signal).catch(() => {});
      return null;
    }
  }
}
