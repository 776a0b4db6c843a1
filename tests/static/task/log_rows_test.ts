import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import fc from "fast-check";
import {
  appendRows,
  CHUNK_ROWS,
  type LogRow,
  type LogRows,
  MAX_ROWS,
  MAX_SIZE,
  NO_ROWS,
  type OutputRow,
  takeBack,
} from "../../../static/task/log_rows.ts";

function rows(from: number, to: number, text = ""): OutputRow[] {
  const made: OutputRow[] = [];
  for (let seq = from; seq <= to; seq++) {
    made.push({ type: "output", seq, time: "", data: 1, text });
  }
  return made;
}

function seqs(log: LogRows): number[] {
  return log.chunks.flatMap((chunk) => chunk.rows.map((row) => row.seq));
}

Deno.test("appendRows() keeps every row once and in order, in batches of any size", () => {
  fc.assert(fc.property(fc.array(fc.integer({ min: 1, max: 250 }), { maxLength: 12 }), (sizes) => {
    let log: LogRows<OutputRow> = NO_ROWS;
    let next = 1;
    for (const size of sizes) {
      // Each batch repeats some rows that are known already, as after a reconnect.
      log = appendRows(log, rows(Math.max(1, next - 7), next + size - 1, "four"));
      next += size;
    }
    assertEquals(seqs(log), rows(1, next - 1).map(({ seq }) => seq));
    assertEquals([log.count, log.size], [next - 1, 4 * (next - 1)]);
    assert(log.chunks.slice(0, -1).every((chunk) => chunk.rows.length === CHUNK_ROWS));
    assertEquals(new Set(log.chunks.map(({ id }) => id)).size, log.chunks.length);
  }));
});

Deno.test("appendRows() does not change the log it is given, and reuses its full chunks", () => {
  const before = appendRows(NO_ROWS, rows(1, 150));
  const after = appendRows(before, rows(151, 160));
  assertEquals(seqs(before).length, 150);
  assertStrictEquals(after.chunks[0], before.chunks[0]);
  assertEquals(after.chunks[1]!.id, before.chunks[1]!.id);
  assert(after.chunks[1] !== before.chunks[1]);
  assertStrictEquals(appendRows(after, rows(1, 160)), after);
});

Deno.test("appendRows() drops the oldest rows beyond MAX_ROWS, and counts them", () => {
  let log: LogRows<OutputRow> = NO_ROWS;
  for (let at = 1; at <= 2 * MAX_ROWS; at += 37) log = appendRows(log, rows(at, at + 36));
  assert(log.count <= MAX_ROWS && log.count > MAX_ROWS - CHUNK_ROWS);
  assertEquals(log.count + log.dropped, log.lastSeq);
  assertEquals(seqs(log)[0], log.dropped + 1);
  assertEquals(seqs(log).length, log.count);
});

Deno.test("appendRows() drops the oldest rows beyond MAX_SIZE characters, too", () => {
  let log: LogRows<OutputRow> = NO_ROWS;
  const text = "x".repeat(48 * 1024);
  for (let at = 1; at <= 1000; at += 10) log = appendRows(log, rows(at, at + 9, text));
  assert(log.size <= MAX_SIZE && log.count > 100);
  assertEquals(log.count + log.dropped, 1000);
  assertEquals(seqs(log).at(-1), 1000);
});

Deno.test("takeBack() removes the outputs after a seq, and later rows can still be appended", () => {
  const mixed = fc.array(fc.boolean(), { minLength: 1, maxLength: 350 });
  fc.assert(fc.property(mixed, fc.nat(350), (isOutput, after) => {
    const all = isOutput.map((output, n): LogRow => {
      if (output) return { type: "output", seq: n + 1, time: "", data: 1, text: "four" };
      return { type: "log", seq: n + 1, time: "", level: "info", message: "abc", data: null };
    });
    const log = takeBack(appendRows<LogRow>(NO_ROWS, all), after);
    const left = all.filter(({ type, seq }) => type === "log" || seq <= after);
    const size = left.reduce((sum, { type }) => sum + (type === "log" ? 3 : 4), 0);
    assertEquals([log.count, log.size, log.dropped], [left.length, size, 0]);
    const more = rows(all.length + 1, all.length + 120);
    // Outputs that were taken back are not appended again.
    const later = appendRows<LogRow>(log, [...all, ...more]);
    assertEquals(seqs(later), [...left, ...more].map(({ seq }) => seq));
    assertEquals(new Set(later.chunks.map(({ id }) => id)).size, later.chunks.length);
  }));
  const log = appendRows(NO_ROWS, rows(1, 250));
  assertStrictEquals(takeBack(log, 250), log);
  const some = takeBack(log, 130);
  assertStrictEquals(some.chunks[0], log.chunks[0]);
});
