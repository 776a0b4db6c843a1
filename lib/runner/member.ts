/**
 * A task process, as one of those of its module.
 *
 * @module
 */

import type { AwakeTimer } from "../base/awake_timer.ts";
import type { Semaphore } from "../base/semaphore.ts";
import type { TaskProcess } from "./task_process.ts";

/**
 * What a process is for: all runs; runs of tasks whose processes died (a ward); or a single run, with
 * which it ends.
 */
export type Use = "shared" | "ward" | "own";

export const USES: readonly Use[] = ["shared", "ward", "own"];

/** After how many deaths of its process a task runs in a ward, and after how many alone. */
const WARD_AFTER = 2;
const OWN_AFTER = 5;

/**
 * Where a task runs whose processes died so many times. Tasks that ran beside the cause have as many
 * deaths as the cause. They are spread over the wards, where the next death leaves only one ward's
 * tasks under suspicion, and so on until the cause is alone. Other tasks are not held up meanwhile.
 */
export function useOf(deaths: number): Use {
  return deaths < WARD_AFTER ? "shared" : deaths < OWN_AFTER ? "ward" : "own";
}

/** The processes of a module, as far as a run has to do with them. */
export interface MemberPool<Run> {
  /** The module's name. */
  readonly name: string;
  enter(member: Member<Run>, number: number, run: Run): void;
  /** A run is over: a process that is not shared ends with its last one. */
  release(member: Member<Run>, number: number): void;
  /** Kills a process; its other runs resume elsewhere. */
  kill(member: Member<Run>, because?: string): void;
}

/** A task process and what it runs. */
export interface Member<Run> {
  /** The pool that it belongs to. */
  readonly pool: MemberPool<Run>;
  readonly process: TaskProcess;
  /** Its runs, by number. */
  readonly runs: Map<number, Run>;
  /** What it is for; a `spare` one only checks inputs while the others are busy. */
  readonly use: Use | "spare";
  /** How many runs have entered it. */
  entries: number;
  /** When it had loaded its module, in monotonic milliseconds; `null` before. */
  readyAt: number | null;
  /** Kills it if it is not ready in time; later, lets it end when it is of no use. */
  readonly timer: AwakeTimer;
  /** Answers its requests, a few at a time. */
  readonly requests: Semaphore;
}

export function isUp({ readyAt }: Member<unknown>): boolean {
  return readyAt !== null;
}

export function isIdle(member: Member<unknown>): boolean {
  return isUp(member) && member.runs.size === 0;
}
