import { assertEquals } from "@std/assert";
import type { TaskEvent } from "../../../static/client/client.d.ts";
import { NOTHING, take } from "../../../static/client/task_view.ts";
import { record } from "../records.ts";

function log(seq: number): TaskEvent {
  return { type: "log", id: `${seq}`, data: { seq, time: "", level: "info", message: `${seq}` } };
}

function output(seq: number): TaskEvent {
  return { type: "output", id: `${seq}`, data: { seq, time: "", data: seq } };
}

const END = record({ status: "completed", progress: 100, seq: 9, result: { rows: 3 } });

Deno.test("take() keeps the newest rows, the record and the result, and does not change its argument", () => {
  const before = { ...NOTHING };
  const events: TaskEvent[] = [
    { type: "progress", id: "1", data: record({ progress: 10 }) },
    ...[2, 3, 4, 5].map(log),
    output(6),
    output(7),
    { type: "complete", id: "9", data: END as never },
  ];
  const view = events.reduce((view, event) => take(view, event, 2), NOTHING);
  assertEquals(view.log.map(({ seq }) => seq), [4, 5]);
  assertEquals(view.outputs.map(({ data }) => data), [6, 7]);
  assertEquals([view.record, view.result], [END, { rows: 3 }]);
  assertEquals(NOTHING, before);
});

Deno.test("take() drops the outputs that a rewind took back, and nothing else", () => {
  const rewind = (seq: number, after: number): TaskEvent => {
    return { type: "rewind", id: `${seq}`, data: { seq, time: "", after } };
  };
  const events = [output(2), log(3), output(5), output(6), log(7), rewind(9, 4), output(10)];
  const view = events.reduce((view, event) => take(view, event, 9), NOTHING);
  assertEquals(view.outputs.map(({ seq }) => seq), [2, 10]);
  assertEquals(view.log.map(({ seq }) => seq), [3, 7]);
});

Deno.test("take() sets no result for a failed task", () => {
  const failed = record({ status: "failed", error: { name: "Error", message: "x" } });
  const view = take(NOTHING, { type: "complete", id: "9", data: failed as never }, 2);
  assertEquals([view.result, view.record?.error?.message], [undefined, "x"]);
});

Deno.test("take() keeps its rows at a reset that skips some, and drops them at one that sends all again", () => {
  const known = [log(2), output(3)].reduce((view, event) => take(view, event, 9), NOTHING);
  const reset = (reason: "too-old" | "unknown") =>
    take(known, { type: "reset", id: "", data: { reason, task: record({ seq: 1 }) } }, 9);
  const [old, unknown] = [reset("too-old"), reset("unknown")];
  assertEquals([old.log.length, old.outputs.length, old.record?.seq], [1, 1, 1]);
  assertEquals([unknown.log.length, unknown.outputs.length], [0, 0]);
});
