// deno-lint-ignore-file require-yield -- tasks of every shape
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { defineTask, FinalError, log, output, pause, progress, save } from "headway";
import { FakeClock, runTask, type TestEvent } from "headway/testing";
import { z } from "zod";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true
  : false;

function holds<_Claim extends true>(): void {}

const rows = defineTask({
  kind: "rows",
  input: z.object({ total: z.number().default(3) }),
  checkpoint: z.object({ done: z.number() }),
  version: 2,
  migrate: (old, from) => from === 1 ? { done: old.line } : undefined,
  async *run({ input, checkpoint }) {
    for (let done = checkpoint?.done ?? 0; done < input.total; done++) {
      yield progress({ done: done + 1, total: input.total, unit: "rows" });
      yield log(`row ${done}`, { done });
      yield output({ row: done });
      yield save({ done: done + 1 });
    }
    return { rows: input.total };
  },
});

function types(events: readonly TestEvent<unknown>[]): string {
  return events.map(({ type }) => type).join(" ");
}

Deno.test("runTask() returns the events of a run, as a stream sends them, and its result", async () => {
  const { status, result, error, events, outputs, checkpoint, yields, record } = await runTask(
    rows,
    { total: 1 },
  );
  assertEquals({ status, result, error, outputs, checkpoint, yields }, {
    status: "completed",
    result: { rows: 1 },
    error: null,
    outputs: [{ row: 0 }],
    checkpoint: { done: 1 },
    yields: 4,
  });
  assertEquals(types(events), "progress log output save complete");
  const [reported, logged, put, saved, ended] = events;
  assert(reported?.type === "progress");
  const { progress: percent, done, total, unit, seq } = reported.data;
  assertEquals({ percent, done, total, unit, seq }, {
    percent: 100,
    done: 1,
    total: 1,
    unit: "rows",
    seq: 1,
  });
  const time = "2030-01-01T00:00:00.000Z";
  assertEquals(logged, {
    type: "log",
    data: { seq: 2, level: "info", message: "row 0", time, data: { done: 0 } },
  });
  assertEquals(put, { type: "output", data: { seq: 3, data: { row: 0 }, time } });
  assertEquals(saved, { type: "save", data: { done: 1 } });
  assertEquals(ended, { type: "complete", data: record });
  assertEquals([record.kind, record.attempt, record.seq], ["rows", 1, 4]);
});

Deno.test("runTask() infers the types of the task's outputs, checkpoint and result", async () => {
  const run = await runTask(rows, {});
  holds<Equal<typeof run.outputs, { row: number }[]>>();
  holds<Equal<typeof run.checkpoint, { done: number } | undefined>>();
  if (run.status === "completed") holds<Equal<typeof run.result, { rows: number }>>();
  else holds<Equal<typeof run.result, null>>();
  if (run.status === "failed") holds<Equal<typeof run.stack, string>>();
  for (const event of run.events) {
    if (event.type === "output") holds<Equal<typeof event.data.data, { row: number }>>();
    if (event.type === "save") holds<Equal<typeof event.data, { done: number }>>();
  }
  const saves = run.dataOf("save");
  holds<Equal<typeof saves, { done: number }[]>>();
  const retries = run.dataOf("retry");
  holds<Equal<(typeof retries)[0]["checkpoint"], { done: number } | undefined>>();
  const wrong = [
    // @ts-expect-error No text where a number is.
    () => runTask(rows, { total: "1" }),
    // @ts-expect-error Not what it saves.
    () => runTask(rows, {}, { checkpoint: { line: 1 } }),
    // @ts-expect-error A version without a checkpoint.
    () => runTask(rows, {}, { version: 1 }),
    // @ts-expect-error No event's type.
    () => run.dataOf("saved"),
  ];
  assertEquals(wrong.length, 4);
});

Deno.test("runTask() gives the same result after a crash at any yield, and reports the crash", async () => {
  const whole = await runTask(rows, {});
  assertEquals(whole.yields, 12);
  for (let crashAfter = 1; crashAfter <= whole.yields; crashAfter++) {
    const run = await runTask(rows, {}, { crashAfter });
    assertEquals(run.result, whole.result);
    assertEquals(run.outputs, whole.outputs);
    assertEquals(run.record.attempt, 1);
    const crash = run.events.find((event) => event.type === "crash");
    const done = Math.floor(crashAfter / 4);
    assertEquals(crash?.data, { after: crashAfter, checkpoint: done > 0 ? { done } : undefined });
    const before = run.events.slice(0, run.events.indexOf(crash!));
    assertEquals(before.length, crashAfter);
    assertEquals(run.yields, crashAfter + 12 - 4 * done);
  }
  const run = await runTask(rows, {}, { crashAfter: 99 });
  assertEquals([run.yields, types(run.events).includes("crash")], [12, false]);
});

Deno.test("runTask() takes back the outputs that a failed attempt yielded after its last checkpoint", async () => {
  const task = defineTask({
    kind: "t",
    retry: { maxAttempts: 3 },
    async *run({ attempt, checkpoint = 0 }) {
      if (attempt === 1) {
        yield output(1);
        yield save(1);
      }
      yield output(10 * attempt + checkpoint);
      if (attempt < 3) throw new Error("once more");
    },
  });
  const { events, outputs, dataOf } = await runTask(task);
  assertEquals(outputs, [1, 31]);
  assertEquals(
    types(events),
    "output save output retry rewind output retry rewind output complete",
  );
  const [first, second] = dataOf("rewind");
  const seqs = dataOf("output").map(({ seq }) => seq);
  assertEquals([first?.after, second?.after], [seqs[0], seqs[0]]);
  assert(seqs[1]! < first!.seq && first!.seq < seqs[2]! && seqs[2]! < second!.seq);
});

Deno.test("runTask() cuts a run off as a crash does: no code of that run continues", async () => {
  const seen: string[] = [];
  const task = defineTask({
    kind: "t",
    async *run({ checkpoint, signal }) {
      signal.addEventListener("abort", () => seen.push("abort"));
      try {
        yield save(1);
        seen.push(`went on from ${checkpoint}`);
      } finally {
        seen.push("finally");
      }
    },
  });
  await runTask(task, null, { crashAfter: 1 });
  assertEquals(seen, ["went on from 1", "finally"]);
});

Deno.test("runTask() starts from a given checkpoint, and migrates one that older code saved", async () => {
  assertEquals((await runTask(rows, {}, { checkpoint: { done: 2 } })).outputs, [{ row: 2 }]);
  assertEquals((await runTask(rows, {}, { checkpoint: { line: 2 }, version: 1 })).outputs, [{
    row: 2,
  }]);
  assertEquals((await runTask(rows, {}, { checkpoint: { x: 2 }, version: 0 })).outputs.length, 3);
  const newer = await runTask(rows, {}, { checkpoint: { done: 2 }, version: 3 });
  assertEquals([newer.status, newer.error?.name], ["failed", "CheckpointError"]);
});

Deno.test("runTask() refuses an invalid input, as a submit does, and invalid options", async () => {
  const error = await assertRejects(() => runTask(rows, { total: "1" as unknown as number }));
  assertStringIncludes(`${error}`, "TypeError: Cannot run 'rows': input.total: ");
  await assertRejects(() => runTask(rows, { total: new Map() as unknown as number }), TypeError);
  for (const wrong of [0, -1, 1.5, NaN]) {
    for (const name of ["crashAfter", "chunkBytes"]) {
      await assertRejects(() => runTask(rows, {}, { [name]: wrong }), RangeError, `'${name}'`);
    }
  }
});

Deno.test("runTask() retries a failed attempt from its checkpoint, and waits by its fake clock alone", async () => {
  const clock = new FakeClock("2030-05-01T12:00:00Z");
  const task = defineTask({
    kind: "t",
    retry: { maxAttempts: 3, baseMs: 3_600_000, capMs: 10_000_000 },
    async *run({ attempt, checkpoint }) {
      yield output(`attempt ${attempt} from ${checkpoint}`);
      yield save(attempt);
      if (attempt < 3) throw new RangeError(`attempt ${attempt}`);
      return attempt;
    },
  });
  const run = await runTask(task, null, { clock });
  assertEquals(run.outputs, ["attempt 1 from undefined", "attempt 2 from 1", "attempt 3 from 2"]);
  assertEquals([run.status, run.result, run.record.attempt], ["completed", 3, 3]);
  assertEquals(run.dataOf("retry"), [
    {
      attempt: 1,
      error: { name: "RangeError", message: "attempt 1" },
      retry_in_ms: 3_600_000,
      checkpoint: 1,
    },
    {
      attempt: 2,
      error: { name: "RangeError", message: "attempt 2" },
      retry_in_ms: 7_200_000,
      checkpoint: 2,
    },
  ]);
  assertEquals(clock.date.toISOString(), "2030-05-01T15:00:00.000Z");
  assertEquals(run.record.finished_at, "2030-05-01T15:00:00.000Z");
});

Deno.test("runTask() returns the error and the stack of a task that failed", async () => {
  const error = new FinalError("There is no customer 7", { cause: new Error("404") });
  const task = defineTask({
    kind: "t",
    retry: { maxAttempts: 5 },
    async *run() {
      yield 1;
      throw error;
    },
  });
  const run = await runTask(task);
  assert(run.status === "failed");
  assertEquals(run.error, {
    name: "FinalError",
    message: "There is no customer 7",
    cause: { name: "Error", message: "404" },
  });
  assertStringIncludes(run.stack, "run_task_test.ts");
  assertEquals([run.result, run.record.attempt], [null, 1]);
});

Deno.test("runTask() throws into the task for an invalid yield, as Headway does", async () => {
  const task = defineTask({
    kind: "t",
    async *run() {
      const caught: string[] = [];
      for (const value of [output(new Map()), save(new Date()), Symbol("x") as unknown as number]) {
        try {
          yield value;
        } catch (error) {
          caught.push((error as Error).name);
        }
      }
      return caught;
    },
  });
  const run = await runTask(task);
  assertEquals([run.result, run.yields], [["TypeError", "TypeError", "TypeError"], 3]);
  const unkept = defineTask({
    kind: "t",
    async *run() {
      return { when: new Set() };
    },
  });
  assertStringIncludes((await runTask(unkept)).error!.message, "Cannot keep result.when");
});

Deno.test("pause() in a tested task takes no real time, and concurrent pauses end in order", async () => {
  const clock = new FakeClock();
  const began = clock.now;
  const task = defineTask({
    kind: "t",
    async *run({ signal }) {
      const order: string[] = [];
      const wait = async (ms: number) => {
        await pause(ms, signal);
        order.push(`${ms}`);
      };
      yield "waits";
      await Promise.all([wait(86_400_000), wait(1), wait(3_600_000)]);
      yield "has waited";
      return order;
    },
  });
  const run = await runTask(task, null, { clock });
  assertEquals(run.result, ["1", "3600000", "86400000"]);
  assertEquals(clock.now - began, 86_400_000);
  const times = run.dataOf("progress").map(({ updated_at }) => updated_at);
  assertEquals(times, ["2030-01-01T00:00:00.000Z", "2030-01-02T00:00:00.000Z"]);
});

Deno.test("runTask() stops an attempt at its time-out, and retries the task", async () => {
  const clean: number[] = [];
  const task = defineTask({
    kind: "t",
    timeout: 60_000,
    retry: { maxAttempts: 2, baseMs: 1000 },
    async *run({ signal, attempt }) {
      try {
        yield "begins";
        await pause(attempt === 1 ? 61_000 : 59_000, signal);
        return "in time";
      } finally {
        clean.push(attempt);
      }
    },
  });
  const run = await runTask(task);
  const retry = run.events.find((event) => event.type === "retry");
  assertEquals(retry?.data.error.name, "TimeoutError");
  assertEquals([run.result, clean], ["in time", [1, 2]]);
});

Deno.test("runTask() cancels a task when its signal aborts: before, in and between attempts", async () => {
  const cancel = new AbortController();
  const task = defineTask({
    kind: "t",
    retry: { maxAttempts: 2 },
    async *run({ signal }) {
      try {
        yield "begins";
        cancel.abort();
        await pause(1000, signal);
      } finally {
        yield log("cleaned up");
      }
    },
  });
  const run = await runTask(task, null, { signal: cancel.signal });
  assertEquals([run.status, run.result, run.error], ["canceled", null, null]);
  assertEquals(types(run.events), "progress log complete");
  const before = await runTask(task, null, { signal: cancel.signal });
  assertEquals([before.status, before.yields], ["canceled", 0]);
  const fails = defineTask({
    kind: "t",
    retry: { maxAttempts: 9, baseMs: 1000 },
    async *run({ attempt }) {
      yield attempt;
      throw new Error(`attempt ${attempt}`);
    },
  });
  const later = new AbortController();
  const clock = new FakeClock();
  clock.after(1500, () => later.abort());
  const between = await runTask(fails, null, { signal: later.signal, clock });
  assertEquals([between.status, between.error?.message], ["canceled", "attempt 2"]);
});

Deno.test("a tested task reads uploads from memory", async () => {
  const large = new Uint8Array(150_000).map((_, n) => n % 251);
  const uploads = { text: "héllo", large, file: new File(["x,y\n"], "points.csv") };
  const task = defineTask({
    kind: "t",
    input: z.object({ upload: z.string(), offset: z.number().optional() }),
    async *run({ input: { upload: id, offset }, upload, uploadInfo }) {
      const { size, sha256, name } = await uploadInfo(id);
      const bytes = new Uint8Array(await new Response(upload(id, { offset: offset ?? 0 })).bytes());
      return { size, sha256, name, read: bytes.length, last: bytes.at(-1) ?? null };
    },
  });
  const read = async (upload: string, offset?: number) =>
    (await runTask(task, { upload, offset }, { uploads })).result;
  assertEquals((await read("large"))?.read, 150_000);
  assertEquals((await read("large", 149_999))?.last, large.at(-1));
  assertEquals(await read("file"), {
    size: 4,
    sha256: "9c6536d38fa37da58fac066342747e6d20fdace12ab5b287cf04506f2afe95b0",
    name: "points.csv",
    read: 4,
    last: 10,
  });
  assertEquals([(await read("text"))?.size, (await read("text"))?.name], [6, null]);
  const missing = await runTask(task, { upload: "toString" }, { uploads });
  assertEquals(missing.error?.name, "NotFound");
});

Deno.test("runTask() rejects if a task yields without end", async () => {
  const task = defineTask({
    kind: "endless",
    async *run() {
      for (;;) yield undefined as unknown as number;
    },
  });
  await assertRejects(() => runTask(task), RangeError, "'endless'");
});

Deno.test("runTask() uses the clock of each concurrent run, and pause() outside of runs takes real time", async () => {
  const task = defineTask({
    kind: "t",
    input: z.number(),
    async *run({ input, signal }) {
      yield "waits";
      await pause(input, signal);
    },
  });
  const clocks = [new FakeClock(0), new FakeClock(0)];
  await Promise.all(clocks.map((clock, n) => runTask(task, 1000 * (n + 1), { clock })));
  assertEquals(clocks.map(({ now }) => now), [1000, 2000]);
  await pause(1, new AbortController().signal);
});

Deno.test("runTask() ends no pause() that a run left behind, once the run was cut off or is over", async () => {
  const clock = new FakeClock(0);
  const ticks: string[] = [];
  const task = defineTask({
    kind: "t",
    async *run({ signal, checkpoint = "first" }) {
      void (async () => {
        try {
          for (;;) {
            await pause(1000, signal);
            ticks.push(checkpoint);
          }
        } catch {
          ticks.push("caught");
        }
      })();
      await pause(1500, signal);
      yield save("second");
      await pause(2500, signal);
    },
  });
  await runTask(task, null, { clock, crashAfter: 1 });
  assertEquals([clock.now, ticks], [1500 + 1500 + 2500, ["first", "second", "second", "second"]]);
  await clock.wait(10_000);
  assertEquals(ticks.length, 4);
});

Deno.test("runTask() computes progress from stages, as Headway does", async () => {
  const task = defineTask({
    kind: "t",
    stages: { download: 1, parse: 3 },
    async *run() {
      yield progress({ stage: "download", done: 1, total: 2 });
      yield progress({ stage: "parse", done: 1, total: 2 });
    },
  });
  const run = await runTask(task);
  assertEquals(run.dataOf("progress").map(({ progress }) => progress), [12.5, 50]);
  assertEquals(run.record.stages?.map(({ name, weight }) => [name, weight]), [
    ["download", 1],
    ["parse", 3],
  ]);
});
