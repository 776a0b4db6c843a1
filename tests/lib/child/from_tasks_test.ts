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
const SAID: FromTasks[] = [
  { type: "ready", kinds: [kind!] },
  { type: "ready", kinds: [{ ...kind!, schema: null, timeout: 0.5, concurrency: 1 }] },
  { type: "failed", reason: "It does not", stack: "" },
  { type: "checked", request: 0, checked: { input: null, parsed: true } },
  { type: "checked", request: 1, checked: { issues: [{ path: ["a"], message: "no" }] } },
  { type: "info", request: 1, upload: "01ARZ3NDEKTSV4RRFFQ69G5FAV" },
  { type: "ask", request: 1, run: 7, name: "load" },
  {
    type: "children",
    request: 1,
    run: 7,
    name: "parts",
    from: 0,
    entries: [{ kind: "demo", input: null }, { kind: "demo", input: '{"a":1}' }],
  },
  { type: "outcomes", request: 1, run: 7, name: "parts", from: 100 },
  { type: "chunk", request: 0xffff_ffff, upload: "x", offset: 10 },
  { type: "artifact", run: 7, name: "進捗.csv", media: "text/csv; charset=utf-8" },
  { type: "bytes", run: 7, bytes: new Uint8Array(ARTIFACT_BLOCK) },
  {
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
  },
];

for (const message of SAID) {
  Deno.test(`checkFromTasks() accepts a message of the type '${message.type}'`, () => {
    assertEquals(checkFromTasks(message), message);
  });
}

function nested(depth: number): unknown {
  return depth === 0 ? {} : { x: nested(depth - 1) };
}

const ready = (...kinds: unknown[]) => ({ type: "ready", kinds });
const checked = (checked: unknown) => ({ type: "checked", request: 1, checked });

/** Messages that only other code can have sent. */
const FORGED: [string, unknown][] = [
  ["kinds that are none", ready("demo")],
  ["no kinds", ready()],
  ["a kind twice", ready(kind, kind)],
  ["more kinds than there may be", ready(...new Array(501).fill(kind))],
  ["a kind of another name", ready({ ...kind, kind: "../x" })],
  ["a kind with more to it", ready({ ...kind, more: 1 })],
  ["a kind that runs no task", ready({ ...kind, concurrency: 0 })],
  ["a kind that waits for ever", ready({ ...kind, retry: { ...kind!.retry, capMs: 1e400 } })],
  ["a schema that is none", ready({ ...kind, schema: [] })],
  ["a schema too deep", ready({ ...kind, schema: nested(100) })],
  ["a schema too large", ready({ ...kind, schema: { x: "x".repeat(50_000) } })],
  ["a reason too long", { type: "failed", reason: "x".repeat(5000), stack: "" }],
  ["an answer without a request", { type: "checked", checked: { input: null, parsed: true } }],
  ["an input that is not JSON", checked({ input: "{", parsed: true })],
  ["an input not known to be parsed", checked({ input: "1" })],
  ["no issues", checked({ issues: [] })],
  ["an issue without a path", checked({ issues: [{ message: "no" }] })],
  ["an issue too long", checked({ issues: [{ path: [], message: "x".repeat(5000) }] })],
  ["null", null],
  ["a list", []],
  ["no type", {}],
  ["what the server sends", { type: "start" }],
  ["no events", { type: "batch" }],
  ["an event that is none", { type: "batch", events: [null] }],
  ["a run that is not a number", event("1", "log", row)],
  ["a type of its own", event(1, "deleted", row)],
  ["a row that ends its line", event(1, "log", `${row}\nmessage 01X demo 9 {}`)],
  ["a row with line breaks as JSON allows them", event(1, "output", '{"data":\r1}')],
  ["a row that is not an object", event(1, "log", "[1]")],
  ["a row that is not JSON", event(1, "log", '{"a":1}}')],
  ["a row of nothing", event(1, "log", "{}")],
  ["a row with a place of its own", event(1, "output", '{"seq":9,"data":1}')],
  ["a row too long", event(1, "log", JSON.stringify({ x: "x".repeat(49_152) }))],
  ["a row too long in bytes", event(1, "log", JSON.stringify({ x: "進".repeat(20_000) }))],
  ["a row that is not a text", event(1, "log", { level: "info" })],
  ["a checkpoint that is not JSON", event(1, "save", "{")],
  ["too many children", event(1, "answer", group({ ...PLAN, total: 10_001 }))],
  ["no children", event(1, "answer", group({ ...PLAN, total: 0 }))],
  ["children of which none may run", event(1, "answer", group({ ...PLAN, concurrency: 0 }))],
  ["children that nobody waits for", event(1, "answer", group({ ...PLAN, on_failure: "go" }))],
  ["children that have ended, by its word", event(1, "answer", group(PLAN, { done: true }))],
  [
    "children that have ended, by its plan",
    event(1, "answer", group({ ...PLAN, ended: { failed: 0, attempt_at: null } })),
  ],
  ["children of no kind", children([{ kind: "No Kind", input: null }])],
  ["a child with a large input", children([{ kind: "k", input: `"${"x".repeat(50_000)}"` }])],
  ["a child whose input is no JSON", children([{ kind: "k", input: "{" }])],
  ["a child with more than that", children([{ kind: "k", input: null, parent: "other" }])],
  ["too many at once", children(Array(101).fill({ kind: "k", input: null }))],
  ["a report with another task's id", event(1, "progress", { at: 1, task_id: "other" })],
  ["a report of another state", event(1, "progress", { at: 1, status: "completed" })],
  ["a report beyond all", event(1, "progress", { at: 1, progress: 101 })],
  ["a report of nothing", event(1, "progress", { at: 1, done: null })],
  ["a report of no time", event(1, "progress", { at: 1e300, done: 1 })],
  ["a report of no number", event(1, "progress", { at: 1, done: "1" })],
  ["a stage without a weight", event(1, "progress", { at: 1, stages: [["a"]] })],
  ["a stage of no name", event(1, "progress", { at: 1, stages: [[1, 1]] })],
  ["too many stages", event(1, "progress", { at: 1, stages: Array(21).fill(["a", 1]) })],
  ["a report too long", event(1, "progress", { at: 1, stage: "x".repeat(257) })],
  ["an end of its own", event(1, "end", { how: "completed" })],
  ["a result that is not JSON", event(1, "end", { how: "returned", json: "undefined" })],
  ["a result too long", event(1, "end", { how: "returned", json: `"${"x".repeat(49_152)}"` })],
  [
    "an error of more",
    event(1, "end", {
      how: "threw",
      error: { name: "E", message: "m", more: 1 },
      stack: "",
    }),
  ],
  ["an error without a name", threw({ message: "m" })],
  ["a cause that is none", threw({ name: "E", message: "m", cause: "c" })],
  ["a code that is none", threw({ name: "E", message: "m", code: {} })],
  ["causes without end", threw(chain(9))],
  ["too many parts", threw({ name: "E", message: "m", errors: Array(12).fill(chain(0)) })],
  ["parts too long", threw({ ...chain(0), errors: [{ name: "E", message: "x".repeat(4000) }] })],
  ["a message of control characters", threw({ name: "E", message: "\0".repeat(4096) })],
  ["a stack too long", threw(chain(0), { stack: "x".repeat(16 * 1024 + 1) })],
  ["an end that is final by a word", threw(chain(0), { final: "yes" })],
  ["an error that is none", event(1, "end", { how: "threw", error: null, stack: "" })],
  ["a reason of its own", event(1, "end", { how: "stopped", reason: "because" })],
  ["a request without a number", { type: "info", request: -1, upload: "x" }],
  ["a request for everything", { type: "info", request: 1, upload: "x".repeat(1000) }],
  ["an artifact with a path", { type: "artifact", run: 1, name: "../a", media: "a/b" }],
  ["an artifact without a name", { type: "artifact", run: 1, media: "a/b" }],
  ["a type that ends its header", { type: "artifact", run: 1, name: "a", media: "a/b\r\nc: d" }],
  ["bytes that JSON gives", { type: "bytes", run: 1, bytes: { 0: 1, length: 1 } }],
  ["no bytes", { type: "bytes", run: 1, bytes: new Uint8Array() }],
  ["too many bytes", { type: "bytes", run: 1, bytes: new Uint8Array(ARTIFACT_BLOCK + 1) }],
  ["bytes of no run", { type: "bytes", run: NaN, bytes: new Uint8Array(1) }],
  ["an artifact with words of its own", event(1, "artifact", '{"name":"a"}')],
  ["a request for nowhere", { type: "chunk", request: 1, upload: "x", offset: 0.5 }],
];

for (const [what, message] of FORGED) {
  Deno.test(`checkFromTasks() refuses ${what}`, () => {
    assertThrows(() => checkFromTasks(message as FromTasks), SyntaxError);
  });
}
