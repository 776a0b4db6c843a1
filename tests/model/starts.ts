import { startsIn } from "./starts_in.ts";
import { holds } from "./invariants.ts";
import type { Reference } from "./reference.ts";
import { RATE } from "./script.ts";
import type { World } from "./world.ts";

/** Milliseconds by which the clocks that a start is measured with may differ. */
const APART_MS = 10;

/** When tasks of `model-rated` started, by the test's own clock, which is never set. */
export class Starts {
  readonly #times: number[] = [];
  /** By task, the number of starts that were read. */
  readonly #counts = new Map<string, number>();
  readonly #jumps: number[] = [];
  #jumped = false;

  /** The server's clock is set. */
  jumped(): void {
    this.#jumped = true;
    this.#jumps.push(Date.now());
  }

  /** Asserts that no span of {@link RATE} has too many starts. */
  check({ present, shift }: Reference, { began }: World): void {
    // If the clock was set since the last audit, the times since then may be by either clock.
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
      // A new server process has only the clock to go by, which was set meanwhile.
      const lies = (at: number) => at >= first - APART_MS && at <= last + APART_MS;
      if (this.#jumps.some(lies) && began.some(lies)) continue;
      const times = this.#times.slice(n - RATE.limit, n + 1).map((at) => at - first);
      holds("I27", false, () => `${times.length} started, after ${times} ms`);
    }
  }
}
