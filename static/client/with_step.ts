import type { StepRow } from "../../lib/task/record.ts";

/** How it stands with each step after one more word of it, in the order in which they were come to. */
export function withStep<Row extends StepRow>(steps: readonly Row[], row: Row): readonly Row[] {
  const at = steps.findIndex(({ name }) => name === row.name);
  return at < 0 ? [...steps, row] : steps.with(at, row);
}
