import { deadline } from "../base/deadline.ts";
import type { Run } from "./run.ts";

/** How many ended runs are remembered: what they printed may come after their end. */
const ENDED = 1000;

/** The runs of this process, by task. A run takes itself out when it is over. */
export class Runs {
  readonly #byId = new Map<string, Run>();
  /** The tasks of the runs that ended last, by the run's number. */
  readonly #ended = new Map<number, string>();

  get size(): number {
    return this.#byId.size;
  }

  get byKind(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { live: { record: { kind } } } of this.#byId.values()) {
      counts[kind] = (counts[kind] ?? 0) + 1;
    }
    return counts;
  }

  get(id: string): Run | undefined {
    return this.#byId.get(id);
  }

  has(id: string): boolean {
    return this.#byId.has(id);
  }

  /** A snapshot, as runs may end while it is read. */
  all(): Run[] {
    return [...this.#byId.values()];
  }

  /** The slots of a name that these runs have. */
  slotsOf(name: string): number[] {
    return this.all().flatMap(({ slot }) => slot?.name === name ? [slot.n] : []);
  }

  add(run: Run): void {
    this.#byId.set(run.live.id, run);
  }

  delete(run: Run): void {
    this.#ended.set(run.number, run.live.id);
    if (this.#ended.size > ENDED) this.#ended.delete(this.#ended.keys().next().value!);
    if (this.#byId.get(run.live.id) === run) this.#byId.delete(run.live.id);
  }

  /** The task of a run that ended not long ago, by the run's number. */
  endedTask(number: number): string | undefined {
    return this.#ended.get(number);
  }

  /** Waits for everything that runs to be over, but not longer than `ms`. */
  async over(ms: number): Promise<void> {
    await deadline(Promise.all(this.all().map(({ over }) => over)), ms, () => {});
  }
}
