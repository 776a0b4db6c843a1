import { assertEquals, assertThrows } from "@std/assert";
import { checkFromTasks } from "../../../lib/child/from_tasks.ts";
import { errorOf } from "../../../lib/task/task_error.ts";
import type { FromTasks, KeptAnswer } from "../../../lib/child/protocol.ts";
import { ARTIFACT_BLOCK } from "../../../lib/task/artifact_list.ts";
import { demo } from "../../../lib/kinds/mod.ts";
import { describeTasks } from "../../../lib/task/kind.ts";

const [kind] = describeTasks([demo]);

const row = '{"level":"info","message":"x","time":"2026-01-01T00:00:00.000Z"}';

const PARTS = Array.from({ length: 100 }, (_, n) => Object.assign(new Error(`${n}`), { code: n }));
const NESTED = new AggregateError(PARTS, "m", { cause: new Error("c", { cause: "d" }) });

const event = (...event: unknown[]) => ({ type: "batch", events: [event] });

/** An error with `length` causes, each within the one before. */
function chain(length: number): object {
  const error = { name: "E", message: "m" };
  return length === 0 ? error : { ...error, cause: chain(length - 1) };
}

const threw = (error: unknown, more = {}) =>
  event(1, "end", { how: "threw", error, stack: "", ...more });

const PLAN = { total: 10_000, concurrency: null, on_failure: "fail" };

/** An answer that begins a group of children. */
function group(plan: unknown, more: { done?: boolean } = {}): KeptAnswer {
  const answer = { type: "children" as const, done: false, until: null, ...more };
  return {
    request: 1,
    name: "parts",
    answer: { ...answer, json: JSON.stringify(plan) },
    row,
    takes: false,
  };
}

const children = (entries: unknown) => (
  { type: "children", request: 1, run: 7, name: "parts", from: 0, entries }
);

/** Messages that the program of a task process sends. */
const SAID: [string, FromTasks][] = [
  ["the kinds of a module", { type: "ready", kinds: [kind!] }],
  ["a kind with no schema, a fractional time-out and a concurrency of 1", {
    type: "ready",
    kinds: [{ ...kind!, schema: null, timeout: 0.5, concurrency: 1 }],
  }],
  ["a module's failure to load", { type: "failed", reason: "It does not", stack: "" }],
  ["an input that fits its schema", {
    type: "checked",
    request: 0,
    checked: { input: null, parsed: true },
  }],
  ["an input's issues", {
    type: "checked",
    request: 1,
    checked: { issues: [{ path: ["a"], message: "no" }] },
  }],
  ["a request for an upload's metadata", {
    type: "info",
    request: 1,
    upload: "01ARZ3NDEKTSV4RRFFQ69G5FAV",
  }],
  ["a request for a stored answer", { type: "ask", request: 1, run: 7, name: "load" }],
  ["new children", {
    type: "children",
    request: 1,
    run: 7,
    name: "parts",
    from: 0,
    entries: [{ kind: "demo", input: null }, { kind: "demo", input: '{"a":1}' }],
  }],
  ["a request for children's outcomes", {
    type: "outcomes",
    request: 1,
    run: 7,
    name: "parts",
    from: 100,
  }],
  ["a request for a chunk of an upload", {
    type: "chunk",
    request: 0xffff_ffff,
    upload: "x",
    offset: 10,
  }],
  ["an artifact's name and media type", {
    type: "artifact",
    run: 7,
    name: "進捗.csv",
    media: "text/csv; charset=utf-8",
  }],
  ["the largest part of an artifact", {
    type: "bytes",
    run: 7,
    bytes: new Uint8Array(ARTIFACT_BLOCK),
  }],
  ["a batch of a run's events", {
    type: "batch",
    events: [
      [7, "artifact", ""],
      [7, "progress", { at: 0 }],
      [7, "progress", { at: 1.5, progress: null, done: 0, total: 1e9, unit: "rows", stage: "" }],
      [7, "progress", { at: 1, progress: 100, message: "x".repeat(4096) }],
      [7, "progress", { at: 1, stages: [["download", 1], ["x".repeat(64), 0.5]] }],
      [7, "log", row],
      [7, "output", '{"data":null,"time":"x"}'],
      [7, "save", "null"],
      [7, "save", '"text\\n"'],
      [7, "end", { how: "returned", json: null }],
      [7, "end", { how: "returned", json: "1" }],
      [7, "end", { how: "threw", error: { name: "E", message: "m" }, stack: "s" }],
      [7, "end", { how: "threw", error: { name: "E", message: "m" }, stack: "s", final: true }],
      [7, "end", { how: "threw", error: errorOf(NESTED).error, stack: "" }],
      [7, "answer", group(PLAN)],
      [7, "answer", group({ ...PLAN, concurrency: 3, on_failure: "cancel" })],
      [7, "end", { how: "waits", type: "children", name: "parts", until: null }],
      [7, "end", { how: "stopped", reason: "cancel" }],
      [7, "end", { how: "stopped", reason: "stop", stack: "s" }],
    ],
  }],
];

for (const [what, message] of SAID) {
  Deno.test(`checkFromTasks() accepts ${what}`, () => {
    assertEquals(checkFromTasks(message), message);
  });
}

function nested(depth: number): unknown {
  return depth === 0 ? {} : { x: nested(depth - 1) };
}

const ready = (...kinds: unknown[]) => ({ type: "ready", kinds });
const many = (count: number) =>
  Array.from({ length: count }, (_, n) => ({ ...kind!, kind: `k${n}` }));
const checked = (checked: unknown) => ({ type: "checked", request: 1, checked });

/** Messages that only other code can have sent. */
const FORGED: [string, unknown][] = [
  ["kinds that are not a list of descriptions", ready("demo")],
  ["an empty list of kinds", ready()],
  ["the same kind twice", ready(kind, kind)],
  ["more than 500 kinds", ready(...many(501))],
  ["a kind whose name is not valid", ready({ ...kind, kind: "../x" })],
  ["a kind with an unknown field", ready({ ...kind, more: 1 })],
  ["a kind with a concurrency of 0", ready({ ...kind, concurrency: 0 })],
  [
    "a kind with an infinite retry delay",
    ready({ ...kind, retry: { ...kind!.retry, capMs: 1e400 } }),
  ],
  ["a schema that is not an object", ready({ ...kind, schema: [] })],
  ["a schema that is nested too deep", ready({ ...kind, schema: nested(100) })],
  ["a schema that is too large", ready({ ...kind, schema: { x: "x".repeat(50_000) } })],
  ["a reason for a failed start that is too long", {
    type: "failed",
    reason: "x".repeat(5000),
    stack: "",
  }],
  ["a checked input without its request's number", {
    type: "checked",
    checked: { input: null, parsed: true },
  }],
  ["a checked input that is not JSON", checked({ input: "{", parsed: true })],
  ["a checked input without 'parsed'", checked({ input: "1" })],
  ["an empty list of issues", checked({ issues: [] })],
  ["an issue without a path", checked({ issues: [{ message: "no" }] })],
  [
    "an issue with a message that is too long",
    checked({ issues: [{ path: [], message: "x".repeat(5000) }] }),
  ],
  ["null instead of a message", null],
  ["a list instead of a message", []],
  ["a message without a type", {}],
  ["a message that only the server sends", { type: "start" }],
  ["a batch without events", { type: "batch" }],
  ["an event that is null", { type: "batch", events: [null] }],
  ["an event whose run is not a number", event("1", "log", row)],
  ["an event of the type 'deleted', which no run sends", event(1, "deleted", row)],
  ["a row that contains a line break", event(1, "log", `${row}\nmessage 01X demo 9 {}`)],
  ["a row with a carriage return, which JSON allows", event(1, "output", '{"data":\r1}')],
  ["a row that is a JSON list", event(1, "log", "[1]")],
  ["a row with text after its JSON", event(1, "log", '{"a":1}}')],
  ["a row without fields", event(1, "log", "{}")],
  ["a row that sets its own 'seq'", event(1, "output", '{"seq":9,"data":1}')],
  ["a row with too many characters", event(1, "log", JSON.stringify({ x: "x".repeat(49_152) }))],
  [
    "a row with too many bytes of UTF-8",
    event(1, "log", JSON.stringify({ x: "進".repeat(20_000) })),
  ],
  ["a row that is an object instead of JSON text", event(1, "log", { level: "info" })],
  ["a checkpoint that is not JSON", event(1, "save", "{")],
  ["a group of more than 10,000 children", event(1, "answer", group({ ...PLAN, total: 10_001 }))],
  ["a group of no children", event(1, "answer", group({ ...PLAN, total: 0 }))],
  [
    "a group of children with a concurrency of 0",
    event(1, "answer", group({ ...PLAN, concurrency: 0 })),
  ],
  [
    "a group of children with an unknown 'on_failure'",
    event(1, "answer", group({ ...PLAN, on_failure: "go" })),
  ],
  [
    "a group of children that says that it is done",
    event(1, "answer", group(PLAN, { done: true })),
  ],
  [
    "a group of children whose plan says that they ended",
    event(1, "answer", group({ ...PLAN, ended: { failed: 0, attempt_at: null } })),
  ],
  ["a child whose kind is not a valid name", children([{ kind: "No Kind", input: null }])],
  ["a child whose input is too large", children([{ kind: "k", input: `"${"x".repeat(50_000)}"` }])],
  ["a child whose input is not JSON", children([{ kind: "k", input: "{" }])],
  ["a child with an unknown field", children([{ kind: "k", input: null, parent: "other" }])],
  ["more than 100 children in one message", children(Array(101).fill({ kind: "k", input: null }))],
  ["progress with a task's id", event(1, "progress", { at: 1, task_id: "other" })],
  ["progress with a status", event(1, "progress", { at: 1, status: "completed" })],
  ["progress of more than 100 percent", event(1, "progress", { at: 1, progress: 101 })],
  ["progress with a field that is null", event(1, "progress", { at: 1, done: null })],
  ["progress at a time that no date can hold", event(1, "progress", { at: 1e300, done: 1 })],
  ["progress whose count is a text", event(1, "progress", { at: 1, done: "1" })],
  ["a stage without a weight", event(1, "progress", { at: 1, stages: [["a"]] })],
  ["a stage whose name is a number", event(1, "progress", { at: 1, stages: [[1, 1]] })],
  ["more than 20 stages", event(1, "progress", { at: 1, stages: Array(21).fill(["a", 1]) })],
  [
    "progress whose stage has a name that is too long",
    event(1, "progress", { at: 1, stage: "x".repeat(257) }),
  ],
  ["an end of an unknown type", event(1, "end", { how: "completed" })],
  ["a result that is not JSON", event(1, "end", { how: "returned", json: "undefined" })],
  [
    "a result that is too long",
    event(1, "end", { how: "returned", json: `"${"x".repeat(49_152)}"` }),
  ],
  [
    "an error with an unknown field",
    event(1, "end", {
      how: "threw",
      error: { name: "E", message: "m", more: 1 },
      stack: "",
    }),
  ],
  ["an error without a name", threw({ message: "m" })],
  ["an error whose cause is a text", threw({ name: "E", message: "m", cause: "c" })],
  ["an error whose code is an object", threw({ name: "E", message: "m", code: {} })],
  ["an error with too many nested causes", threw(chain(9))],
  [
    "an error with too many parts",
    threw({ name: "E", message: "m", errors: Array(12).fill(chain(0)) }),
  ],
  [
    "an error whose parts are too long",
    threw({ ...chain(0), errors: [{ name: "E", message: "x".repeat(4000) }] }),
  ],
  ["an error whose message is too long as JSON", threw({ name: "E", message: "\0".repeat(4096) })],
  ["an error whose stack is too long", threw(chain(0), { stack: "x".repeat(16 * 1024 + 1) })],
  ["an end whose 'final' is a text", threw(chain(0), { final: "yes" })],
  ["an end whose error is null", event(1, "end", { how: "threw", error: null, stack: "" })],
  [
    "an end that stopped for an unknown reason",
    event(1, "end", { how: "stopped", reason: "because" }),
  ],
  ["a request with a negative number", { type: "info", request: -1, upload: "x" }],
  ["a request with an upload id that is too long", {
    type: "info",
    request: 1,
    upload: "x".repeat(1000),
  }],
  ["an artifact whose name is a path", { type: "artifact", run: 1, name: "../a", media: "a/b" }],
  ["an artifact without a name", { type: "artifact", run: 1, media: "a/b" }],
  ["an artifact whose media type contains a line break", {
    type: "artifact",
    run: 1,
    name: "a",
    media: "a/b\r\nc: d",
  }],
  ["bytes that are not a Uint8Array", { type: "bytes", run: 1, bytes: { 0: 1, length: 1 } }],
  ["an empty part of an artifact", { type: "bytes", run: 1, bytes: new Uint8Array() }],
  ["a part of an artifact that is too large", {
    type: "bytes",
    run: 1,
    bytes: new Uint8Array(ARTIFACT_BLOCK + 1),
  }],
  ["a part of an artifact whose run is NaN", { type: "bytes", run: NaN, bytes: new Uint8Array(1) }],
  ["an 'artifact' event that is not empty", event(1, "artifact", '{"name":"a"}')],
  ["a request for a chunk at a fractional offset", {
    type: "chunk",
    request: 1,
    upload: "x",
    offset: 0.5,
  }],
];

for (const [what, message] of FORGED) {
  Deno.test(`checkFromTasks() refuses ${what}`, () => {
    assertThrows(() => checkFromTasks(message as FromTasks), SyntaxError);
  });
}
