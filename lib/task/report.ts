/** A progress report on its way from a task: only what it named. Times are milliseconds. */
export interface Report {
  /** When it was yielded. */
  at: number;
  /** As in the record. */
  progress?: number | null;
  /** As in the record. */
  done?: number;
  /** As in the record. */
  total?: number;
  /** As in the record. */
  unit?: string;
  /** As in the record. */
  stage?: string;
  /** As in the record. */
  message?: string;
  /** Stages that the task's definition names, with their weights. */
  stages?: readonly (readonly [name: string, weight: number])[];
}
