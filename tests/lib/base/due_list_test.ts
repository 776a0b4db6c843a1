import { assertEquals } from "@std/assert";
import { DueList } from "../../../lib/base/due_list.ts";
import { FakeTimers } from "../../helpers/fake_timers.ts";

Deno.test("DueList calls back once for each item, not before its time, and has one timer for all", async () => {
  using timers = new FakeTimers();
  const due: string[] = [];
  using list = new DueList<string>({ fromMs: 200 }, (item) => due.push(item));
  list.add("a");
  await timers.pass(10);
  list.add("b");
  list.add("gone");
  // An item that is added again keeps its time.
  await timers.pass(100);
  list.add("a");
  list.delete("gone");
  assertEquals([list.first, timers.waiting], ["a", 1]);
  await timers.pass(89);
  assertEquals(due, []);
  await timers.pass(51);
  assertEquals(due.toSorted(), ["a", "b"]);
  // No timer runs while the list is empty.
  await timers.pass(100);
  assertEquals([due.length, timers.waiting, list.first], [2, 0, undefined]);
  list.add("a");
  await timers.pass(250);
  assertEquals(due.length, 3);
});

Deno.test("DueList spreads items that were added together, and accepts items from its callback", async () => {
  using timers = new FakeTimers();
  let next = 0;
  const random = () => next++ / 10;
  const at: Record<string, number> = {};
  let now = 0;
  let again = 2;
  using list = new DueList<string>({ fromMs: 100, toMs: 1100, random }, (item) => {
    at[item] = now;
    if (again-- > 0) list.add("again");
  });
  for (const item of ["a", "b", "c"]) list.add(item);
  for (; now < 1500; now += 20) await timers.pass(20);
  assertEquals(at.a! < at.b! && at.b! < at.c!, true);
  assertEquals(at.again! > at.a!, true);
});

Deno.test("DueList calls back for no item after it is disposed of", async () => {
  using timers = new FakeTimers();
  const due: string[] = [];
  const list = new DueList<string>({ fromMs: 100 }, (item) => due.push(item));
  list.add("a");
  list[Symbol.dispose]();
  await timers.pass(1000);
  assertEquals([due, timers.waiting], [[], 0]);
});
