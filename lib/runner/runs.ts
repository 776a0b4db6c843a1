import { deadline } from "../base/deadline.ts";
import type { Run } from "./run.ts";

/** What runs here, by task. A run takes itself out when it is over. */
export class Runs {
  readonly #byId = new Map<string, Run>();

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

  get(id: string): Run | undefined {
    return this.#byId.get(id);
  }

  has(id: string): boolean {
    return this.#byId.has(id);
  }

  /** All of them, as they are now. */
  all(): Run[] {
    return [...this.#byId.values()];
  }

  add(run: Run): void {
    this.#byId.set(run.live.id, run);
  }

  delete(run: Run): void {
    if (this.#byId.get(run.live.id) === run) this.#byId.delete(run.live.id);
  }

  /** Waits for everything that runs to be over, but not longer than `ms`. */
  async over(ms: number): Promise<void> {
    await deadline(Promise.all(this.all().map(({ over }) => over)), ms, () => {});
  }
}
