import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import fc from "fast-check";
import {
  countLevel,
  filterChunks,
  type Level,
  LEVELS,
  logFilter,
  matches,
} from "../../../static/task/log_filter.ts";
import { appendRows, type LogRow, type LogRows, NO_ROWS } from "../../../static/task/log_rows.ts";
import { rowLine } from "../../../static/task/log_text.ts";
import { stateRow } from "../records.ts";

const time = "2030-01-01T00:00:00.000Z";

function logged(seq: number, level: string, message: string, data: string | null = null): LogRow {
  return { type: "log", seq, time, level, message, data };
}

const ROWS: LogRow[] = [
  stateRow(1, time, { status: "pending", attempt: 0 }),
  logged(2, "debug", "Opened [a.b]"),
  logged(3, "info", "row 7", '{"key":"Straße"}'),
  logged(4, "warn", "skipped"),
  { type: "output", seq: 5, time, data: { sum: 7 }, text: '{"sum":7}' },
  logged(6, "error", "It broke"),
  stateRow(7, time, { status: "failed", error: { name: "RangeError", message: "beyond" } }),
];
const LOG: LogRows = appendRows(NO_ROWS as LogRows, ROWS);

function found(level: Level, text = ""): number[] {
  return filterChunks(LOG, logFilter(level, text)).flatMap(({ rows }) =>
    rows.map(({ seq }) => seq)
  );
}

Deno.test("filterChunks() shows a level and those above it", () => {
  assertStrictEquals(filterChunks(LOG, logFilter()), LOG.chunks);
  assertEquals(found("info"), [1, 3, 4, 5, 6, 7]);
  assertEquals(found("warn"), [4, 6]);
  assertEquals(found("error"), [6]);
  assertEquals(LEVELS.map((level) => countLevel(LOG, level)), [1, 1, 1, 1]);
});

Deno.test("filterChunks() finds a literal text, in any case, in every part of a row that is shown", () => {
  assertEquals(found("debug", "[A.B]"), [2]);
  assertEquals(found("debug", "straße"), [3]);
  assertEquals(found("debug", "7"), [3, 5]);
  assertEquals(found("debug", "failed · attempt 1"), [7]);
  assertEquals(found("warn", "7"), []);
  assertEquals(found("debug", ".*"), []);
});

Deno.test("filterChunks() shows a rewind at the level of states and outputs, and finds its text", () => {
  const log = appendRows(NO_ROWS as LogRows, [{ type: "rewind", seq: 1, time }]);
  const shown = (level: Level, text = "") => filterChunks(log, logFilter(level, text)).length;
  assertEquals([shown("info"), shown("warn")], [1, 0]);
  assertEquals([shown("debug", "last Checkpoint"), shown("debug", "x7")], [1, 0]);
});

Deno.test("filterChunks() filters each full chunk only once", () => {
  const rows = Array.from({ length: 250 }, (_, n) => logged(n + 1, n % 2 ? "warn" : "info", "x"));
  const filter = logFilter("warn");
  const before = appendRows(NO_ROWS as LogRows, rows);
  const first = filterChunks(before, filter);
  const after = filterChunks(appendRows(before, [logged(251, "warn", "x")]), filter);
  assertStrictEquals(after[0], first[0]);
  assertStrictEquals(after[1], first[1]);
  assertEquals(after[2]!.rows.length, first[2]!.rows.length + 1);
});

Deno.test("matches() finds every match, also after the same pattern has filtered rows", () => {
  const filter = logFilter("debug", "e");
  assertEquals(filterChunks(LOG, filter).flatMap(({ rows }) => rows.length), [6]);
  assertEquals(matches("eel", filter.pattern), ["", "e", "", "e", "l"]);
});

Deno.test("matches() splits a text without loss, and every other part is a match", () => {
  const text = fc.string({ unit: "grapheme" });
  fc.assert(fc.property(text, fc.string({ minLength: 1, maxLength: 2 }), (text, wanted) => {
    const { pattern } = logFilter("debug", wanted);
    const parts = matches(text + wanted + text, pattern);
    assertEquals(parts.join(""), text + wanted + text);
    const marked = parts.filter((_, n) => n % 2 === 1);
    assert(marked.length > 0);
    assert(marked.every((part) => part.toLowerCase() === wanted.toLowerCase()));
  }));
});

Deno.test("rowLine() begins with time and level, and indents further lines", () => {
  assertEquals(
    rowLine(logged(1, "warn", "one\r\ntwo\rthree\n", '{"a":1}')),
    [
      `${time} WARN   one`,
      "    two",
      "    three",
      '     {"a":1}',
    ].join("\n"),
  );
  assertEquals(rowLine(logged(1, "info", "plain")), `${time} INFO   plain`);
  assertEquals(rowLine(ROWS[4]!), `${time} OUTPUT {"sum":7}`);
  assertEquals(rowLine(ROWS[6]!), `${time} STATE  Failed · attempt 1 · RangeError: beyond`);
});
