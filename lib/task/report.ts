import type { Progress } from "./yield.ts";

/** A progress report on its way from a task: only what it named. Times are milliseconds. */
export interface Report extends Progress {
  /** When it was yielded. */
  at: number;
  /** Stages that the task's definition names, with their weights. */
  stages?: readonly (readonly [name: string, weight: number])[];
}
