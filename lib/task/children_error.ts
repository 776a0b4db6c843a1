import type { TaskError } from "./record.ts";

/** What came of a child. */
export interface ChildOutcome<Result = unknown> {
  /** How it ended. */
  status: "completed" | "failed" | "canceled";
  /** What it returned; `null` unless it completed. */
  result: Result | null;
  /** Why it failed; `null` where it did not. */
  error: TaskError | null;
  /** Its id. */
  task_id: string;
}

/** Children failed, or were canceled. Thrown by {@link ./children.ts children}. */
export class ChildrenError extends Error {
  /** Always `"ChildrenError"`. */
  override name = "ChildrenError";
  /** What came of each child, in order. */
  readonly outcomes: readonly ChildOutcome[];

  /** Of the group of a name. */
  constructor(group: string, outcomes: readonly ChildOutcome[]) {
    const missed = outcomes.filter(({ status }) => status !== "completed");
    const [first] = missed;
    const why = missed.find(({ error }) => error !== null)?.error ?? null;
    super(
      `${missed.length} of ${outcomes.length} children of '${group}' have no result: ` +
        (why === null ? `task ${first?.task_id} was ${first?.status}` : why.message),
      why === null ? {} : { cause: Object.assign(new Error(why.message), { name: why.name }) },
    );
    this.outcomes = outcomes;
  }
}
