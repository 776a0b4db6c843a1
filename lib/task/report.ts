import type { Progress } from "./yield.ts";

/** A progress report that a task yielded, with only the fields that it gave. */
export interface Report extends Progress {
  /** When it was yielded, milliseconds since the epoch. */
  at: number;
  /** The stages of the definition, with their weights. */
  stages?: readonly (readonly [name: string, weight: number])[];
}
