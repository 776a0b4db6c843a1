import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { defineTask, isTask, log, output, progress, save, yieldType } from "headway";

const run = async function* () {
  yield 1;
};

Deno.test("defineTask() fills in the defaults and cannot be changed after", () => {
  const task = defineTask({ kind: "a", run });
  assertEquals(task.retry, { maxAttempts: 1, baseMs: 1000, capMs: 60_000 });
  assertEquals([task.timeout, task.concurrency, task.isolate], [undefined, undefined, false]);
  assert(Object.isFrozen(task));
});

Deno.test("defineTask() names the option that is wrong, and what it is", () => {
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
  ];
  for (const [options, name] of wrong) {
    const all = { kind: "a", run, ...options } as Parameters<typeof defineTask>[0];
    assertStringIncludes(assertThrows(() => defineTask(all), TypeError).message, name);
  }
});

Deno.test("isTask() knows definitions, also of another copy of the module, and nothing else", () => {
  assert(isTask(defineTask({ kind: "a", run })));
  assert(isTask({ [Symbol.for("headway.task")]: true }));
  for (const value of [null, undefined, {}, run, "task", { kind: "a" }]) assert(!isTask(value));
});

Deno.test("yieldType() tells what was made by which of Headway's own", () => {
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

Deno.test("defineTask() takes stages with their weights, and refuses what are none", () => {
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
