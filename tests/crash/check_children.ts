import { assert, assertEquals } from "@std/assert";
import type { TaskRecord } from "headway";
import { finished } from "../helpers/api.ts";

interface Drawn {
  n: number;
  lot: string;
}

/** The children of a task, oldest first. */
export async function childrenOf(base: string, id: string): Promise<TaskRecord[]> {
  const { tasks } = await (await fetch(`${base}/tasks?parent=${id}&limit=500`)).json();
  return tasks.toReversed();
}

/** Asserts that a parent's result is that of its children, each of which exists once. */
export async function assertWhole(
  base: string,
  parent: TaskRecord,
  size: number,
  message = "",
): Promise<void> {
  assertEquals([parent.status, parent.attempt], ["completed", 1], message);
  const { first, second, below } = parent.result as Record<string, Drawn[]>;
  const children = await childrenOf(base, parent.task_id);
  assertEquals(children.length, 2 * size + below!.length);
  const results = await Promise.all(
    children.map(async ({ task_id }) => (await finished(base, task_id)).result),
  );
  const lots = new Set(results.map((result) => (result as Drawn).lot));
  for (const group of [first!, second!]) {
    assertEquals(group.map(({ n }) => n), Array.from({ length: size }, (_, n) => n));
    assert(group.every(({ lot }) => lots.has(lot)));
  }
  assertEquals(new Set([...first!, ...second!].map(({ lot }) => lot)).size, 2 * size);
}
