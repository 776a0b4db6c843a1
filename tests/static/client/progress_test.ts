import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { TaskRecord } from "headway";
import { describe, type Known } from "../../../static/client/progress/describe.ts";
import { Format } from "../../../static/client/progress/format.ts";
import { wordsOf } from "../../../static/client/progress/words.ts";
import { record } from "../records.ts";

const NOW = Date.parse("2030-01-01T12:00:00.000Z");

function known(fields: Partial<TaskRecord> | null, more: Partial<Known> = {}): Known {
  return {
    record: fields && record(fields),
    cameAt: NOW,
    error: null,
    connection: "live",
    label: null,
    language: "en",
    ...more,
  };
}

const HALF = {
  status: "running",
  progress: 50.9,
  done: 1_400_000,
  total: 2_800_000,
  unit: "bytes",
  stage: "read",
  message: "row 7",
  eta_ms: 80_000,
  rate: 17_500,
} as const;

Deno.test("describe() shows the progress of a task in the language of the page", () => {
  const { barLabel, announce, ...shown } = describe(known(HALF), NOW + 5000);
  assertEquals(shown, {
    locale: "en",
    state: "running",
    label: "demo",
    status: "Running",
    value: 50.9,
    percent: "50%",
    amount: "1.4 MB / 2.8 MB · 17.5 kB/s",
    time: "1m 15s left",
    message: "read: row 7",
    connection: "",
  });
  assertEquals([barLabel, announce], ["Progress of demo", "demo, Running, 50%"]);
  const chinese = describe(known(HALF, { language: "zh-Hans-CN", label: "导入" }), NOW);
  assertEquals(
    [chinese.status, chinese.time, chinese.barLabel, chinese.announce],
    ["运行中", "剩余 1分钟 20秒", "导入 的进度", "导入，运行中，50%"],
  );
});

Deno.test("describe() fits its value and its texts to the state of the task", () => {
  const shown = (fields: Parameters<typeof known>[0], more?: Partial<Known>, at = NOW) => {
    const { state, status, value, percent, time, message, connection } = describe(
      known(fields, more),
      at,
    );
    return { state, status, value, percent, time, message, connection };
  };
  const none = { percent: "", time: "", message: "", connection: "" };
  assertEquals(shown(null), { ...none, state: "loading", status: "Loading…", value: null });
  assertEquals(shown(null, { error: new Error("There is no task") }), {
    ...none,
    state: "error",
    status: "Not available",
    value: null,
    message: "There is no task",
  });
  assertEquals(shown({ status: "pending", run_at: "2030-01-02T12:00:00.000Z" }).value, 0);
  assert(/^starts at Jan 2, 2030/.test(
    shown({ status: "pending", attempt: 0, run_at: "2030-01-02T12:00:00.000Z" }).time,
  ));
  const retried = { status: "pending", attempt: 1, run_at: "2030-01-01T12:00:05.000Z" } as const;
  assert(/^next attempt at \d/.test(shown(retried).time));
  assertEquals(shown({ status: "running", progress: null }).value, null);
  // Progress 0 without a count means that the task has reported no progress.
  const untold = shown({ status: "running", progress: 0, done: null, total: null });
  assertEquals([untold.value, untold.percent], [null, ""]);
  const failed = shown({ status: "failed", progress: 0, done: null, total: null });
  assertEquals([failed.value, failed.percent], [0, ""]);
  assertEquals(shown({ status: "running", cancel_requested: true }).status, "Canceling…");
  assertEquals(shown({ status: "running" }, { connection: "waiting" }).connection, "Reconnecting…");
  const ended = {
    started_at: "2030-01-01T11:58:39.000Z",
    finished_at: "2030-01-01T12:00:00.000Z",
  };
  const { value, time } = shown({ ...ended, status: "completed", progress: null });
  assertEquals([value, time], [100, "took 1m 21s"]);
  const error = { name: "TypeError", message: "no rows" };
  assertEquals(shown({ ...ended, status: "failed", error }).message, "TypeError: no rows");
  // An estimate that has passed is dropped 3 s later.
  for (const [late, text] of [[0, "2s left"], [1800, "almost done"], [6000, ""]] as const) {
    const fields = { status: "running", eta_ms: 2000, progress: 97 } as const;
    assertEquals(shown(fields, {}, NOW + late).time, text);
  }
});

Deno.test("describe() announces a state, and each quarter of the progress, not every step", () => {
  const said = new Set<string>();
  for (let progress = 0; progress <= 100; progress += 0.5) {
    said.add(describe(known({ ...HALF, progress, message: `${progress}` }), NOW).announce);
  }
  assertEquals([...said], [
    "demo, Running",
    "demo, Running, 25%",
    "demo, Running, 50%",
    "demo, Running, 75%",
    "demo, Running, 100%",
  ]);
});

Deno.test("describe() shows no NaN, undefined or null, whatever the record and the language", () => {
  const text = fc.oneof(fc.constant(null), fc.string({ unit: "binary" }));
  const count = fc.oneof(fc.constant(null), fc.double({ min: 0, noNaN: true }));
  fc.assert(fc.property(
    fc.constantFrom("pending", "running", "completed", "failed", "canceled"),
    fc.record({
      progress: fc.oneof(fc.constant(null), fc.double({ min: 0, max: 100, noNaN: true })),
      done: count,
      total: count,
      unit: text,
      stage: text,
      message: text,
      eta_ms: count,
      rate: count,
    }),
    fc.oneof(fc.constantFrom("", "zh", "de-CH", "EN_us", "zh-xx-"), fc.string()),
    (status, fields, language) => {
      const shown = describe(known({ ...fields, status }, { language }), NOW);
      assert(shown.value === null || (shown.value >= 0 && shown.value <= 100));
      for (const told of [shown.percent, shown.amount, shown.time]) {
        assert(!/NaN|undefined|null/.test(told.replaceAll(fields.unit ?? "", "")), told);
      }
    },
  ));
});

Deno.test("Format.duration() uses at most two units, and took() has a decimal below ten seconds", () => {
  const format = new Format("en");
  const cases = [[0, "0s"], [59_499, "59s"], [60_000, "1m"], [3_661_000, "1h 1m"], [
    90_061_000,
    "1d 1h",
  ], [3_605_000, "1h"]] as const;
  for (const [ms, text] of cases) assertEquals(format.duration(ms), text);
  assertEquals([format.took(4240), format.took(12_000)], ["4.2s", "12s"]);
});

Deno.test("wordsOf() finds words and a locale for any language tag, also an invalid one", () => {
  const found = (tag: string) => [wordsOf(tag).words.status.running, wordsOf(tag).locale];
  assertEquals(found("zh-CN"), ["运行中", "zh-CN"]);
  assertEquals(found("EN-gb"), ["Running", "en-GB"]);
  for (const other of ["", "fr", "zhx", "not a tag", "x_y"]) {
    assertEquals(found(other), ["Running", "en"], other);
  }
});

Deno.test("describe() computes the percent of counts that are nearly the largest numbers", () => {
  const fields = { progress: 0, done: 1.5e308, total: 1.6e308, unit: null, stage: null } as const;
  const more = { message: null, eta_ms: null, rate: null };
  const shown = describe(known({ ...fields, ...more, status: "completed" }, {}), NOW);
  assertEquals(shown.value, 93.75);
});
