import { assert, assertEquals } from "@std/assert";
import { deliveriesOf, newsOf } from "../../../lib/store/news.ts";
import { NOTIFY_EVENTS, storedTarget } from "../../../lib/task/notify.ts";
import type { TaskRecord } from "../../../lib/task/record.ts";
import { newTask } from "../../../lib/task/new_task.ts";
import type { Task } from "../../../lib/task/task.ts";
import { type Change, transition } from "../../../lib/task/transition.ts";

const ID = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

function made(...on: (readonly typeof NOTIFY_EVENTS[number][])[]): Task {
  return newTask({
    id: ID,
    kind: "k",
    maxAttempts: 3,
    priority: 0,
    runAt: 0,
    timeoutMs: null,
    notify: on.map((on, n) => storedTarget({ url: `https://${n}.example/x`, on })),
  }, 0);
}

/** The webhook event of each change in turn, for a target of all events; `null` for none. */
function told(...changes: Change[]): (string | null)[] {
  let task = made(NOTIFY_EVENTS);
  return changes.map((change) => {
    const result = transition(task, change, 1000);
    assert(result.ok, change.type);
    const news = newsOf(task, result.task);
    ({ task } = result);
    return news?.event ?? null;
  });
}

const start: Change = { type: "start", owner: "s" };
const error = { name: "Error", message: "no" };

Deno.test("newsOf() reports starts, retries, waits and ends, but no interruption and no run that resumes", () => {
  const retry: Change = { type: "fail", error, retryAfterMs: 5 };
  const fail: Change = { type: "fail", error, retryAfterMs: null };
  const wait: Change = { type: "wait", for: { type: "sleep", name: "s", until: null } };
  assertEquals(told(start, { type: "complete" }), ["started", "completed"]);
  assertEquals(told(start, retry, start, fail), ["started", "retrying", "started", "failed"]);
  assertEquals(told(start, wait, { type: "wake" }, start, wait), [
    "started",
    "waiting",
    null,
    null,
    "waiting",
  ]);
  assertEquals(told(start, { type: "interrupt", died: true }, start), ["started", null, null]);
  assertEquals(told({ type: "request-cancel" }), ["canceled"]);
  assertEquals(told(start, { type: "request-cancel" }, { type: "cancel" }), [
    "started",
    null,
    "canceled",
  ]);
  assertEquals(told(start, fail, { type: "retry" }, start), ["started", "failed", null, "started"]);
});

Deno.test("newsOf() names the targets that asked for the event, and numbers the deliveries", () => {
  const task = { ...made(["failed"], ["completed"], NOTIFY_EVENTS), notified: 7 };
  const running = transition(task, start, 0);
  assert(running.ok);
  const first = newsOf(task, running.task);
  assertEquals(first?.told.map(([target]) => target), [2]);
  assertEquals([first?.first, first?.last], [8, 8]);
  const before = { ...running.task, notified: 8 };
  const ended = transition(before, { type: "complete" }, 5);
  assert(ended.ok);
  const last = newsOf(before, ended.task);
  assertEquals(last?.told.map(([target]) => target), [1, 2]);
  assertEquals([last?.first, last?.last, last?.at], [9, 10, 5]);
  assertEquals(newsOf(made(), ended.task)?.told.length, 2);
});

Deno.test("deliveriesOf() puts the record and a small result into a body that fits into a KV value", () => {
  const [before, after] = [made(["completed"]), { ...made(["completed"]), owner: null }];
  const bodyOf = (change: Partial<TaskRecord>, result: string | null) => {
    const record: TaskRecord = { ...after.record, status: "completed", ...change };
    const news = newsOf(before, { ...after, record });
    assert(news);
    const { sets } = deliveriesOf(news, JSON.stringify(record), result);
    const [, body, size] = sets!.find(([key]) => key[0] === "delivery-body")!;
    assert((body as Uint8Array).length === size && size < 61_000);
    return JSON.parse(new TextDecoder().decode(body as Uint8Array));
  };
  const small = bodyOf({}, '{"n":1}');
  assertEquals([small.type, small.timestamp], ["task.completed", "1970-01-01T00:00:00.000Z"]);
  assertEquals([small.data.task_id, small.data.result], [ID, { n: 1 }]);
  const large = bodyOf({}, JSON.stringify("é".repeat(9000)));
  assertEquals([large.data.result, large.data.result_omitted], [null, true]);
  const huge = bodyOf({ message: "進".repeat(30_000) }, null);
  assertEquals([huge.data.task_id, huge.data.status, huge.data.record_omitted], [
    ID,
    "completed",
    true,
  ]);
});
