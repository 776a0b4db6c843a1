import { assert, assertEquals } from "@std/assert";
import type { EventRow } from "../helpers/api.ts";

/**
 * Asserts what the rows of a `numbered` task must be, whatever befell it: its numbers in order from
 * each checkpoint.
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
      // A checkpoint travels behind its row: with the next one stored it must be there.
      const honoured = [Math.floor((last - 1) / every), Math.floor(last / every)]
        .map((n) => Math.max(0, n * every));
      assert(honoured.includes(from), `it went on from ${from} when ${last} rows were stored`);
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
