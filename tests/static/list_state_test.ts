import { assert, assertEquals } from "@std/assert";
import type { TaskRecord } from "headway";
import {
  addPage,
  DEFAULT_CAP,
  type ListEvent,
  NO_TASKS,
  reachOf,
  reduceList,
  shownTasks,
} from "../../static/list_state.ts";
import { record } from "./records.ts";

function id(n: number): string {
  return String(n).padStart(26, "0");
}

function task(n: number, fields: Partial<TaskRecord> = {}): TaskRecord {
  return record({ task_id: id(n), status: "completed", ...fields });
}

function range(from: number, to: number): TaskRecord[] {
  const tasks: TaskRecord[] = [];
  for (let n = from; n >= to; n--) tasks.push(task(n));
  return tasks;
}

function snapshot(tasks: TaskRecord[]): ListEvent {
  return { type: "snapshot", data: { tasks } };
}

function numbers(tasks: TaskRecord[]): number[] {
  return tasks.map(({ task_id }) => Number(task_id));
}

Deno.test("reduceList() shows new tasks first and never an older record over a newer one", () => {
  const state = reduceList(NO_TASKS, [
    snapshot([task(2, { seq: 5 }), task(1)]),
    { type: "message", data: task(2, { seq: 4, status: "running" }) },
    { type: "message", data: task(3, { status: "running" }) },
    { type: "message", data: task(1, { seq: 2, status: "failed" }) },
  ]);
  assertEquals(numbers(shownTasks(state, "all")), [3, 2, 1]);
  assertEquals(numbers(shownTasks(state, "completed")), [2]);
  assertEquals(numbers(shownTasks(state, "failed")), [1]);
});

Deno.test("reduceList() forgets what was deleted, and all it knew at a reset", () => {
  let state = reduceList(NO_TASKS, [
    snapshot(range(3, 1)),
    { type: "deleted", data: { task_id: id(2) } },
  ]);
  assertEquals(numbers(shownTasks(state, "all")), [3, 1]);
  state = reduceList(state, [{ type: "reset", data: { tasks: [task(9)] } }]);
  assertEquals(numbers(shownTasks(state, "all")), [9]);
});

Deno.test("reduceList() keeps a bounded number of tasks, and offers the others for loading", () => {
  let state = reduceList(NO_TASKS, [snapshot(range(50, 1))]);
  assertEquals(reachOf(state, "all"), null);
  state = reduceList(state, range(2000, 51).map((data) => ({ type: "message", data })));
  assertEquals(state.tasks.size, DEFAULT_CAP);
  assertEquals(reachOf(state, "all"), id(2000 - DEFAULT_CAP + 1));
  assertEquals(numbers(shownTasks(state, "all")).at(-1), 2000 - DEFAULT_CAP + 1);
});

Deno.test("addPage() adds older tasks behind those that are there, and keeps them", () => {
  let state = reduceList(NO_TASKS, [snapshot(range(1000, 901))]);
  assertEquals(reachOf(state, "all"), id(901));
  for (let from = 900; from > 100; from -= 100) {
    state = addPage(state, "all", range(from, from - 99), id(from - 99));
  }
  state = reduceList(state, [{ type: "message", data: task(1001) }]);
  assertEquals(numbers(shownTasks(state, "all")).slice(0, 2), [1001, 1000]);
  assertEquals(state.tasks.size, 900);
});

Deno.test("shownTasks() of all leaves no gap where a filter reached further back", () => {
  let state = reduceList(NO_TASKS, [snapshot(range(1000, 901))]);
  const failed = [task(500, { status: "failed" }), task(200, { status: "failed" })];
  state = addPage(state, "failed", failed, null);
  assertEquals(numbers(shownTasks(state, "failed")), [500, 200]);
  assertEquals(reachOf(state, "failed"), null);
  assertEquals(numbers(shownTasks(state, "all")).at(-1), 901);
  // Once all are known so far back, they join.
  state = addPage(state, "all", [...range(900, 501), failed[0]!], id(500));
  assertEquals(numbers(shownTasks(state, "all")).at(-1), 500);
  assert(!numbers(shownTasks(state, "all")).includes(200));
});

Deno.test("reachOf() takes what is known of all tasks for each state", () => {
  assertEquals(reachOf(NO_TASKS, "failed"), undefined);
  const some = reduceList(NO_TASKS, [snapshot(range(100, 1))]);
  assertEquals(reachOf(some, "failed"), id(1));
  const all = reduceList(NO_TASKS, [snapshot(range(5, 1))]);
  assertEquals(reachOf(all, "failed"), null);
  assertEquals(numbers(shownTasks(all, "failed")), []);
});
