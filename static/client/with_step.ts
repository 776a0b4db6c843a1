import type { StepRow } from "../../lib/task/record.ts";

/** The steps with a new row of one of them, in the order in which the task came to them. */
export function withStep<Row extends StepRow>(steps: readonly Row[], row: Row): readonly Row[] {
  const at = steps.findIndex(({ name }) => name === row.name);
  return at < 0 ? [...steps, row] : steps.with(at, row);
}
