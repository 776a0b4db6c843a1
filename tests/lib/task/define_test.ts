import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { defineTask, isTask, log, output, progress, save, yieldType } from "headway";

const run = async function* () {
  yield 1;
};

Deno.test("defineTask() fills in the defaults and returns a frozen definition", () => {
  const task = defineTask({ kind: "a", run });
  assertEquals(task.retry, { maxAttempts: 1, baseMs: 1000, capMs: 60_000 });
  assertEquals([task.timeout, task.concurrency, task.isolate], [undefined, undefined, false]);
  assert(Object.isFrozen(task));
});

Deno.test("defineTask() throws a TypeError that names the invalid option", () => {
  const wrong: [Record<string, unknown>, string][] = [
    [{ kind: "Upper" }, "'kind'"],
    [{ kind: "" }, "'kind'"],
    [{ kind: "x".repeat(65) }, "'kind'"],
    [{ kind: undefined }, "'kind'"],
    [{ retry: { maxAttempts: 0 } }, "'retry.maxAttempts'"],
    [{ retry: { maxAttempts: 1.5 } }, "'retry.maxAttempts'"],
    [{ retry: { baseMs: -1 } }, "'retry.baseMs'"],
    [{ retry: { capMs: NaN } }, "'retry.capMs'"],
    [{ timeout: 0 }, "'timeout'"],
    [{ timeout: Infinity }, "'timeout'"],
    [{ concurrency: 0 }, "'concurrency'"],
    [{ concurrency: 2.5 }, "'concurrency'"],
    [{ run: 5 }, "'run'"],
    [{ version: 0 }, "'version'"],
    [{ version: 1.5 }, "'version'"],
    [{ version: "2" }, "'version'"],
    [{ migrate: () => ({}) }, "'migrate'"],
    [{ version: 2, migrate: {} }, "'migrate'"],
    [{ input: {} }, "'input'"],
    [{ checkpoint: { offset: 0 } }, "'checkpoint'"],
    [{ checkpoint: null }, "'checkpoint'"],
    [{ schedule: "30 2 * * *" }, "'schedule'"],
    [{ schedule: {} }, "'schedule.cron'"],
    [{ schedule: { cron: "30 2 * *" } }, "'schedule.cron'"],
    [{ schedule: { cron: "30 2 * * *", zone: "+01:00" } }, "'schedule.zone'"],
    [{ schedule: { cron: "30 2 * * *", missed: "none" } }, "'schedule.missed'"],
    [{ schedule: { cron: "30 2 * * *", overlap: 1 } }, "'schedule.overlap'"],
    [{ schedule: { cron: "30 2 * * *", jitter: { days: 2 } } }, "'schedule.jitter'"],
    [{ schedule: { cron: "30 2 * * *", input: 1n } }, "'schedule.input'"],
    [{ schedule: { cron: "30 2 * * *", overlaps: "skip" } }, "overlaps"],
  ];
  for (const [options, name] of wrong) {
    const all = { kind: "a", run, ...options } as Parameters<typeof defineTask>[0];
    assertStringIncludes(assertThrows(() => defineTask(all), TypeError).message, name);
  }
});

Deno.test("isTask() is true only for task definitions, including those of another copy of the module", () => {
  assert(isTask(defineTask({ kind: "a", run })));
  assert(isTask({ [Symbol.for("headway.task")]: true }));
  for (const value of [null, undefined, {}, run, "task", { kind: "a" }]) assert(!isTask(value));
});

Deno.test("yieldType() names the Headway function that made a value, and is undefined for other values", () => {
  assertEquals([progress({}), log(""), output(1), save(1)].map(yieldType), [
    "progress",
    "log",
    "output",
    "save",
  ]);
  for (const value of [1, "x", null, undefined, { progress: 1 }]) {
    assertEquals(yieldType(value), undefined);
  }
});

Deno.test("log() takes the level out of its fields", () => {
  const row = log("m", { level: "error", a: 1 });
  assertEquals([row.level, row.message, row.data], ["error", "m", { a: 1 }]);
});

Deno.test("defineTask() normalizes the webhook targets in 'notify', and refuses invalid ones", () => {
  const define = (notify: unknown) =>
    defineTask({ kind: "k", notify: notify as [], async *run() {} }).notify;
  assertEquals(define(undefined), undefined);
  assertEquals(
    define([{ url: "HTTPS://a.example:443/x#y" }, { url: "http://b", on: ["started"] }]),
    [
      { url: "https://a.example/x#y", on: ["completed", "failed", "canceled"] },
      { url: "http://b/", on: ["started"] },
    ],
  );
  const wrong: [notify: unknown, field: string][] = [
    [{}, "'notify' must be a list of at most 5"],
    [Array(6).fill({ url: "http://a" }), "'notify' must be a list of at most 5"],
    [[null], "'notify.0' must be an object"],
    [[{ url: 5 }], "'notify.0.url' must be an http or https URL"],
    [
      [{ url: "http://a" }, { url: "http://me@a" }],
      "'notify.1.url' must be a URL without a user name",
    ],
    [[{ url: "http://a", on: [] }], "'notify.0.on' must be a list"],
    [[{ url: "http://a", on: "failed" }], "'notify.0.on' must be a list"],
    [[{ url: "http://a", on: ["ended"] }], "'notify.0.on' must be a list"],
    [[{ url: "http://a", secret: "s" }], "'notify.0.secret' must be 'whsec_'"],
    [[{ url: "http://a", secrets: [] }], "'notify.0.secrets' is not a known field"],
  ];
  for (const [notify, sentence] of wrong) {
    assertThrows(() => define(notify), TypeError, `Cannot define task 'k' as ${sentence}`);
  }
});

Deno.test("defineTask() takes stages with positive weights, and refuses anything else", () => {
  const define = (stages: Record<string, number>) =>
    defineTask({ kind: "k", stages, async *run() {} });
  assertEquals(define({ download: 1, parse: 3 }).stages, { download: 1, parse: 3 });
  const many = Object.fromEntries(Array.from({ length: 21 }, (_, n) => [`s${n}`, 1]));
  const wrong: unknown[] = [
    {},
    [],
    7,
    { a: 0 },
    { a: NaN },
    { "": 1 },
    { ["x".repeat(65)]: 1 },
    many,
  ];
  for (const stages of wrong) {
    assertThrows(() => define(stages as Record<string, number>), TypeError, "'stages'");
  }
});

Deno.test("defineTask() names the invalid part of 'concurrency', 'rate' or 'debounce'", () => {
  const key = () => "a";
  const wrong: [options: object, said: string][] = [
    [{ concurrency: { limit: 0, key } }, "'concurrency.limit'"],
    [{ concurrency: { limit: 1 } }, "'concurrency.key' must be a function"],
    [{ concurrency: null }, "'concurrency'"],
    [{ rate: { limit: 10_001, per: 1000 } }, "'rate.limit' must be a whole number from 1 to 10000"],
    [{ rate: { limit: 1, per: { days: 2 } } }, "'rate.per'"],
    [{ rate: { limit: 1, per: 1000, key: "a" } }, "'rate.key'"],
    [{ debounce: { wait: 0, key } }, "'debounce.wait'"],
    [{ debounce: { wait: 1000 } }, "'debounce.key'"],
  ];
  for (const [options, said] of wrong) {
    const error = assertThrows(
      () => defineTask({ kind: "k", ...options, async *run() {} }),
      TypeError,
    );
    assertStringIncludes(error.message, said);
  }
});
