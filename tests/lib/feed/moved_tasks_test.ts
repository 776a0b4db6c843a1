import { assertEquals } from "@std/assert";
import { MovedTasks } from "../../../lib/feed/moved_tasks.ts";

function move(n: number) {
  return { id: `t${n}`, kind: "k" };
}

Deno.test("MovedTasks.open() gives each reader the moves since it began, each of them once", () => {
  const tasks = new MovedTasks();
  tasks.note(move(0));
  using first = tasks.open();
  tasks.note(move(1));
  {
    using second = tasks.open();
    tasks.note(move(2));
    assertEquals(first.take(), [move(1), move(2)]);
    assertEquals(second.take(), [move(2)]);
    assertEquals(second.take(), []);
  }
  tasks.note(move(3));
  assertEquals(first.take(), [move(3)]);
});

Deno.test("MovedTasks gives a new reader only later moves, also after the last reader is gone", () => {
  const tasks = new MovedTasks();
  {
    using _ = tasks.open();
    tasks.note(move(1));
  }
  tasks.note(move(2));
  using reader = tasks.open();
  tasks.note(move(3));
  assertEquals(reader.take(), [move(3)]);
});

Deno.test("MovedTasks keeps no move without a reader, so that later moves have all the room", () => {
  const tasks = new MovedTasks();
  const noteMany = () => {
    for (let n = 0; n < 15_000; n++) tasks.note(move(n));
  };
  const taken = () => {
    using reader = tasks.open();
    noteMany();
    return reader.take().length;
  };
  const first = taken();
  assertEquals(taken(), first);
  noteMany();
  assertEquals(taken(), first);
});

Deno.test("MovedTasks keeps the newest moves up to a bound, for all readers together", () => {
  const tasks = new MovedTasks();
  using early = tasks.open();
  for (let n = 0; n < 50_000; n++) tasks.note(move(n));
  using late = tasks.open();
  tasks.note(move(50_000));
  const taken = early.take();
  assertEquals(taken, taken.map((_, n) => move(50_001 - taken.length + n)));
  assertEquals(taken.length >= 10_000 && taken.length < 20_000, true, `${taken.length} kept`);
  assertEquals(late.take(), [move(50_000)]);
  assertEquals(early.take(), []);
});
