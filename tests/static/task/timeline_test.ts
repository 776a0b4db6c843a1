import { assert, assertEquals } from "@std/assert";
import {
  appendStates,
  firstStart,
  isEnd,
  MAX_STATES,
  stateSince,
  timeline,
  withRecord,
} from "../../../static/task/timeline.ts";
import type { TaskRecord } from "../../../lib/task/record.ts";
import { record, stateRow } from "../records.ts";
import type { StateRow } from "../../../static/task/log_rows.ts";

/** A state row at a time in seconds, which is also its `seq`. */
function state(second: number, fields: Partial<StateRow> = {}): StateRow {
  const time = new Date(second * 1000).toISOString();
  return stateRow(second, time, fields);
}

const error = { name: "RangeError", message: "It broke" };

/** Delayed, failed once, interrupted, asked to stop, canceled, and queued again. */
const LIFE: StateRow[] = [
  state(1, { status: "pending", attempt: 0, runAt: new Date(5000).toISOString() }),
  state(5),
  state(8, { status: "pending", error, runAt: new Date(10_000).toISOString() }),
  state(10, { attempt: 2 }),
  state(20, { status: "pending", attempt: 2, runAt: new Date(10_000).toISOString() }),
  state(22, { attempt: 2 }),
  state(30, { attempt: 2, canceling: true }),
  state(31, { status: "canceled", attempt: 2 }),
  state(40, { status: "pending", attempt: 0 }),
];

Deno.test("timeline() lists states and attempts with their times and errors", () => {
  const steps = timeline(LIFE);
  assertEquals(
    steps.map(({ name, from, to, attempt }) => [name, from / 1000, to && to / 1000, attempt]),
    [
      ["scheduled", 1, 5, 0],
      ["running", 5, 8, 1],
      ["retrying", 8, 10, 1],
      ["running", 10, 20, 2],
      ["interrupted", 20, 22, 2],
      ["running", 22, 30, 2],
      ["canceling", 30, 31, 2],
      ["canceled", 31, 40, 2],
      ["queued", 40, null, 0],
    ],
  );
  assertEquals(steps.map(({ resumed }) => resumed).indexOf(true), 5);
  assertEquals(steps.filter((step) => step.error !== null).map(({ name }) => name), ["retrying"]);
  assertEquals([steps[0]!.until, steps[2]!.until, steps[4]!.until], [5000, 10_000, null]);
  assertEquals(steps.filter(isEnd).map(({ name }) => name), ["canceled"]);
});

Deno.test("timeline() does not show a task that resumes after waiting as interrupted", () => {
  const steps = timeline([
    ...LIFE.slice(0, 2),
    state(6, { status: "waiting" }),
    state(90, { status: "pending", by: "ada" }),
    state(91),
  ]);
  assertEquals(steps.map(({ by }) => by).slice(2), [null, "ada", null]);
  const told = steps.map(({ name, resumed }) => [name, resumed]);
  assertEquals(told.slice(2), [["waiting", false], ["queued", false], ["running", true]]);
});

Deno.test("appendStates() adds each row once, and keeps at most MAX_STATES", () => {
  let states = appendStates([], LIFE.slice(0, 4));
  states = appendStates(states, LIFE);
  assertEquals(states, LIFE);
  assert(appendStates(states, LIFE) === states);
  const many = Array.from({ length: 3 * MAX_STATES }, (_, n) => state(n + 100));
  states = appendStates(states, many);
  assertEquals([states.length, states.at(-1)], [MAX_STATES, many.at(-1)!]);
});

const at = (second: number) => new Date(second * 1000).toISOString();

/** The record of a task that was submitted at second 1, ran from second 5 and ended at second 9. */
const ENDED = record({
  status: "completed",
  created_at: at(1),
  run_at: at(1),
  started_at: at(5),
  updated_at: at(9),
  finished_at: at(9),
  seq: 10_000,
});

Deno.test("withRecord() shows the end of a task whose history is still loading", () => {
  for (
    const states of [
      [],
      [state(1, { status: "pending", attempt: 0 })],
      [state(1, { status: "pending", attempt: 0 }), state(5)],
    ]
  ) {
    const steps = timeline(withRecord(states, ENDED));
    assertEquals(
      steps.map(({ name, from, to }) => [name, from / 1000, to && to / 1000]),
      [["queued", 1, 5], ["running", 5, 9], ["completed", 9, null]],
    );
  }
  const whole = [state(1, { status: "pending", attempt: 0 }), state(9, { status: "completed" })];
  assertEquals(withRecord(whole, ENDED), whole);
});

Deno.test("withRecord() shows that a task is scheduled, waits to retry, or was asked to stop", () => {
  const names = (fields: Partial<TaskRecord>) =>
    timeline(withRecord([], record({ ...ENDED, finished_at: null, ...fields })))
      .map(({ name }) => name);
  assertEquals(names({ status: "pending", attempt: 0, run_at: at(60) }), ["scheduled"]);
  assertEquals(names({ status: "pending", error, run_at: at(60) }), ["queued", "retrying"]);
  assertEquals(names({ status: "running", cancel_requested: true }), [
    "queued",
    "running",
    "canceling",
  ]);
});

Deno.test("firstStart() is the start of the first attempt since the last retry by a user", () => {
  const states = LIFE.slice(0, -1);
  assertEquals(firstStart(states, record({ attempt: 2 })), 5000);
  assertEquals(firstStart([...LIFE, state(41)], record({ attempt: 1 })), 41_000);
  assertEquals(firstStart([], record({ attempt: 1, started_at: at(7) })), 7000);
  // The start of attempt 1 is not known.
  assertEquals(firstStart([], record({ attempt: 2, started_at: at(7) })), null);
});

Deno.test("stateSince() stays the same while a waiting task's record changes with its children", () => {
  const states = [state(1), state(5, { status: "waiting" })];
  const waits = record({ status: "waiting", updated_at: at(9) });
  assertEquals(stateSince(states, waits), at(5));
  // The history is not loaded yet, or ends in another state.
  assertEquals(stateSince([], waits), at(9));
  assertEquals(stateSince(states, record({ status: "pending", updated_at: at(9) })), at(9));
});
