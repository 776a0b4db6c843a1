import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { CurrentTask } from "../../../lib/store/current_task.ts";
import { withReport } from "../../../lib/task/figures.ts";
import { SEQ_GAP } from "../../../lib/task/limits.ts";
import { newTask } from "../../../lib/task/new_task.ts";

function newCurrent(): CurrentTask {
  const spec = { id: "01J0000000000000000000TEST", kind: "k", maxAttempts: 3, priority: 0 };
  return new CurrentTask(newTask({ ...spec, runAt: 0, timeoutMs: null }, 0));
}

Deno.test("CurrentTask.json is the record's JSON text, whatever changed and when it was last read", () => {
  const changes: ((current: CurrentTask) => void)[] = [
    (current) => current.nextSeq(),
    (current) => current.skip(SEQ_GAP),
    (current) => ++current.record.seq,
    (current) => current.note({ children: 7 }),
    (current) => current.count({ type: "log", seq: current.record.seq, json: "{}" }),
    (current) => {
      const report = { at: 0, message: `after ${current.record.seq}` };
      current.task = withReport(current.task, report, undefined).task;
    },
    ({ json }) => json,
  ];
  fc.assert(fc.property(fc.array(fc.constantFrom(...changes)), (history) => {
    const current = newCurrent();
    for (const change of history) change(current);
    assertEquals(current.json, JSON.stringify(current.record));
  }));
});

Deno.test("CurrentTask changes no task and no record that others hold", () => {
  const current = newCurrent();
  const { task } = current;
  const before = structuredClone(task);
  assertEquals(current.nextSeq(), before.record.seq + 1);
  current.skip(SEQ_GAP);
  current.note({ children: 7 });
  current.count({ type: "log", seq: 2, json: "{}" });
  assertEquals(task, before);
  assertEquals([current.record.seq, current.task.children], [before.record.seq + 1 + SEQ_GAP, 7]);
  assertEquals(current.task.rows, 1);
});
