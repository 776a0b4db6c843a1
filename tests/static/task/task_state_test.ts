import { assertEquals } from "@std/assert";
import {
  NO_TASK,
  reduceTask,
  type TaskEvent,
  type TaskState,
} from "../../../static/task/task_state.ts";
import { record } from "../records.ts";

function message(seq: number, fields: Parameters<typeof record>[0] = {}): TaskEvent {
  return { type: "message", id: String(seq), data: record({ seq, ...fields }) };
}

function log(seq: number, text: string): TaskEvent {
  const data = { seq, time: "2030-01-01T00:00:00.000Z", level: "info", message: text, data: {} };
  return { type: "log", id: String(seq), data };
}

function complete(seq: number, result: unknown): TaskEvent {
  const data = { task_id: record().task_id, status: "completed" as const, result };
  return { type: "complete", id: String(seq), data };
}

const WHOLE: TaskEvent[] = [
  message(1, { status: "pending", attempt: 0 }),
  message(2),
  log(3, "first"),
  message(4, { progress: 50 }),
  log(5, "second"),
  message(6, { status: "completed", progress: 100 }),
  complete(7, { rows: 2 }),
];

function texts({ log: { chunks } }: TaskState): string[] {
  return chunks.flatMap(({ rows }) =>
    rows.map((row) =>
      row.type === "log" ? row.message : row.type === "state" ? row.status : row.type
    )
  );
}

Deno.test("reduceTask() builds the record, the result and the log of a task from its events", () => {
  const state = reduceTask(NO_TASK, WHOLE);
  assertEquals(state.record?.status, "completed");
  assertEquals(state.result, { rows: 2 });
  assertEquals([state.ended, state.lastEventId, state.record?.seq], [true, "7", 7]);
  assertEquals(texts(state), ["pending", "running", "first", "second", "completed"]);
});

Deno.test("reduceTask() removes the outputs that a rewind takes back, also from the log, in batches of any size", () => {
  const output = (seq: number): TaskEvent => {
    return { type: "output", id: String(seq), data: { seq, time: "", data: seq } };
  };
  const rewind: TaskEvent = { type: "rewind", id: "9", data: { seq: 9, time: "", after: 4 } };
  const events = [message(1), output(3), log(5, "stays"), output(6), rewind, output(10)];
  for (const size of [1, 2, events.length]) {
    let state = NO_TASK;
    for (let n = 0; n < events.length; n += size) {
      state = reduceTask(state, events.slice(n, n + size));
    }
    const outputs = state.outputs.chunks.flatMap(({ rows }) => rows.map(({ seq }) => seq));
    assertEquals(outputs, [3, 10]);
    assertEquals(texts(state), ["running", "output", "stays", "rewind", "output"]);
    assertEquals(state.lastEventId, "10");
  }
});

Deno.test("reduceTask() makes the same state of events at once and of events one by one", () => {
  const at = (size: number) => {
    let state = NO_TASK;
    for (let n = 0; n < WHOLE.length; n += size) {
      state = reduceTask(state, WHOLE.slice(n, n + size));
    }
    return state;
  };
  assertEquals(at(1), at(WHOLE.length));
  assertEquals(at(3), at(WHOLE.length));
});

Deno.test("reduceTask() adds no log row twice when a stream is resumed too early", () => {
  const state = reduceTask(NO_TASK, WHOLE);
  assertEquals(texts(reduceTask(state, WHOLE.slice(2))), texts(state));
});

Deno.test("reduceTask() keeps the newest record while the history is still arriving", () => {
  const known = { ...NO_TASK, record: record({ seq: 7, status: "completed", progress: 100 }) };
  const early = reduceTask(known, WHOLE.slice(0, 3));
  assertEquals([early.record?.status, early.ended], ["completed", false]);
  const whole = reduceTask(early, WHOLE.slice(3));
  assertEquals([whole.ended, whole.result], [true, { rows: 2 }]);
});

Deno.test("reduceTask() drops the result when the task runs again", () => {
  const again = reduceTask(reduceTask(NO_TASK, WHOLE), [
    message(8, { status: "pending", attempt: 0 }),
    message(9, { attempt: 1, progress: 10 }),
  ]);
  assertEquals([again.ended, again.result, again.record?.progress], [false, undefined, 10]);
  assertEquals(texts(again).slice(-2), ["pending", "running"]);
  // The end of an earlier run in the history does not end the present run.
  assertEquals(reduceTask(again, [complete(7, "old")]).ended, false);
});

Deno.test("reduceTask() starts over at a reset", () => {
  const state = reduceTask(reduceTask(NO_TASK, WHOLE), [
    {
      type: "reset",
      id: "",
      data: { reason: "unknown", task: record({ seq: 2, status: "running" }) },
    },
    log(2, "kept"),
  ]);
  assertEquals(state.record?.status, "running");
  assertEquals([texts(state), state.result, state.ended], [["kept"], undefined, false]);
});

Deno.test("reduceTask() keeps the error of a failed task, and marks a deleted task as gone", () => {
  const error = { name: "RangeError", message: "It broke" };
  const state = reduceTask(NO_TASK, [
    message(3, { status: "failed", error }),
    {
      type: "complete",
      id: "4",
      data: { task_id: record().task_id, status: "failed", error },
    },
    { type: "deleted", id: "5", data: { task_id: record().task_id } },
  ]);
  assertEquals([state.record?.error, state.result, state.gone], [error, undefined, "deleted"]);
});
