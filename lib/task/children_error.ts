import type { TaskError } from "./record.ts";

/** How a child ended. */
export interface ChildOutcome<Result = unknown> {
  /** The state in which it ended. */
  status: "completed" | "failed" | "canceled";
  /** What the child returned; `null` unless it completed. */
  result: Result | null;
  /** Why the child failed; `null` if it did not. */
  error: TaskError | null;
  /** The child's id. */
  task_id: string;
}

/** Thrown by {@link ./children.ts children} when children failed or were canceled. */
export class ChildrenError extends Error {
  /** Always `"ChildrenError"`. */
  override name = "ChildrenError";
  /** How each child ended, in order. */
  readonly outcomes: readonly ChildOutcome[];

  /** Creates the error for the group of children of a name. */
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
