import { assert, assertEquals, assertLess, assertStrictEquals } from "@std/assert";
import { afterRestore, isLost } from "../../../lib/task/restored.ts";
import { newTask } from "../../../lib/task/new_task.ts";
import type { Task } from "../../../lib/task/task.ts";

const CREATED = Date.parse("2026-01-01T00:00:00.000Z");

function taskAt(seq: number): Task {
  const task = newTask({
    id: "01J0000000000000000000TEST",
    kind: "a",
    priority: 0,
    runAt: CREATED,
    maxAttempts: 1,
    timeoutMs: null,
  }, CREATED);
  return { ...task, record: { ...task.record, seq } };
}

Deno.test("afterRestore() changes a task only once for a restore, and only if the task is older", () => {
  const task = taskAt(7);
  assertStrictEquals(afterRestore(task, 0), task);
  assertStrictEquals(afterRestore(task, CREATED), task);
  const again = afterRestore(task, CREATED + 1);
  assertStrictEquals(afterRestore(again, CREATED + 1), again);
});

Deno.test("afterRestore() uses no event id twice, and isLost() knows the ids of the lost history", () => {
  let task = taskAt(100);
  const valid = [1, 100];
  const lost: number[] = [];
  for (let n = 1; n <= 20; n++) {
    const { seq } = task.record;
    // Ids of events after the backup: clients may have seen them, but the restore removed them.
    lost.push(seq + 1, seq + 5000);
    task = afterRestore(task, CREATED + n * 86_400_000);
    assert(task.record.seq > seq + 5000 && /^\d{1,15}$/.test(String(task.record.seq + 1)));
    task = { ...task, record: { ...task.record, seq: task.record.seq + 10 } };
    valid.push(task.record.seq);
    assertEquals(lost.filter((seq) => !isLost(seq, task.lostIds)), []);
  }
  assertLess(task.lostIds.length, 10);
  // The oldest gaps are merged, and valid ids between them then count as lost. A client that comes
  // with such an id gets all that is kept.
  assertEquals(
    valid.slice(0, 2).concat(valid.slice(-7)).filter((seq) => isLost(seq, task.lostIds)),
    [],
  );
});
