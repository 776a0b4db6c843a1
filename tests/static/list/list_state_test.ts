import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { TaskRecord } from "headway";
import { type ListEvent, ListState, MAX_ROWS } from "../../../static/list/list_state.ts";
import { record } from "../records.ts";

function id(n: number): string {
  return String(n).padStart(26, "0");
}

function task(n: number, fields: Partial<TaskRecord> = {}): TaskRecord {
  return record({ task_id: id(n), status: "completed", ...fields });
}

function range(from: number, to: number): TaskRecord[] {
  return Array.from({ length: from - to + 1 }, (_, n) => task(from - n));
}

function message(n: number, fields: Partial<TaskRecord> = {}): ListEvent {
  return { type: "message", data: task(n, fields) };
}

function deleted(n: number): ListEvent {
  return { type: "deleted", data: { task_id: id(n) } };
}

function numbers(state: ListState): number[] {
  return state.ids.map(Number);
}

function listOf(tasks: TaskRecord[], next: string | null = null): ListState {
  const state = new ListState();
  state.replace(tasks, next, true);
  return state;
}

const running = ({ status }: TaskRecord) => status === "running";

Deno.test("ListState.apply() puts new tasks first, and never replaces a record by an older one", () => {
  const state = listOf([task(2, { seq: 5 }), task(1)]);
  state.apply([
    message(2, { seq: 4, status: "running" }),
    message(3, { status: "running" }),
    message(1, { seq: 2, status: "failed" }),
    deleted(7),
  ], true);
  assertEquals(numbers(state), [3, 2, 1]);
  assertEquals(state.get(id(2))!.seq, 5);
  assertEquals(state.get(id(1))!.status, "failed");
  assertEquals(state.indexOf(id(1)), 2);
});

Deno.test("ListState.apply() without `live` holds new tasks back until release()", () => {
  const state = listOf(range(5, 1));
  const change = state.apply([message(6), message(7), message(5, { seq: 9 })], false);
  assert(change.rows);
  assertEquals([numbers(state), state.held], [[5, 4, 3, 2, 1], 2]);
  state.apply([deleted(6)], false);
  assertEquals(state.held, 1);
  state.release();
  assertEquals([numbers(state), state.held], [[7, 5, 4, 3, 2, 1], 0]);
});

Deno.test("ListState.apply() ignores tasks that are older than the loaded rows", () => {
  const state = listOf(range(20, 11), id(11));
  state.apply([message(3), message(10)], true);
  assertEquals(numbers(state).at(-1), 11);
});

Deno.test("ListState.sweep() removes rows that no longer match, except those to keep", () => {
  const state = new ListState();
  state.refilter(running);
  state.replace(range(3, 1).map((one) => ({ ...one, status: "running" })), null, true);
  state.apply([message(2, { seq: 2 }), message(1, { seq: 2 }), message(4)], true);
  assertEquals(numbers(state), [3, 2, 1]);
  assert(state.isLeaving(id(2)));
  assert(state.sweep((one) => one === id(1)));
  assertEquals(numbers(state), [3, 1]);
  // A row that was kept may match again.
  state.apply([message(1, { seq: 3, status: "running" })], true);
  assert(!state.hasLeaving);
});

Deno.test("ListState.addPage() applies events that arrived while the page was loading", () => {
  const state = new ListState();
  state.refilter(running);
  state.replace([task(9, { status: "running" })], id(9), true);
  state.beginLoad();
  state.apply(
    [message(4, { seq: 2 }), message(5, { seq: 3, status: "running" }), deleted(3)],
    true,
  );
  state.addPage([5, 4, 3, 2].map((n) => task(n, { status: "running" })), null);
  state.endLoad();
  assertEquals(numbers(state), [9, 5, 2]);
  assertEquals(state.get(id(5))!.seq, 3);
});

Deno.test("ListState.replace() without `live` holds newer rows back", () => {
  const state = listOf(range(5, 1));
  state.replace(range(8, 1), null, false);
  assertEquals([numbers(state), state.held], [[5, 4, 3, 2, 1], 3]);
  state.replace(range(8, 4), id(4), true);
  assertEquals([numbers(state), state.held, state.end], [[8, 7, 6, 5, 4], 0, id(4)]);
});

Deno.test("ListState keeps at most MAX_ROWS rows, and knows the oldest of them", () => {
  const state = listOf(range(100, 1));
  state.apply(range(MAX_ROWS + 50, 101).map((data) => ({ type: "message", data })), true);
  assertEquals(state.ids.length, MAX_ROWS);
  assertEquals(state.end, id(51));
  assertEquals(state.get(id(50)), undefined);
});

Deno.test("ListState has the same rows as if it sorted and filtered all tasks after each event", () => {
  const event = fc.record({
    n: fc.integer({ min: 0, max: 30 }),
    what: fc.constantFrom("running", "completed", "deleted", "release", "sweep"),
    live: fc.boolean(),
  });
  fc.assert(fc.property(fc.array(event, { maxLength: 80 }), (events) => {
    const state = new ListState();
    state.refilter(running);
    state.replace([], null, true);
    const truth = new Map<number, string>();
    for (const [seq, { n, what, live }] of events.entries()) {
      if (what === "release") state.release();
      else if (what === "sweep") state.sweep(() => false);
      else if (what === "deleted") {
        truth.delete(n);
        state.apply([deleted(n)], live);
      } else {
        truth.set(n, what);
        state.apply([message(n, { status: what as TaskRecord["status"], seq: seq + 2 })], live);
      }
    }
    state.release();
    state.sweep(() => false);
    const wanted = [...truth].filter(([, status]) => status === "running").map(([n]) => n);
    assertEquals(numbers(state), wanted.sort((one, other) => other - one));
    assertEquals(state.held, 0);
  }));
});
