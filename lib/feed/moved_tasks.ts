import type { Move, Moves } from "../kv/pending_state.ts";

/** Most moves that are kept, for all reads together; the older half goes when there are as many. */
const MAX_MOVES = 20_000;

/** The tasks that changed their status while somebody reads one index after the other. */
export class MovedTasks {
  #moves: Move[] = [];
  /** How many came before the first of `#moves`. */
  #gone = 0;
  #readers = 0;

  note(move: Move): void {
    if (this.#readers === 0) return;
    if (this.#moves.push(move) < MAX_MOVES) return;
    this.#moves.splice(0, MAX_MOVES / 2);
    this.#gone += MAX_MOVES / 2;
  }

  open(): Moves {
    this.#readers++;
    let at = this.#gone + this.#moves.length;
    return {
      take: () => {
        const from = Math.max(0, at - this.#gone);
        at = this.#gone + this.#moves.length;
        return this.#moves.slice(from);
      },
      [Symbol.dispose]: () => {
        if (--this.#readers > 0) return;
        this.#gone += this.#moves.length;
        this.#moves = [];
      },
    };
  }
}
