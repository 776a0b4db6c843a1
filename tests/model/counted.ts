import type { EventRow } from "../helpers/api.ts";

/** An event with its `seq`. */
type Placed = Pick<EventRow, "seq" | "event" | "data">;

/** Whether a rewind among these rows took an output back. */
export function isTakenBack(seq: number, rows: readonly Placed[]): boolean {
  return rows.some((row) => row.event === "rewind" && row.data.after < seq && seq < row.seq);
}

/** The numbers of the outputs among these events that were not taken back, in order. */
export function countedOutputs(events: readonly Placed[]): number[] {
  return events.flatMap(({ seq, event, data }) =>
    event === "output" && !isTakenBack(seq, events) ? [data.data.row] : []
  );
}

/** Whether each number is one more than the one before it. */
export function areConsecutive(numbers: readonly number[]): boolean {
  return numbers.every((n, at) => at === 0 || n === numbers[at - 1]! + 1);
}
