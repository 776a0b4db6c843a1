import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import type { TaskRecord } from "headway";
import { HeadwayError } from "../../../static/client/client.ts";
import type { ConnectionState, TaskEvent, WatchOptions } from "../../../static/client/client.d.ts";
import { TaskWatch } from "../../../static/client/watch.ts";
import { settled } from "../fake_clock.ts";
import { FakeTask } from "../fake_task.ts";

const BASE = "http://headway.example/below/";

function watch(task: FakeTask, options: WatchOptions = {}): TaskWatch {
  return new TaskWatch(task.record.task_id, { base: BASE, ...options }, task);
}

/** Reads a watch to its end, and waits for `pace` after each event. */
function reading(watch: TaskWatch, pace: () => Promise<void> = () => Promise.resolve()) {
  const events: TaskEvent[] = [];
  const ended = (async () => {
    for await (const event of watch) {
      events.push(event);
      await pace();
    }
  })();
  ended.catch(() => {});
  return { events, ended };
}

/** The events that no watcher may miss, such as `log 3`. */
function told(events: TaskEvent[]): string[] {
  return events.filter(({ type }) => type !== "progress").map(({ type, id }) => `${type} ${id}`);
}

function ids(events: TaskEvent[]): number[] {
  return events.filter(({ type }) => type !== "reset").map(({ id }) => Number(id));
}

function assertRising(numbers: number[]): void {
  assertEquals(numbers, [...new Set(numbers)].toSorted((a, b) => a - b));
}

Deno.test("watch() gives stored and new events until the task's end, and closes its connection", async () => {
  const task = new FakeTask();
  task.report({ status: "running", attempt: 1 });
  task.row();
  const watched = watch(task);
  const { events, ended } = reading(watched);
  await settled();
  task.report({ progress: 40 });
  task.row("output");
  await settled();
  assertEquals([watched.record?.progress, watched.connection.state], [40, "live"]);
  task.end();
  await ended;
  assertEquals(told(events), ["log 3", "output 5", "complete 7"]);
  assertRising(ids(events));
  const end = events.at(-1)!;
  assert(end.type === "complete");
  assertEquals(end.data as TaskRecord, { ...task.record, result: "done" });
  assertEquals(await watched.finished, end.data);
  assertEquals([task.open, task.timers, task.requests.length], [0, 0, 1]);
  const { url, headers } = task.requests[0]!;
  assertEquals(url, `http://headway.example/below/tasks/${task.record.task_id}/stream`);
  assertEquals(headers, { accept: "text/event-stream", "last-event-id": "0" });
});

Deno.test("watch() calls its callbacks, and waits for a slow one", async () => {
  const task = new FakeTask();
  const called: string[] = [];
  const states: string[] = [];
  let slow = Promise.withResolvers<void>();
  const watched = watch(task, {
    onprogress: ({ status }) => called.push(status),
    onlog: async ({ message }) => {
      called.push(message);
      await slow.promise;
    },
    onoutput: ({ data }) => called.push(String(data)),
    oncomplete: ({ status, result }) => called.push(`${status}: ${result}`),
    onconnection: ({ state }) => states.push(state),
  });
  assertThrows(() => watched[Symbol.asyncIterator](), TypeError, "callbacks");
  await settled();
  task.row();
  task.row("output");
  await settled();
  assertEquals(called, ["pending", "row 2"]);
  slow.resolve();
  slow = Promise.withResolvers();
  slow.resolve();
  task.end();
  const { status } = await watched.finished;
  assertEquals(status, "completed");
  assertEquals(called.slice(2), ["進", "completed", "completed: done"]);
  assertEquals(states, ["connecting", "live", "idle"]);
});

Deno.test("watch() with an empty `lastEventId` skips the history, but not the task's end", async () => {
  const task = new FakeTask();
  task.row();
  task.report({ progress: 10 });
  const { events, ended } = reading(watch(task, { lastEventId: "" }));
  await settled();
  task.end("failed");
  await ended;
  assertEquals(told(events), ["complete 5"]);
  assertEquals(task.requests[0]!.headers, { accept: "text/event-stream" });
  const late = watch(task, { lastEventId: "" });
  assertEquals((await late.finished).error, { name: "Error", message: "It broke" });
  assertEquals(late.record?.status, "failed");
});

Deno.test("watch() knows the end of a task, also when it resumes after the last or the last but one event", async () => {
  const task = new FakeTask();
  task.row();
  task.end("canceled");
  for (const [lastEventId, expected] of [["4", []], ["3", ["complete 4"]]] as const) {
    const watched = watch(task, { lastEventId });
    const { events, ended } = reading(watched);
    await ended;
    assertEquals(events.map(({ type, id }) => `${type} ${id}`), [...expected]);
    assertEquals(await watched.finished, { ...task.record, result: null } as never);
    assertEquals(watched.record?.status, "canceled");
  }
});

Deno.test("watch() rejects with the server's message if trying again cannot help", async () => {
  for (const status of [400, 401, 403, 404, 406]) {
    const task = new FakeTask();
    task.status = status;
    const error = await assertRejects(
      () => watch(task).finished,
      HeadwayError,
      `Refused with ${status}`,
    );
    assertEquals([error.status, task.requests.length, task.timers], [status, 1, 0]);
    const told = Promise.withResolvers<HeadwayError>();
    watch(task, { onerror: told.resolve });
    assertEquals((await told.promise).status, status);
    await assertRejects(() => reading(watch(task)).ended, HeadwayError);
  }
});

Deno.test("watch() tries again if that may help, after a longer wait each time", async () => {
  for (const status of [0, 429, 500, 503]) {
    const task = new FakeTask();
    task.status = status;
    const states: ConnectionState[] = [];
    const watched = watch(task, { onconnection: (state) => states.push(state) });
    const { events, ended } = reading(watched);
    await settled();
    assertEquals(task.requests.length, 1);
    // The waits are 1, 2 and 4 seconds, less a quarter as the fake clock's random number is 0.5.
    for (const [ms, requests] of [[749, 1], [1, 2], [1499, 2], [1, 3], [2999, 3], [1, 4]]) {
      await task.pass(ms!);
      assertEquals(task.requests.length, requests);
    }
    assertEquals(watched.connection.refused, status || null);
    task.status = 200;
    task.end();
    await task.pass(30_000);
    await ended;
    assertEquals(told(events), task.told);
    assertEquals(states.map(({ state }) => state), [
      "connecting",
      "waiting",
      "live",
      "idle",
    ]);
  }
});

Deno.test("watch() tries again at once when the machine is online again", async () => {
  const task = new FakeTask();
  task.status = 0;
  const { events, ended } = reading(watch(task));
  await task.pass(60_000);
  task.status = 200;
  task.end();
  const { length } = task.requests;
  dispatchEvent(new Event("online"));
  await ended;
  assertEquals([task.requests.length, told(events)], [length + 1, task.told]);
});

Deno.test("watch() reports no regular end of a stream, unless the next try fails", async () => {
  const task = new FakeTask();
  const states: string[] = [];
  const { events, ended } = reading(
    watch(task, { onconnection: ({ state }) => states.push(state) }),
  );
  await settled();
  task.close();
  await task.pass(2000);
  assertEquals([task.requests.length, task.open, states], [2, 1, ["connecting", "live"]]);
  task.status = 503;
  task.close();
  await task.pass(2000);
  assertEquals(states.at(-1), "waiting");
  task.status = 200;
  task.end();
  await task.pass(60_000);
  await ended;
  assertEquals(told(events), task.told);
});

Deno.test("watch() reconnects when the server is silent, but not while it waits for a slow reader", async () => {
  const task = new FakeTask();
  const { events } = reading(watch(task, { stallMs: 1000 }));
  await settled();
  for (let n = 0; n < 10; n++) {
    await task.pass(900);
    task.beat();
  }
  assertEquals(task.requests.length, 1);
  await task.pass(5000);
  assert(task.requests.length > 1);
  task.row();
  await task.pass(5000);
  assertEquals(told(events), ["log 2"]);

  const slow = new FakeTask();
  for (let n = 0; n < 1000; n++) slow.row();
  slow.chunkBytes = 1000;
  const pace = Promise.withResolvers<void>();
  const read = reading(watch(slow, { stallMs: 1000 }), () => pace.promise);
  await slow.pass(100_000);
  assertEquals([read.events.length, slow.requests.length], [1, 1]);
  pace.resolve();
  slow.end();
  await read.ended;
  assertEquals(told(read.events), slow.told);
  task.status = 404;
  task.drop();
  await task.pass(5000);
});

Deno.test("watch() reads on for a slow reader while only progress waits, and stops when rows do", async () => {
  const task = new FakeTask();
  task.report({ status: "running", attempt: 1 });
  let pace = Promise.withResolvers<void>();
  const watched = watch(task);
  const { events, ended } = reading(watched, () => pace.promise);
  await settled();
  for (let progress = 0; progress <= 100; progress += 0.01) task.report({ progress });
  await settled();
  assertEquals(events.length, 1);
  pace.resolve();
  await settled();
  // Pending, the first progress of the run, and the newest.
  assertEquals(events.length, 3);
  assertEquals(Math.round(watched.record!.progress!), 100);
  assertEquals(task.unread, 0);
  pace = Promise.withResolvers();
  for (let n = 0; n < 5000; n++) task.row();
  await settled();
  assertEquals(events.length, 4);
  assert(task.unread > 4000);
  pace.resolve();
  task.end();
  await ended;
  assertEquals(told(events), task.told);
});

Deno.test("watch() gives a reset if rows were dropped, and then the rows that are kept", async () => {
  const task = new FakeTask();
  for (let n = 0; n < 5; n++) task.row();
  const { events, ended } = reading(watch(task));
  await settled();
  task.drop();
  for (let n = 0; n < 10; n++) task.row();
  task.trim(10);
  await task.pass(5000);
  task.end();
  await ended;
  assertEquals(told(events), [
    ...[2, 3, 4, 5, 6].map((seq) => `log ${seq}`),
    "reset ",
    ...[11, 12, 13, 14, 15, 16].map((seq) => `log ${seq}`),
    "complete 18",
  ]);
});

Deno.test("watch() gives a reset and starts over if the server's store was replaced", async () => {
  const task = new FakeTask();
  for (let n = 0; n < 9; n++) task.row();
  const { events, ended } = reading(watch(task));
  await settled();
  task.drop();
  // Another store, such as a restored backup.
  task.record = { ...task.record, seq: 3 };
  task.rows = task.rows.slice(0, 3);
  await task.pass(5000);
  task.end();
  await ended;
  const reset = events.findIndex(({ type }) => type === "reset");
  const { data } = events[reset] as Extract<TaskEvent, { type: "reset" }>;
  assertEquals(data.reason, "unknown");
  assertEquals(told(events.slice(reset + 1)), ["log 2", "log 3", "complete 5"]);
});

Deno.test("watch() sends its token in a header, or in the URL with `tokenInUrl`", async () => {
  const task = new FakeTask();
  let asked = 0;
  const token = () => Promise.resolve(`t${++asked}`);
  const by = reading(watch(task, { token }));
  const inUrl = reading(watch(task, { token: "a&b", tokenInUrl: true }));
  await settled();
  task.drop();
  await task.pass(5000);
  task.end();
  await Promise.all([by.ended, inUrl.ended]);
  const sent = task.requests.map(({ headers }) => headers.authorization);
  assertEquals(sent.sort(), ["Bearer t1", "Bearer t2", undefined, undefined]);
  assertEquals(asked, 2);
  const urls = task.requests.map(({ url }) => new URL(url).search);
  assertEquals(urls.sort(), ["", "", "?token=a%26b", "?token=a%26b"]);
});

Deno.test("watch() stops by its signal, by close(), and when its loop is left", async () => {
  const task = new FakeTask();
  const abort = new AbortController();
  const aborted = watch(task, { signal: abort.signal });
  const { ended } = reading(aborted);
  const closed = watch(task, { onprogress: () => {} });
  const broken = watch(task);
  await settled();
  for await (const _ of broken) break;
  const reason = new Error("enough");
  abort.abort(reason);
  closed.close();
  assertEquals(await ended.catch((error) => error), reason);
  assertEquals(await aborted.finished.catch((error) => error), reason);
  const error = await closed.finished.catch((error) => error);
  assertEquals(error.name, "AbortError");
  assertEquals([task.open, task.timers, broken.connection.state], [0, 0, "idle"]);
  using never = watch(task);
  never.close();
  assertEquals((await reading(never).ended, task.requests.length), 3);
});

Deno.test("watch() also ends on a platform where an abort does not end the read of a response", async () => {
  const task = new FakeTask();
  task.hangs = true;
  const toEnd = reading(watch(task));
  const abort = new AbortController();
  const aborted = reading(watch(task, { signal: abort.signal }));
  await settled();
  abort.abort();
  assertEquals(await aborted.ended.catch(({ name }) => name), "AbortError");
  task.end();
  await toEnd.ended;
  assertEquals([told(toEnd.events), task.timers], [["complete 3"], 0]);
});

Deno.test("watch() gives a rewind in its place, also when it resumes after an output that was taken back", async () => {
  const task = new FakeTask();
  task.row("output");
  task.row("output");
  const rewinds: unknown[] = [];
  const called = watch(task, { onrewind: (rewind) => void rewinds.push(rewind) });
  const { events, ended } = reading(watch(task));
  await settled();
  task.rewind(2);
  task.row("output");
  const late = reading(watch(task, { lastEventId: "3" }));
  const fresh = reading(watch(task));
  await settled();
  task.end();
  await Promise.all([ended, late.ended, fresh.ended, called.finished]);
  const end = "complete 7";
  assertEquals(told(events), ["output 2", "output 3", "rewind 4", "output 5", end]);
  assertEquals(told(late.events), ["rewind 4", "output 5", end]);
  assertEquals(told(fresh.events), ["output 2", "rewind 4", "output 5", end]);
  assertEquals(rewinds, [{ seq: 4, time: "", after: 2 }]);
});

Deno.test("watch() runs by itself if it has only `onstep` or `onartifact`", async () => {
  const task = new FakeTask();
  task.step("charge");
  task.artifact("a.pdf");
  const called: string[] = [];
  watch(task, { onstep: ({ name, status }) => called.push(`${name} ${status}`) });
  watch(task, { onartifact: ({ name }) => called.push(name) });
  await settled();
  assertEquals(called.toSorted(), ["a.pdf", "charge done"]);
  task.end();
  await settled();
  assertEquals(task.open, 0);
});

Deno.test("watch() needs a `base` if its script is not from an HTTP address", () => {
  assertThrows(() => new TaskWatch("x", {}), TypeError, "'base' must be");
  assertThrows(() => new TaskWatch("x", { base: "ftp://x" }), TypeError, "'base' must be");
});

type Step = (task: FakeTask) => unknown;

const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.constant((task: FakeTask) => task.row()) },
  { weight: 2, arbitrary: fc.constant((task: FakeTask) => task.row("output")) },
  {
    weight: 6,
    arbitrary: fc.nat(100).map((progress) => (task: FakeTask) => task.report({ progress })),
  },
  fc.nat(2).map((attempt) => (task: FakeTask) => {
    task.report({ status: attempt === 0 ? "pending" : "running", attempt });
  }),
  fc.constant((task: FakeTask) => task.drop()),
  fc.constant((task: FakeTask) => task.close()),
  fc.constant((task: FakeTask) => task.beat()),
  fc.constantFrom(0, 200, 503).map((status) => (task: FakeTask) => task.status = status),
  fc.oneof(fc.nat(2000), fc.constant(Infinity)).map((bytes) => (task: FakeTask) =>
    task.breaksAfter = bytes
  ),
  fc.integer({ min: 1, max: 300 }).map((bytes) => (task: FakeTask) => task.chunkBytes = bytes),
  fc.nat(60_000).map((ms) => (task: FakeTask) => task.pass(ms)),
  fc.nat(60_000).map((ms) => (task: FakeTask) => task.sleep(ms)),
);

Deno.test("watch() gives every row once and in order, however the network breaks and however slow the reader", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(steps, { minLength: 5, maxLength: 60 }),
      fc.nat(3),
      async (history, dawdling) => {
        const task = new FakeTask();
        const pace = async () => {
          for (let n = 0; n < dawdling; n++) await settled();
        };
        const { events, ended } = reading(watch(task), pace);
        for (const step of history) await step(task);
        task.status = 200;
        task.breaksAfter = Infinity;
        task.end();
        let over = false;
        ended.finally(() => over = true).catch(() => {});
        while (!over) await task.pass(30_000);
        await ended;
        assertEquals(told(events), task.told);
        assertRising(ids(events));
        const end = events.at(-1)!;
        assert(end.type === "complete");
        assertEquals(end.data as TaskRecord, { ...task.record, result: "done" });
        assertEquals([task.open, task.timers], [0, 0]);
      },
    ),
    { numRuns: 60 },
  );
});
