/**
 * The task processes of a module, by their use, and the choice of one for a run.
 *
 * @module
 */

import { isIdle, isUp, type Member, type Use } from "./member.ts";

/** Wards, at most. */
const WARDS = 8;

/** Processes for a single run, at most, unless something else is said. */
const ISOLATED = 8;

export interface MembersOptions {
  /** Runs at once in each that is shared. */
  concurrency: number;
  /** Processes for a single run, at most. @default {8} */
  isolated?: number;
}

export class Members<Run> {
  readonly #options: MembersOptions;
  readonly #by: Record<Use | "spare", Set<Member<Run>>> = {
    shared: new Set(),
    ward: new Set(),
    own: new Set(),
    spare: new Set(),
  };
  /** Which of the wards takes the next run. */
  #nextWard = 0;

  constructor(options: MembersOptions) {
    this.#options = options;
  }

  get all(): Member<Run>[] {
    return Object.values(this.#by).flatMap((members) => [...members]);
  }

  /** How many are there, ready or not. */
  count(use: Use): number {
    return this.#by[use].size;
  }

  /** The one that only checks inputs, if there is one. */
  get spare(): Member<Run> | undefined {
    return this.#by.spare.values().next().value;
  }

  has(member: Member<Run>): boolean {
    return this.#by[member.use].has(member);
  }

  add(member: Member<Run>): void {
    this.#by[member.use].add(member);
  }

  /** Whether it was there. */
  delete(member: Member<Run>): boolean {
    return this.#by[member.use].delete(member);
  }

  /** Whether one that is shared is ready, with room or not. */
  get isReady(): boolean {
    return this.#by.shared.values().some(isUp);
  }

  /** Whether one is ready for a run. */
  hasRoom(use: Use): boolean {
    const members = this.#by[use];
    switch (use) {
      case "shared":
        return members.values().some((it) => isUp(it) && it.runs.size < this.#options.concurrency);
      case "ward":
        // Those that died together are spread evenly: not all of them over the first that is ready.
        return members.size > 0 && members.values().every(isUp);
      case "own":
        return members.values().some(isIdle);
    }
  }

  /** How many there should be for so many more runs that share none of them, or few. */
  target(use: "ward" | "own", wanted: number): number {
    const taken = this.#by[use].values().filter(({ runs }) => runs.size > 0).toArray().length;
    const most = use === "ward" ? WARDS : this.#options.isolated ?? ISOLATED;
    return Math.min(most, taken + wanted);
  }

  /** One for a run, where one is ready. */
  pick(use: Use): Member<Run> {
    const ready = [...this.#by[use]].filter(isUp);
    switch (use) {
      case "shared":
        return ready.reduce((best, it) => it.runs.size < best.runs.size ? it : best);
      case "ward":
        // Whatever else runs there.
        return ready[this.#nextWard++ % ready.length]!;
      case "own":
        return ready.find(isIdle)!;
    }
  }
}
