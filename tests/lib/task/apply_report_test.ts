import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { applyChildren, applyReport } from "../../../lib/task/apply_report.ts";
import { seqOf } from "../../../lib/task/json_text.ts";
import { newTask } from "../../../lib/task/new_task.ts";
import type { Report } from "../../../lib/task/report.ts";
import { transition } from "../../../lib/task/transition.ts";
import { after, change, frozen, SPEC } from "../../helpers/transitions.ts";

const report: fc.Arbitrary<Report> = fc.record({
  at: fc.nat(1e6),
  progress: fc.option(fc.double({ min: 0, max: 100, noNaN: true })),
  done: fc.nat(200),
  total: fc.nat(100),
  stage: fc.constantFrom("a", "b"),
  stages: fc.constantFrom([["a", 1] as const], [["b", 1] as const, ["c", 3] as const]),
}, { requiredKeys: ["at"] });

Deno.test("applyReport() keeps percent from ever falling within an attempt", () => {
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.record({ report }) },
    { weight: 1, arbitrary: fc.record({ change }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100, size: "max" }), (steps) => {
      let task = newTask(SPEC, 0);
      let highest = 0;
      for (const step of steps) {
        if ("report" in step) {
          if (task.record.status !== "running") continue;
          task = applyReport(frozen(task), step.report);
        } else {
          const attempt = task.record.attempt;
          const result = transition(task, step.change, 1);
          if (!result.ok) continue;
          task = result.task;
          if (task.record.attempt !== attempt) highest = 0;
        }
        const { progress, seq } = task.record;
        assertEquals(seqOf(JSON.stringify(task.record)), seq);
        if (progress === null) continue;
        assert(progress >= highest && progress <= 100, `${progress} after ${highest}`);
        highest = progress;
      }
    }),
    { numRuns: 1000 },
  );
});

Deno.test("applyReport() keeps 100 percent when a resumed task repeats its last steps", () => {
  let task = after(newTask(SPEC, 0), { type: "start", owner: "s1", slot: null }, 1);
  task = applyReport(task, { done: 7, total: 7, at: 2 });
  assertEquals(task.record.progress, 100);
  task = after(task, { type: "interrupt", died: true }, 3);
  task = after(task, { type: "start", owner: "s1", slot: null }, 4);
  const { progress, done } = applyReport(task, { done: 6, total: 7, at: 5 }).record;
  assertEquals([progress, done], [100, 6]);
});

Deno.test("applyReport() computes percent from done and total when a report gives no percent", () => {
  const running = newTask(SPEC, 0);
  const percent = (...reports: Omit<Report, "at">[]) =>
    reports.reduce((task, report) => applyReport(task, { at: 1, ...report }), running).record
      .progress;
  assertEquals(percent({ done: 3, total: 10 }), 30);
  assertEquals(percent({ total: 10 }, { done: 5 }), 50);
  assertEquals(percent({ done: 1, total: 3 }), 33.33);
  assertEquals(percent({ done: 5 }), null);
  assertEquals(percent({ done: 0, total: 0 }), null);
  assertEquals(percent({ done: 20, total: 10 }), 100);
  assertEquals(percent({ done: 1, total: 10, progress: 90 }), 90);
  assertEquals(percent({ progress: null }), null);
  assertEquals(percent({ message: "m" }), 0);
  // 100 percent needs all units: 99.99 is the most before that.
  assertEquals(percent({ done: 99_999_999, total: 100_000_000 }), 99.99);
  assertEquals(percent({ progress: 99.9999 }), 99.99);
  assertEquals(percent({ done: 100_000_000, total: 100_000_000 }), 100);
});

Deno.test("applyReport() changes only progress, updated_at and the fields that the report gives", () => {
  fc.assert(
    fc.property(report.filter(({ stages }) => stages === undefined), (report) => {
      const { record } = newTask(SPEC, 0);
      const { at, progress: _, ...named } = report;
      const { progress: __, ...next } = applyReport(frozen(newTask(SPEC, 0)), report).record;
      const { progress: ___, ...before } = record;
      assertEquals(next, { ...before, ...named, updated_at: new Date(at).toISOString() });
    }),
  );
});

Deno.test("applyChildren() shows 100 percent only once every child has ended", () => {
  const running = after(newTask(SPEC, 0), { type: "start", owner: "s" }, 1);
  const two = { total: 3, completed: 2, failed: 0, canceled: 0, running: 1 };
  const shown = (underWay: number) => applyChildren(running, two, 2, underWay).record.progress;
  assertEquals([shown(0), shown(0.5), shown(1)], [66.67, 83.33, 99.99]);
  const three = { ...two, completed: 3, running: 0 };
  assertEquals(applyChildren(running, three, 2).record.progress, 100);
});
