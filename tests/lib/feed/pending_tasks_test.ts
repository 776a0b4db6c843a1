import { assertEquals } from "@std/assert";
import { PendingTasks } from "../../../lib/feed/pending_tasks.ts";
import type { EventType } from "../../../lib/task/event.ts";
import { testEvent } from "../../helpers/journal.ts";

function event(type: EventType, seq: number, id = "t1") {
  return testEvent(seq, { type, id });
}

Deno.test("PendingTasks keeps what the journal says of a task until it is in the task's own keys", () => {
  const pending = new PendingTasks();
  assertEquals([pending.get("t1"), pending.oldest], [undefined, undefined]);
  pending.note("a", event("log", 3));
  pending.note("a", event("checkpoint", 4));
  pending.note("b", event("output", 5));
  pending.note("b", event("progress", 6));
  pending.note("b", event("log", 7, "t2"));
  const { seq, rows, progress, checkpoint } = pending.get("t1")!;
  assertEquals([seq, rows.map(({ seq }) => seq)], [6, [3, 5]]);
  assertEquals([progress?.seq, checkpoint?.seq], [6, 4]);
  assertEquals(pending.oldest, "a");
  pending.note("c", event("folded", 6));
  assertEquals([pending.get("t1"), pending.oldest], [undefined, "b"]);
  // An event after a fold is pending again.
  pending.note("d", event("log", 7));
  for (const type of ["message", "complete", "rewind", "deleted"] as const) {
    pending.note("e", event(type, 8, "t2"));
    assertEquals([pending.get("t2"), pending.oldest], [undefined, "d"]);
  }
});

Deno.test("PendingTasks.note() says whether progress was shown before it was stored", () => {
  const pending = new PendingTasks();
  const shown = () => [...pending.shown].map(({ seq }) => seq);
  pending.show(event("progress", 3));
  pending.show(event("progress", 5));
  assertEquals([pending.get("t1")?.seq, shown()], [5, [5]]);
  assertEquals([pending.note("a", event("progress", 3)), shown()], [true, [5]]);
  assertEquals([pending.note("b", event("progress", 5)), shown()], [true, []]);
  // This progress waited for the row before it, and was not shown.
  pending.note("c", event("log", 6));
  assertEquals(pending.note("c", event("progress", 7)), false);
  pending.show(event("progress", 8));
  // A state change, whose record has the shown progress as well.
  pending.note("d", event("message", 9));
  assertEquals([pending.get("t1"), shown()], [undefined, []]);
  // Progress that was shown and is newer than a fold stays.
  pending.show(event("progress", 12));
  pending.note("e", event("folded", 11));
  assertEquals([pending.get("t1")?.seq, shown()], [12, [12]]);
});

Deno.test("PendingTasks.open() keeps what is folded during a read", () => {
  const pending = new PendingTasks();
  pending.note("a", event("log", 3));
  using read = pending.open();
  pending.note("b", event("folded", 3));
  pending.note("c", event("checkpoint", 4));
  pending.note("c", event("log", 5));
  pending.note("d", event("folded", 5));
  pending.note("e", event("log", 6));
  pending.show(event("progress", 7));
  const { seq, rows, progress, checkpoint } = read.get("t1")!;
  assertEquals([seq, rows.map(({ seq }) => seq)], [7, [3, 5, 6]]);
  assertEquals([progress?.seq, checkpoint?.seq], [7, 4]);
  assertEquals(pending.get("t1")!.rows.map(({ seq }) => seq), [6]);
});

Deno.test("PendingTasks.moves() gives the tasks that changed their status, with their kinds", () => {
  const pending = new PendingTasks();
  pending.note("a", event("message", 1, "before"));
  using moves = pending.moves();
  pending.note("b", event("log", 2, "logs"));
  pending.note("c", event("message", 3, "t2"));
  assertEquals(moves.take(), [{ id: "t2", kind: "k1" }]);
});
