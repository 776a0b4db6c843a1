import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Report } from "../../../lib/task/report.ts";
import { MAX_STAGES } from "../../../lib/task/stages.ts";
import { applyReport } from "../../../lib/task/apply_report.ts";
import { newTask } from "../../../lib/task/new_task.ts";
import type { Task } from "../../../lib/task/task.ts";
import { transition } from "../../../lib/task/transition.ts";

const SPEC = { id: "x", kind: "k", maxAttempts: 3, priority: 0, runAt: 0, timeoutMs: null };

type Said = Omit<Report, "at">;

/** The record after these reports. */
function after(...reports: Said[]) {
  return reports.reduce((task, report) => applyReport(task, { at: 1, ...report }), newTask(SPEC, 0))
    .record;
}

/** Each stage as `name done/total percent`. */
function bars(...reports: Said[]): string[] | undefined {
  return after(...reports).stages?.map(({ name, done, total, progress }) =>
    `${name} ${done}/${total} ${progress}`
  );
}

const WEIGHTS: Report["stages"] = [["download", 1], ["parse", 3]];

Deno.test("applyReport() gives a stage its own bar once it starts to count from its beginning", () => {
  const download = { stage: "download", done: 100, total: 100, unit: "bytes" };
  const ways: Said[][] = [
    [download, { stage: "parse", done: 0, total: 100 }],
    // The stage is named first, and counts later.
    [download, { stage: "parse" }, { done: 0, total: 100 }],
    [download, { stage: "parse", message: "m" }, { total: 100, done: 0 }],
  ];
  for (const reports of ways) {
    assertEquals(bars(...reports), ["download 100/100 100", "parse 0/100 0"]);
    const { progress, done, total } = after(...reports);
    // The number of stages is unknown, so there is no overall percent.
    assertEquals([progress, done, total], [null, 0, 100]);
  }
  const percents: Said[] = [{ stage: "a", progress: 100 }, { stage: "b", progress: 10 }];
  assertEquals(bars(...percents), ["a null/null 100", "b null/null 10"]);
  const another: Said[] = [{ stage: "a", done: 5, total: 5 }, { stage: "b", done: 9, total: 900 }];
  assertEquals(bars(...another), ["a 5/5 100", "b 9/900 1"]);
});

Deno.test("applyReport() makes no bars for stages while one count goes through all of them", () => {
  const reports: Said[] = [
    { stage: "read", done: 50, total: 100 },
    { stage: "write" },
    { done: 51 },
    { stage: "check", done: 90, total: 100 },
  ];
  const { stages, progress } = after(...reports);
  assertEquals([stages, progress], [undefined, 90]);
});

Deno.test("applyReport() computes the overall percent from the weights of the stages", () => {
  assertEquals(bars({ stages: WEIGHTS }), ["download null/null null", "parse null/null null"]);
  const wholes = (...reports: Said[]) =>
    reports.map((_, n) => after({ stages: WEIGHTS }, ...reports.slice(0, n + 1)).progress);
  assertEquals(
    wholes(
      { stage: "download", done: 50, total: 100 },
      { done: 100 },
      { stage: "parse", done: 0, total: 9 },
      { done: 3 },
      { done: 9 },
    ),
    [12.5, 25, 25, 50, 100],
  );
  // A declared stage without progress of its own counts as done when the next one begins.
  assertEquals(wholes({ stage: "download" }, { stage: "parse" }, { progress: 50 }), [0, 25, 62.5]);
  // A stage that was not declared has no weight.
  assertEquals(wholes({ stage: "extra", done: 1, total: 1 }, { stage: "parse", progress: 50 }), [
    0,
    37.5,
  ]);
  // After a crash the run declares its stages again.
  const half: Said = { stage: "parse", progress: 50 };
  assertEquals(bars({ stages: WEIGHTS }, half, { stages: WEIGHTS }), [
    "download null/null null",
    "parse null/null 50",
  ]);
});

Deno.test("applyReport() bounds the number of stages and the length of their names", () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ stage: fc.string({ maxLength: 300 }), done: fc.nat(3) }), {
        minLength: 50,
        maxLength: 60,
      }),
      (reports) => {
        const { stages = [] } = after({ stages: WEIGHTS }, ...reports);
        assert(stages.length <= MAX_STAGES && stages.every(({ name }) => name.length <= 64));
        assertEquals(stages.slice(0, 2).map(({ name }) => name), ["download", "parse"]);
        assertEquals(new Set(stages.map(({ name }) => name)).size, stages.length);
      },
    ),
  );
});

Deno.test("transition() starts a new attempt without the stages of the last one", () => {
  let task: Task = newTask(SPEC, 0);
  const change = (change: Parameters<typeof transition>[1]) => {
    const result = transition(task, change, 1);
    assert(result.ok);
    task = result.task;
  };
  change({ type: "start", owner: "s" });
  task = applyReport(task, { at: 1, stages: WEIGHTS, stage: "parse", done: 1, total: 2 });
  change({ type: "interrupt", died: false });
  change({ type: "start", owner: "s" });
  // An interrupted task continues the same attempt.
  assertEquals(task.record.stages?.length, 2);
  change({ type: "fail", error: { name: "E", message: "m" }, retryAfterMs: 0 });
  change({ type: "start", owner: "s" });
  assert(!("stages" in task.record));
});
