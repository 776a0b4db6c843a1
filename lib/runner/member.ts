/**
 * A task process, as one of those of its module.
 *
 * @module
 */

import type { AwakeTimer } from "../base/awake_timer.ts";
import type { Semaphore } from "../base/semaphore.ts";
import type { TaskProcess } from "./task_process.ts";

/**
 * What a process is for: all runs; those of tasks under which others have died; one run, with which
 * it ends.
 */
export type Use = "shared" | "ward" | "own";

export const USES: readonly Use[] = ["shared", "ward", "own"];

/** Deaths of its process after which a task is tried among few others, and alone. */
const WARD_AFTER = 2;
const OWN_AFTER = 5;

/**
 * Where a task is driven under which processes have died. What ran beside the cause has as many
 * deaths as the cause: those are spread over the wards, where the next death leaves one part in so
 * many under suspicion, and so on until the cause is alone. The others are not held up meanwhile.
 */
export function useOf(deaths: number): Use {
  return deaths < WARD_AFTER ? "shared" : deaths < OWN_AFTER ? "ward" : "own";
}

/** The processes of a module, as far as a run has to do with them. */
export interface MemberPool<Run> {
  /** Of the module. */
  readonly name: string;
  enter(member: Member<Run>, number: number, run: Run): void;
  /** A run is over: a process that is not shared ends with its last one. */
  release(member: Member<Run>, number: number): void;
  /** Ends a process whatever it does; its other runs go on elsewhere. */
  kill(member: Member<Run>, because?: string): void;
}

/** A task process and what it runs. */
export interface Member<Run> {
  /** The processes it is one of. */
  readonly pool: MemberPool<Run>;
  readonly process: TaskProcess;
  /** By number. */
  readonly runs: Map<number, Run>;
  /** What it is for: runs, or no more than to check inputs while the others are busy. */
  readonly use: Use | "spare";
  /** How many runs have been in it. */
  entries: number;
  /** It has loaded its module; milliseconds, monotonic. */
  readyAt: number | null;
  /** Until it is ready it kills it when that takes too long; later, when it is of no use. */
  readonly timer: AwakeTimer;
  /** What it asks for, a few at a time. */
  readonly requests: Semaphore;
}

export function isUp({ readyAt }: Member<unknown>): boolean {
  return readyAt !== null;
}

export function isIdle(member: Member<unknown>): boolean {
  return isUp(member) && member.runs.size === 0;
}
