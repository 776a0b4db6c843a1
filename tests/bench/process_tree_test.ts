import { assertEquals } from "@std/assert";
import { descendants, parseStat } from "./process_tree.ts";

Deno.test("parseStat() reads a process whose name looks like fields", () => {
  const text = "4711 (a) R 1 (b)) S 815 4711 4711 0 -1 4194560 1 2 3 4 50 60 7 8 20 0 1 0 99 1 1";
  assertEquals(parseStat(text), { pid: 4711, parent: 815, ticks: 50 + 60 + 7 + 8 });
});

Deno.test("descendants() finds children of children in any order, and no other processes", () => {
  const processes = [
    { pid: 5, parent: 4, ticks: 0 },
    { pid: 4, parent: 2, ticks: 0 },
    { pid: 2, parent: 1, ticks: 0 },
    { pid: 3, parent: 1, ticks: 0 },
  ];
  assertEquals(descendants(processes, [2]).sort(), [2, 4, 5]);
  assertEquals(descendants(processes, [3, 9]), [3]);
});
