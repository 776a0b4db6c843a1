import { assert, assertEquals } from "@std/assert";
import type { EventRow } from "../helpers/api.ts";

/**
 * Asserts that the rows of a `numbered` task have its numbers in order from each checkpoint, whatever
 * happened to it.
 *
 * @returns How often it was started.
 */
export function checkRows(
  rows: readonly EventRow[],
  { every, count }: { every: number; count: number },
) {
  const seqs = rows.map(({ seq }) => seq);
  assertEquals(seqs, [...new Set(seqs)].toSorted((a, b) => a - b));
  assertEquals(rows.filter(({ event }) => event === "complete").length, 1);
  assertEquals(rows.at(-1)?.event, "complete");
  let last = 0;
  let starts = 0;
  for (const { event, data } of rows) {
    if (event === "log" && data.data?.from !== undefined) {
      const { from, attempt } = data.data;
      // A checkpoint may be stored later than its row, but no later than the next row.
      const honored = [Math.floor((last - 1) / every), Math.floor(last / every)]
        .map((n) => Math.max(0, n * every));
      assert(honored.includes(from), `it went on from ${from} when ${last} rows were stored`);
      assertEquals(attempt, 1);
      last = from;
      starts++;
    } else if (event === "log" && data.data?.row !== undefined) {
      assertEquals(data.data.row, last + 1);
      last++;
    }
  }
  assertEquals(last, count);
  return starts;
}
