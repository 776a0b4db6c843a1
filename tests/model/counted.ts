import type { EventRow } from "../helpers/api.ts";

/** An event by its place: as a history has it. */
type Placed = Pick<EventRow, "seq" | "event" | "data">;

/** Whether a rewind among these rows took an output back. */
export function isTakenBack(seq: number, rows: readonly Placed[]): boolean {
  return rows.some((row) => row.event === "rewind" && row.data.after < seq && seq < row.seq);
}

/** The numbers of the outputs that count, in order, for whoever knows these events. */
export function countedOutputs(events: readonly Placed[]): number[] {
  return events.flatMap(({ seq, event, data }) =>
    event === "output" && !isTakenBack(seq, events) ? [data.data.row] : []
  );
}

/** Whether none is missing between two, and none is there twice. */
export function areConsecutive(numbers: readonly number[]): boolean {
  return numbers.every((n, at) => at === 0 || n === numbers[at - 1]! + 1);
}
