import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  artifact,
  defineTask,
  FinalError,
  log,
  output,
  save,
  sleep,
  step,
  waitFor,
  type Yield,
} from "headway";
import { FakeClock, runTask } from "headway/testing";
import { z } from "zod";

/** A task with steps, sleeps and a signal, and the list of the steps that it did. */
function workflow() {
  const did: string[] = [];
  const task = defineTask({
    kind: "workflow",
    async *run({ stepKey }) {
      const one = yield* step("one", ({ key }) => {
        did.push("one");
        return { key, n: did.length };
      });
      yield log("one", one);
      yield* sleep("short", 500);
      const none = yield* step("none", () => {
        did.push("none");
      });
      yield* sleep("long", { days: 400 });
      const said = yield* waitFor("said", { schema: z.object({ at: z.coerce.date() }) });
      yield output(said.at.getUTCFullYear());
      return { one, none: none === undefined, same: one.key === stepKey("one") };
    },
  });
  return { task, did };
}

Deno.test("step() does its work once, whatever yield a crash cuts the task off at", async () => {
  const signals = { said: { at: "2031-02-03" } };
  const { task, did } = workflow();
  const whole = await runTask(task, null, { signals });
  assertEquals([whole.status, whole.outputs, did], ["completed", [2031], ["one", "none"]]);
  for (let crashAfter = 1; crashAfter <= whole.yields; crashAfter++) {
    const { task, did } = workflow();
    const { result, record } = await runTask(task, null, { signals, crashAfter });
    assertEquals(result, whole.result);
    assertEquals(did, ["one", "none"]);
    assertEquals(record.attempt, 1);
  }
});

Deno.test("sleep() counts from when the task first reached it, and takes a Date", async () => {
  const task = defineTask({
    kind: "sleeper",
    async *run() {
      yield* sleep("short", { seconds: 9 });
      yield log("between");
      yield* sleep("date", new Date("2030-02-01T00:00:00.000Z"));
      yield* sleep("past", new Date("2029-01-01T00:00:00.000Z"));
      yield* sleep("none", 0);
    },
  });
  for (const crashAfter of [undefined, 1, 2, 3, 4, 5]) {
    const clock = new FakeClock("2030-01-01T00:00:00.000Z");
    const { events, status } = await runTask(task, null, {
      clock,
      ...(crashAfter ? { crashAfter } : {}),
    });
    assertEquals([status, clock.date.toISOString()], ["completed", "2030-02-01T00:00:00.000Z"]);
    const between = events.find(({ type }) => type === "log");
    assertEquals((between!.data as { time: string }).time, "2030-01-01T00:00:09.000Z");
  }
});

Deno.test("step() retries as its options say, and then throws the last error into the task", async () => {
  let tries = 0;
  const task = defineTask({
    kind: "flaky",
    async *run() {
      const fails = () => {
        tries++;
        throw new RangeError("not yet");
      };
      try {
        yield* step("fails", fails, { retry: { maxAttempts: 3, baseMs: 60_000 } });
      } catch (error) {
        return `${(error as Error).message} after ${tries}`;
      }
    },
  });
  const { result, dataOf } = await runTask(task);
  assertEquals(result, "not yet after 3");
  assertEquals(dataOf("log").map(({ level }) => level), ["warn", "warn"]);
  const states = dataOf("step").map(({ status, error }) => [status, error?.name]);
  assertEquals(states, [["running", undefined], ["failed", "RangeError"]]);
});

Deno.test("step() is not tried again after a FinalError, and stores nothing when it throws", async () => {
  const tries: number[] = [];
  const task = defineTask({
    kind: "final",
    retry: { maxAttempts: 3 },
    async *run({ attempt }) {
      return yield* step("twice", () => {
        tries.push(attempt);
        if (attempt === 1) throw new Error("at first");
        throw new FinalError("never");
      }, { retry: { maxAttempts: 2 } });
    },
  });
  const { status, error } = await runTask(task);
  assertEquals([status, error?.message, tries], ["failed", "never", [1, 1, 2]]);
});

Deno.test("step() gives up a try that takes longer than its timeout, and aborts the signal of its work", async () => {
  const told = Promise.withResolvers<unknown>();
  const task = defineTask({
    kind: "slow",
    async *run() {
      yield* step("slow", ({ signal }) => {
        signal.addEventListener("abort", () => told.resolve(signal.reason));
        return new Promise(() => {});
      }, { timeout: 1 });
    },
  });
  const { status, error } = await runTask(task);
  assertEquals([status, error?.name], ["failed", "TimeoutError"]);
  assertEquals((await told.promise as Error).name, "TimeoutError");
});

Deno.test("a canceled task stops in the middle of a step, and its finally blocks run", async () => {
  const abort = new AbortController();
  const left: string[] = [];
  const task = defineTask({
    kind: "stuck",
    async *run() {
      try {
        yield* step("stuck", () => {
          abort.abort();
          return new Promise(() => {});
        });
      } finally {
        left.push("finally");
      }
    },
  });
  const { status } = await runTask(task, null, { signal: abort.signal });
  assertEquals([status, left], ["canceled", ["finally"]]);
});

Deno.test("a task that waits for a signal runs its finally blocks first, and keeps what they yield", async () => {
  const task = defineTask({
    kind: "tidy",
    async *run({ checkpoint }) {
      try {
        if (checkpoint?.saved !== true) yield* waitFor("go", { timeout: 1000 });
      } finally {
        yield output("left");
        yield save({ saved: true });
      }
      return "on";
    },
  });
  // Without the signal it has to wait, and leaves its run.
  const { result, outputs, checkpoint } = await runTask(task);
  assertEquals([result, checkpoint], ["on", { saved: true }]);
  assertEquals(outputs, ["left", "left"]);
});

Deno.test("runTask() keeps signals and artifacts, whatever yield a crash cuts the task off at", async () => {
  const task = defineTask({
    kind: "both",
    async *run() {
      const first = yield* step("first", () => "one");
      yield* artifact("a", first);
      const said = yield* waitFor("said");
      yield output(said);
      yield* artifact("b", `${first} ${said}`);
      return "x".repeat(50_000);
    },
  });
  const textOf = ({ bytes }: { bytes: Uint8Array }) => new TextDecoder().decode(bytes);
  const signals = { said: "two" };
  const { yields } = await runTask(task, null, { signals });
  for (let crashAfter = 1; crashAfter <= yields; crashAfter++) {
    const run = await runTask(task, null, { signals, crashAfter });
    assertEquals([run.status, run.outputs, run.result?.length], ["completed", ["two"], 50_000]);
    assertEquals(run.artifacts.map(({ name }) => name), ["a", "b", "result.json"]);
    assertEquals(run.artifacts.slice(0, 2).map(textOf), ["one", "one two"]);
    assertEquals(run.record.artifacts?.length, 3);
  }
});

Deno.test("waitFor() returns undefined at its timeout, and drops a signal that its schema refuses", async () => {
  const task = defineTask({
    kind: "asks",
    async *run() {
      const schema = z.object({ ok: z.boolean() });
      const answer = yield* waitFor("approve", { schema, timeout: { hours: 2 } });
      return answer?.ok ?? "nobody";
    },
  });
  const clock = new FakeClock("2030-01-01T00:00:00.000Z");
  assertEquals((await runTask(task, null, { clock })).result, "nobody");
  assertEquals(clock.date.toISOString(), "2030-01-01T02:00:00.000Z");
  const wrong = await runTask(task, null, { signals: { approve: { ok: "yes" } } });
  assertEquals([wrong.result, wrong.dataOf("log").length], ["nobody", 1]);
  assertEquals((await runTask(task, null, { signals: { approve: { ok: true } } })).result, true);
});

Deno.test("runTask() rejects, with the name of the signal, if a task waits for one that nobody sends", async () => {
  const task = defineTask({
    kind: "asks",
    async *run() {
      yield* waitFor("approve");
    },
  });
  await assertRejects(() => runTask(task), Error, "'approve'");
});

Deno.test("step(), sleep() and waitFor() fail the task if they are invalid, and say why", async () => {
  const circle: Record<string, unknown> = {};
  circle.self = circle;
  const wrong: [string, () => AsyncGenerator<Yield, unknown, void>][] = [
    ["twice", async function* () {
      yield* step("a", () => 1);
      yield* step("a", () => 2);
    }],
    ["name", () => step("", () => 1)],
    ["name", () => step("a\nb", () => 1)],
    ["name", () => sleep("x".repeat(129), 1)],
    ["function", () => step("a", 1 as never)],
    ["duration", () => sleep("a", -1)],
    ["duration", () => sleep("a", { hour: 1 } as never)],
    ["Date", () => sleep("a", new Date(NaN))],
    ["duration", () => waitFor("a", { timeout: NaN })],
    ["answer", () => step("a", () => circle)],
    ["answer", () => step("a", () => new Map())],
    ["49024", () => step("a", () => "x".repeat(60_000))],
    ["retry.maxAttempts", () => step("a", () => 1, { retry: { maxAttempts: 0 } })],
  ];
  for (const [said, make] of wrong) {
    const task = defineTask({
      kind: "wrong",
      async *run() {
        return yield* make();
      },
    });
    const { status, error } = await runTask(task);
    assertEquals(status, "failed");
    assert(error!.message.includes(said), `${said}: ${error!.message}`);
  }
});

Deno.test("sleep() refuses a name that an earlier run used for a step", async () => {
  const task = defineTask({
    kind: "changed",
    async *run({ checkpoint }) {
      if (checkpoint === undefined) {
        yield* step("a", () => 1);
        yield save(true);
        yield log("cut off here");
      }
      yield* sleep("a", 5);
    },
  });
  const { error } = await runTask(task, null, { crashAfter: 3 });
  assert(error!.message.includes("used the name for step before"), error!.message);
});
