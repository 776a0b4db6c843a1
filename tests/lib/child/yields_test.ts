import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import fc from "fast-check";
import { log, output, progress, save } from "headway";
import { MAX_JSON } from "../../../lib/task/limits.ts";
import { readYield } from "../../../lib/child/yields.ts";
import { brief } from "../../../lib/task/text.ts";

const AT = 1_700_000_000_000;
const TIME = "2023-11-14T22:13:20.000Z";

function report(value: unknown): Record<string, unknown> {
  const yielded = readYield(value, AT);
  assert(yielded?.type === "progress");
  return { ...yielded.report };
}

function rowOf(value: unknown): Record<string, unknown> {
  const yielded = readYield(value, AT);
  assert(yielded !== null && yielded.type !== "progress");
  return JSON.parse(yielded.json);
}

function bytesOf(text: string): number {
  return new TextEncoder().encode(text).length;
}

const cyclic: Record<string, unknown> = {};
cyclic.self = cyclic;

/** Values that no task should yield, and that some task will. */
const hostile: unknown[] = [
  NaN,
  Infinity,
  -1,
  -Infinity,
  10n,
  true,
  null,
  Symbol("s"),
  () => {},
  {},
  [],
  [1],
  cyclic,
  new Date(),
  Object.create(null),
  { Progress: 1 },
];

Deno.test("readYield() takes a number as percent and a string as the message", () => {
  assertEquals(report(42), { at: AT, progress: 42 });
  assertEquals(report(1e9), { at: AT, progress: 100 });
  assertEquals(report("half"), { at: AT, message: "half" });
  assertEquals(report({ progress: 42, message: "m" }), { at: AT, progress: 42, message: "m" });
});

Deno.test("progress() and readYield() refuse a report that says nothing about progress", () => {
  // deno-lint-ignore no-explicit-any -- what a task in JavaScript may do
  const given = (value: unknown) => readYield(progress(value as any), AT);
  for (const value of [undefined, null, 50, "50%", 5n, Symbol("s"), () => {}, true]) {
    assertThrows(() => given(value), TypeError, "Cannot report progress as it takes an object");
  }
  for (const value of [{ percent: 50 }, { current: 1, max: 2 }, [50]]) {
    assertThrows(
      () => given(value),
      TypeError,
      "Cannot yield this progress as it must have one of",
    );
  }
});

Deno.test("readYield() takes all the fields of a report, and no others", () => {
  const all = { progress: null, done: 1, total: 2, unit: "rows", stage: "s", message: "m" };
  assertEquals(report(progress(all)), { at: AT, ...all });
  assertEquals(report(progress({})), { at: AT });
  assertEquals(report({ ...all, task_id: "forged", seq: 99, at: 0 }), { at: AT, ...all });
  assertEquals(report(progress({ done: 0.5 })), { at: AT, done: 0.5 });
  assertEquals(report(progress({ done: undefined } as object)), { at: AT });
  assertEquals(report({ progress: 5, message: null }), { at: AT, progress: 5 });
});

Deno.test("readYield() takes undefined as a plain pause", () => {
  assertEquals(readYield(undefined, AT), null);
});

Deno.test("readYield() makes rows of log() and output(), and a checkpoint of save()", () => {
  assertEquals(rowOf(log("hello")), { level: "info", message: "hello", time: TIME });
  assertEquals(rowOf(log("late", { level: "warn", row: 7 })), {
    level: "warn",
    message: "late",
    time: TIME,
    data: { row: 7 },
  });
  assertEquals(rowOf(output([1, 2])), { data: [1, 2], time: TIME });
  assertEquals(rowOf(output(undefined)), { data: null, time: TIME });
  assertEquals(readYield(save({ at: 3 }), AT), { type: "save", json: '{"at":3}' });
  assertEquals(readYield(save(undefined), AT), { type: "save", json: "null" });
});

Deno.test("readYield() refuses any other value, and briefly says what is wrong", () => {
  for (const value of hostile) {
    const message = assertThrows(() => readYield(value, AT), TypeError).message;
    assertStringIncludes(message, "Cannot yield this");
    assert(message.length < 300);
  }
});

Deno.test("readYield() refuses progress that is not a number from 0", () => {
  for (const field of ["progress", "done", "total"]) {
    for (const value of [NaN, Infinity, -1, 10n, "5", {}, cyclic, () => {}]) {
      assertThrows(
        () => readYield({ [field]: value }, AT),
        TypeError,
        `'${field}' must be a number from 0`,
      );
    }
  }
  assertThrows(() => readYield({ done: null }, AT), TypeError, "'done'");
});

Deno.test("readYield() cuts long texts between characters, and marks the cut", () => {
  const max = { message: 4096, stage: 256, unit: 64 };
  const text = fc.string({ unit: "grapheme", size: "max", maxLength: 6000 });
  fc.assert(
    fc.property(
      text,
      fc.constantFrom<keyof typeof max>("message", "stage", "unit"),
      (text, name) => {
        const cut = report({ [name]: text })[name] as string;
        if (text.length <= max[name]) return assertEquals(cut, text);
        assert(cut.length <= max[name] && cut.endsWith("…"));
        assert(text.startsWith(cut.slice(0, -1)) && cut.isWellFormed());
      },
    ),
  );
});

Deno.test("brief() bounds the length of a text and of its JSON, whatever characters it has", () => {
  const text = fc.string({
    unit: fc.constantFrom("a", "€", "\0", "\n", '"', "\ud800", "😀"),
    maxLength: 300,
  });
  fc.assert(
    fc.property(text, fc.integer({ min: 10, max: 200 }), (text, length) => {
      const short = brief(text, length);
      assert(short.length <= length && JSON.stringify(short).length <= 2 * length + 2);
      if (short === text) return;
      assert(short.endsWith("…") && text.startsWith(short.slice(0, -1)));
    }),
  );
});

Deno.test("readYield() takes a log row of any size and content, and makes it fit", () => {
  const anything = fc.anything({ withBigInt: true, withDate: true, withNullPrototype: true });
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), anything, (message, value) => {
      const row = rowOf(log(message, { value }));
      assertEquals(row.message, message);
    }),
  );
  for (const unit of ["x", "€", "😀", "\0", "\ud800", '"']) {
    for (const length of [10_000, 48_000, 60_000, 200_000]) {
      const yielded = readYield(log(unit.repeat(length), { level: "error", data: 1 }), AT);
      assert(yielded?.type === "log");
      assert(bytesOf(yielded.json) <= MAX_JSON);
      const row = JSON.parse(yielded.json);
      assertEquals([row.level, row.time], ["error", TIME]);
      if (row.truncated) assert(row.message.endsWith("…") && row.message.length > 1000);
    }
  }
});

Deno.test("readYield() never fails on a log row, whatever message, level and data it was given", () => {
  const given: unknown[] = [...hostile, undefined, { toJSON: () => cyclic }];
  for (const value of given) {
    const row = rowOf(log("kept", { value }));
    assertEquals([row.message, row.level], ["kept", "info"]);
    // deno-lint-ignore no-explicit-any -- what a task in JavaScript may do
    assertEquals(typeof rowOf(log(value as any)).message, "string");
    // deno-lint-ignore no-explicit-any -- likewise
    assertEquals(rowOf(log("kept", { level: value as any })).level, "info");
    const bare = { ...log("kept"), data: value };
    assertEquals(rowOf(bare).message, "kept");
  }
});
