/**
 * How many rows a task has stored, and how many bytes they take.
 *
 * @module
 */

import type { Row, RowType } from "./event.ts";
import { withOutput } from "./rewind.ts";
import type { Task } from "./task.ts";

/** The task with one more row, of this many bytes. */
export function withRow(task: Task, { type, seq }: Pick<Row, "type" | "seq">, bytes: number): Task {
  if (type === "step") return { ...task, steps: (task.steps ?? 0) + 1 };
  const { rows, rowBytes, outputs, outputBytes } = task;
  const counted = { ...task, rows: rows + 1, rowBytes: rowBytes + bytes };
  if (type !== "output") return counted;
  return { ...withOutput(counted, seq), outputs: outputs + 1, outputBytes: outputBytes + bytes };
}

/** The task after this many rows of a type were removed. */
export function withoutRows(
  task: Task,
  { type, rows, bytes }: { type: RowType; rows: number; bytes: number },
): Task {
  return {
    ...task,
    rows: less(task.rows, rows),
    rowBytes: less(task.rowBytes, bytes),
    ...(type === "log" ? {} : {
      outputs: less(task.outputs, rows),
      outputBytes: less(task.outputBytes, bytes),
    }),
  };
}

/** Never negative: older versions counted no bytes, or counted outputs as logs. */
function less(from: number, count: number): number {
  return Math.max(0, from - count);
}
