/** A progress report on its way from a task: only what it named. Times are milliseconds. */
export interface Report {
  /** When it was yielded. */
  at: number;
  progress?: number | null;
  done?: number;
  total?: number;
  unit?: string;
  stage?: string;
  message?: string;
  /** Stages that the task's definition names, with their weights. */
  stages?: readonly (readonly [name: string, weight: number])[];
}
