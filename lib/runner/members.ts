/**
 * The task processes of a module, by their use, and the choice of one for a run.
 *
 * @module
 */

import { isIdle, isUp, type Member, type Use } from "./member.ts";

/** How many wards there may be. */
const WARDS = 8;

/** How many processes for a single run there may be by default. */
const ISOLATED = 8;

export interface MembersOptions {
  /** Runs at once in each shared process. */
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

  /** How many processes there are for a use, ready or not. */
  count(use: Use): number {
    return this.#by[use].size;
  }

  /** The process that only checks inputs, if there is one. */
  get spare(): Member<Run> | undefined {
    return this.#by.spare.values().next().value;
  }

  has(member: Member<Run>): boolean {
    return this.#by[member.use].has(member);
  }

  add(member: Member<Run>): void {
    this.#by[member.use].add(member);
  }

  /** Returns whether it was there. */
  delete(member: Member<Run>): boolean {
    return this.#by[member.use].delete(member);
  }

  /** Whether a shared process is ready, with room or not. */
  get isReady(): boolean {
    return this.#by.shared.values().some(isUp);
  }

  /** Whether a process is ready for a run. */
  hasRoom(use: Use): boolean {
    const members = this.#by[use];
    switch (use) {
      case "shared":
        return members.values().some((it) => isUp(it) && it.runs.size < this.#options.concurrency);
      case "ward":
        // Waits for all wards, so that tasks that died together are spread evenly.
        return members.size > 0 && members.values().every(isUp);
      case "own":
        return members.values().some(isIdle);
    }
  }

  /** How many processes there should be for `wanted` more runs. */
  target(use: "ward" | "own", wanted: number): number {
    const taken = this.#by[use].values().filter(({ runs }) => runs.size > 0).toArray().length;
    const most = use === "ward" ? WARDS : this.#options.isolated ?? ISOLATED;
    return Math.min(most, taken + wanted);
  }

  /** A process for a run; there must be one, as {@link Members.hasRoom} says. */
  pick(use: Use): Member<Run> {
    const ready = [...this.#by[use]].filter(isUp);
    switch (use) {
      case "shared":
        return ready.reduce((best, it) => it.runs.size < best.runs.size ? it : best);
      case "ward":
        // Each takes its turn, whatever else runs there.
        return ready[this.#nextWard++ % ready.length]!;
      case "own":
        return ready.find(isIdle)!;
    }
  }
}
