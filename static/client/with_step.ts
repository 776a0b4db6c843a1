import type { StepRow } from "../../lib/task/record.ts";

/** The steps with one row added or replaced, in the order in which the task reached them. */
export function withStep<Row extends StepRow>(steps: readonly Row[], row: Row): readonly Row[] {
  const at = steps.findIndex(({ name }) => name === row.name);
  return at < 0 ? [...steps, row] : steps.with(at, row);
}
