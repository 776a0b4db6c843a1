/**
 * The book of what runs here.
 *
 * @module
 */

import { deadline } from "../base/deadline.ts";
import type { LiveTask } from "../store/live_task.ts";
import type { StopReason } from "../child/protocol.ts";
import type { Member } from "./task_pool.ts";

/** A task that is claimed by this process. */
export interface Run {
  /** Names it to its task process. Not to be guessed by other tasks there, who could speak for it. */
  readonly number: number;
  /** Its state. */
  readonly live: LiveTask;
  /** Where it is driven. */
  readonly member: Member<Run>;
  /** When it was claimed, milliseconds, monotonic. */
  readonly claimedAt: number;
  /** Milliseconds the task waited for it. */
  readonly waitedMs: number;
  /** No other run was in its process when it came. */
  readonly first: boolean;
  /** How many runs had been in its process by then. */
  readonly entry: number;
  /** Its task process was told: it may have begun. */
  sent: boolean;
  /** Why it was asked to stop, if it was. */
  stop: StopReason | null;
  /** Its time-out; after it was asked to stop, the end of its grace. */
  deadline: ReturnType<typeof setTimeout> | undefined;
  /** Resolves when it is over. */
  readonly over: PromiseWithResolvers<void>;
}

/** Whether no other run was in its process for all of its time. */
export function wasAlone({ member, first, entry }: Run): boolean {
  return first && member.entries === entry;
}

/** See the module. */
export class Runs {
  readonly #byId = new Map<string, Run>();
  readonly #random = new BigUint64Array(1);

  /** How many. */
  get size(): number {
    return this.#byId.size;
  }

  /** How many of each kind. */
  get byKind(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { live: { record: { kind } } } of this.#byId.values()) {
      counts[kind] = (counts[kind] ?? 0) + 1;
    }
    return counts;
  }

  /** The run of a task. */
  get(id: string): Run | undefined {
    return this.#byId.get(id);
  }

  /** Whether a task runs here. */
  has(id: string): boolean {
    return this.#byId.has(id);
  }

  /** All of them, as they are now. */
  all(): Run[] {
    return [...this.#byId.values()];
  }

  /** Enters one. */
  add(live: LiveTask, member: Member<Run>, waitedMs: number): Run {
    member.entries++;
    const run: Run = {
      number: this.#newNumber(),
      live,
      member,
      claimedAt: performance.now(),
      waitedMs,
      first: member.runs.size === 0,
      entry: member.entries,
      sent: false,
      stop: null,
      deadline: undefined,
      over: Promise.withResolvers<void>(),
    };
    member.runs.set(run.number, run);
    this.#byId.set(live.id, run);
    return run;
  }

  #newNumber(): number {
    crypto.getRandomValues(this.#random);
    return Number(this.#random[0]! >> 11n);
  }

  /** Strikes one out: it is over. */
  delete(run: Run): void {
    clearTimeout(run.deadline);
    if (this.#byId.get(run.live.id) === run) this.#byId.delete(run.live.id);
    run.over.resolve();
  }

  /** Waits for everything that runs to be over, but not longer than `ms`. */
  async over(ms: number): Promise<void> {
    await deadline(Promise.all(this.all().map(({ over }) => over.promise)), ms, () => {});
  }
}
