import { startsIn } from "./starts_in.ts";
import { holds } from "./invariants.ts";
import type { Reference } from "./reference.ts";
import { RATE } from "./script.ts";
import type { World } from "./world.ts";

/** Milliseconds by which the clocks that are looked at for a start are apart. */
const APART_MS = 10;

/** When tasks of `model-rated` started, by a clock that nobody sets: ours. */
export class Starts {
  readonly #times: number[] = [];
  /** Those that were looked at, by task. */
  readonly #counts = new Map<string, number>();
  readonly #jumps: number[] = [];
  #jumped = false;

  /** The server's clock is set. */
  jumped(): void {
    this.#jumped = true;
    this.#jumps.push(Date.now());
  }

  /** No more of them lie in any time than may. */
  check({ present, shift }: Reference, { began }: World): void {
    // By which clock those told that came since the last look nobody knows.
    const told = !this.#jumped;
    this.#jumped = false;
    for (const { id, rows, submission: { kind } } of present) {
      if (kind !== "model-rated") continue;
      const starts = startsIn(rows).map(({ updated_at }) => Date.parse(updated_at) - shift);
      if (told) this.#times.push(...starts.slice(this.#counts.get(id) ?? 0));
      this.#counts.set(id, starts.length);
    }
    this.#times.sort((a, b) => a - b);
    for (const [n, last] of this.#times.entries()) {
      const first = this.#times[n - RATE.limit];
      if (first === undefined || last - first >= RATE.per - APART_MS) continue;
      // A new process knows only what the clock says, which was set.
      const lies = (at: number) => at >= first - APART_MS && at <= last + APART_MS;
      if (this.#jumps.some(lies) && began.some(lies)) continue;
      const times = this.#times.slice(n - RATE.limit, n + 1).map((at) => at - first);
      holds("I27", false, () => `${times.length} started, after ${times} ms`);
    }
  }
}
