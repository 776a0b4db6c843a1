// deno-lint-ignore-file require-yield no-unsafe-finally -- tasks of every shape
import { assert, assertEquals, assertLess } from "@std/assert";
import fc from "fast-check";
import {
  type AnyTask,
  defineTask,
  FinalError,
  log,
  type OnError,
  output,
  pause,
  progress,
  save,
  sleep,
  type StandardSchema,
  waitFor,
  type Yield,
} from "headway";
import { z } from "zod";
import type { Answer } from "../../../lib/task/answer.ts";
import { ARTIFACT_BLOCK, MAX_RESULT } from "../../../lib/task/artifact_list.ts";
import { currentRun } from "../../../lib/child/current_run.ts";
import { Executor } from "../../../lib/child/executor.ts";
import { nextTurn } from "../../../lib/child/run_events.ts";
import { checkFromTasks } from "../../../lib/child/from_tasks.ts";
import { waiting } from "../../../lib/task/delay.ts";
import { hostileValues } from "../../helpers/hostile_values.ts";
import type { FromTasks, RunEnd, RunEvent, StopReason } from "../../../lib/child/protocol.ts";

type Body = AnyTask["run"];

/** The server's side of an executor that runs one kind, `t`. */
class Peer {
  readonly executor: Executor;
  readonly events: RunEvent[] = [];
  batches = 0;
  /** Milliseconds of the executor's clocks: the time of day, and the monotonic one. */
  now = 1000;
  elapsed = 0;
  /** Whether each batch is acknowledged at once. */
  acks = true;
  /** The content of the only upload; `null` if there is none. */
  upload: Uint8Array | null = null;
  /** The parts of artifacts that came, and why they are refused; `null` if they are taken. */
  readonly parts: string[] = [];
  refusal: string | null = null;
  onpart: () => void = () => {};
  /** What is stored under each name, and a signal that comes just before its wait closes. */
  answer: Answer | null = null;
  late: string | null = null;
  readonly #kinds = new Map<string, AnyTask>();
  readonly #waiting: { wanted: () => boolean; resolve: () => void }[] = [];

  constructor(run: Body, input?: z.ZodType, onError?: OnError) {
    this.define(defineTask({ kind: "t", run, ...(input ? { input } : {}) }));
    this.executor = new Executor({
      kinds: this.#kinds,
      send: (message) => this.#take(message),
      now: () => this.now,
      elapsed: () => this.elapsed,
      onError,
    });
  }

  /** Replaces the task of the kind `t`. */
  define(task: AnyTask): void {
    this.#kinds.set("t", task);
  }

  start(more: { run?: number; kind?: string; input?: unknown; checkpoint?: string } = {}): void {
    const { run = 1, kind = "t", input = null, checkpoint = null } = more;
    this.executor.receive({
      type: "start",
      parsed: false,
      run,
      kind,
      id: "id",
      attempt: 2,
      maxAttempts: 3,
      attemptAt: null,
      input: JSON.stringify(input),
      checkpoint,
      answers: 0,
    });
  }

  abort(reason: StopReason, run = 1): void {
    this.executor.receive({ type: "abort", run, reason });
  }

  ack(): void {
    this.executor.receive({ type: "ack" });
  }

  /** Resolves once `wanted` holds: now, or after a batch. */
  until(wanted: () => boolean): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (wanted()) resolve();
    else this.#waiting.push({ wanted, resolve });
    return promise;
  }

  /** Resolves with how a run ended. */
  async end(run = 1): Promise<RunEnd> {
    await this.until(() => this.events.some(([of, type]) => of === run && type === "end"));
    const ends = this.events.filter(([of, type]) => of === run && type === "end");
    assertEquals(ends.length, 1);
    return ends[0]![2] as RunEnd;
  }

  #part(run: number, part: string): void {
    this.parts.push(part);
    this.onpart();
    const kept = { name: "a", size: 1, type: "a/b", sha256: "" };
    const answer = this.refusal !== null
      ? { refused: this.refusal }
      : part === "end"
      ? { kept }
      : { taken: true as const };
    queueMicrotask(() => this.executor.receive({ type: "artifact", run, answer }));
  }

  #keep(request: number | null): void {
    if (request === null) return;
    queueMicrotask(() => this.executor.receive({ type: "kept", request }));
  }

  #take(message: FromTasks): void {
    if (message.type === "batch") {
      this.batches++;
      this.events.push(...message.events);
      for (const [run, type, what] of message.events) {
        if (type === "artifact") this.#part(run, "end");
        if (type === "answer") this.#keep(what.request);
      }
      if (this.acks) queueMicrotask(() => this.ack());
      for (const { wanted, resolve } of this.#waiting) if (wanted()) resolve();
    } else if (message.type === "ask") {
      const { request, closes = false } = message;
      const signal = closes ? this.late : null;
      const { answer } = this;
      queueMicrotask(() => this.executor.receive({ type: "answer", request, answer, signal }));
    } else if (message.type === "artifact") {
      this.#part(message.run, message.name);
    } else if (message.type === "bytes") {
      this.#part(message.run, "bytes");
    } else if (message.type === "info") {
      const { request, upload: upload_id } = message;
      const info = this.upload && {
        upload_id,
        size: this.upload.length,
        sha256: "",
        name: null,
        expires_at: "",
      };
      queueMicrotask(() => this.executor.receive({ type: "info", request, info }));
    } else if (message.type === "chunk") {
      const { request, offset } = message;
      const bytes = this.upload?.slice(offset, offset + 3) ?? new Uint8Array();
      queueMicrotask(() => this.executor.receiveBytes(request, bytes));
    }
  }
}

/** Runs a body. Returns its end, and the events before that. */
async function run(body: Body, input?: z.ZodType, value?: unknown): Promise<[RunEnd, RunEvent[]]> {
  const peer = new Peer(body, input);
  peer.start({ input: value });
  const end = await peer.end();
  await peer.executor.idle();
  return [end, peer.events.slice(0, -1)];
}

Deno.test("Executor sends what a generator yields, in order, and then how it ended", async () => {
  const [end, events] = await run(async function* () {
    yield log("one");
    yield output(2);
    yield save({ three: 3 });
    yield progress({ done: 4 });
    return { five: 5 };
  });
  assertEquals(events.map(([, type]) => type), ["log", "output", "save", "progress"]);
  assertEquals(events[3], [1, "progress", { at: 1000, done: 4 }]);
  assertEquals(end, { how: "returned", json: '{"five":5}' });
});

Deno.test("Executor conflates the progress of a run by field, and sends the last report before the end", async () => {
  const peer = new Peer(async function* () {
    for (let done = 1; done <= 200_000; done++) {
      yield progress(done === 1 ? { done, total: 200_000 } : { done });
    }
  });
  peer.start();
  assertEquals(await peer.end(), { how: "returned", json: null });
  const reports = peer.events.flatMap((event) => event[1] === "progress" ? [event[2]] : []);
  assertEquals(reports[0]?.total, 200_000);
  assertEquals(reports.at(-1)?.done, 200_000);
  assertLess(reports.length, 20_000);
});

Deno.test("Executor makes a yield wait while the server takes nothing", async () => {
  let yielded = 0;
  const peer = new Peer(async function* () {
    for (; yielded < 10_000; yielded++) yield log(String(yielded));
  });
  peer.acks = false;
  peer.start();
  await peer.until(() => peer.batches === 1);
  // Enough turns of the event loop for a run that does not wait.
  for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve));
  assertEquals(peer.batches, 1);
  assertLess(yielded, 5000);
  peer.acks = true;
  peer.ack();
  await peer.end();
  const rows = peer.events.flatMap((event) => event[1] === "log" ? [JSON.parse(event[2])] : []);
  assertEquals(rows.map(({ message }) => message), rows.map((_, n) => String(n)));
  assertEquals(rows.length, 10_000);
});

Deno.test("Executor gives a task its parsed input, checkpoint and attempt; an invalid input fails the run", async () => {
  const seen: unknown[] = [];
  const body: Body = async function* ({ input, checkpoint, attempt, taskId, signal }) {
    seen.push(input, checkpoint, attempt, taskId, signal.aborted);
  };
  const peer = new Peer(body, z.object({ n: z.int().default(7) }));
  peer.start({ input: {}, checkpoint: '{"at":3}' });
  await peer.end();
  assertEquals(seen, [{ n: 7 }, { at: 3 }, 2, "id", false]);
  const [end] = await run(body, z.object({ n: z.int() }), { n: "x" });
  assert(end.how === "threw" && end.error.name === "TypeError");
});

Deno.test("Executor fails a run whose kind is not loaded", async () => {
  const peer = new Peer(async function* () {});
  peer.start({ kind: "gone" });
  const end = await peer.end();
  assert(end.how === "threw" && end.error.message.includes("'gone'"));
});

Deno.test("Executor throws the error of an invalid value at its yield, where the task may catch it", async () => {
  const [end, events] = await run(async function* () {
    try {
      yield { done: NaN };
    } catch (error) {
      yield log(String(error));
    }
    return "went on";
  });
  assertEquals(end, { how: "returned", json: '"went on"' });
  assert(String(events[0]?.[2]).includes("'done' must be a number"));
  const [unhandled] = await run(async function* () {
    yield 10n as unknown as Yield;
  });
  assert(unhandled.how === "threw" && unhandled.error.name === "TypeError");
});

Deno.test("Executor fails a run whose result cannot be kept", async () => {
  for (const result of ["x".repeat(MAX_RESULT), 10n]) {
    const [end] = await run(async function* () {
      return result;
    });
    assert(end.how === "threw" && end.error.message.startsWith("Cannot keep"));
  }
});

Deno.test("Executor keeps a result too large for the record as an artifact, and ignores a late cancel", async () => {
  const peer = new Peer(async function* () {
    return "x".repeat(2 * ARTIFACT_BLOCK);
  });
  peer.onpart = () => peer.abort("cancel");
  peer.start();
  assertEquals(await peer.end(), { how: "returned", json: null, large: true });
  assertEquals(peer.parts, ["result.json", "bytes", "bytes", "bytes", "end"]);
  const refused = new Peer(async function* () {
    return "x".repeat(ARTIFACT_BLOCK);
  });
  refused.refusal = "there is no room";
  refused.start();
  const end = await refused.end();
  assert(end.how === "threw" && end.final === undefined);
  assertEquals(end.error.message, "Cannot keep artifact 'result.json' as there is no room");
});

Deno.test("Executor ends a quiescing run at its next checkpoint, or lets it return before that", async () => {
  const done: string[] = [];
  const gate = Promise.withResolvers<void>();
  const peer = new Peer(async function* ({ input, signal }) {
    try {
      yield log("began");
      await gate.promise;
      for (let row = 1; row <= 9; row++) {
        yield log(`row ${row}`);
        if (input === "saves" && row % 4 === 0) yield save({ row });
      }
      return "all";
    } finally {
      done.push(`${input} ${signal.aborted}`);
    }
  });
  for (const [n, input] of ["saves", "returns"].entries()) peer.start({ run: n + 1, input });
  await peer.until(() => peer.events.length >= 2);
  for (const run of [1, 2, 3]) peer.executor.receive({ type: "quiesce", run });
  gate.resolve();
  assertEquals(await peer.end(1), { how: "stopped", reason: "stop" });
  assertEquals(await peer.end(2), { how: "returned", json: '"all"' });
  const types = peer.events.filter(([run]) => run === 1).map(([, type]) => type);
  assertEquals(types, ["log", "log", "log", "log", "log", "save", "end"]);
  assertEquals(done.toSorted(), ["returns false", "saves true"]);
});

for (const reason of ["cancel", "timeout", "stop"] as const) {
  Deno.test(`Executor aborts the signal of a run on ${reason}, and lets it go on to its own end`, async () => {
    const done: string[] = [];
    const waiting = Promise.withResolvers<void>();
    const peer = new Peer(async function* ({ signal }) {
      try {
        yield log("began");
        waiting.resolve();
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        done.push(signal.reason.name);
        // Its signal told it to stop, so it may clean up and end by itself.
        yield log("the last");
        done.push("by itself");
      } finally {
        done.push("finally");
      }
    });
    peer.start();
    await waiting.promise;
    peer.abort(reason);
    peer.abort("cancel");
    assertEquals(await peer.end(), { how: "stopped", reason });
    assertEquals(done, ["AbortError", "by itself", "finally"]);
  });
}

Deno.test("Executor ends a run as stopped if it throws or returns after its signal aborted", async () => {
  const bodies: Body[] = [
    async function* ({ signal }) {
      yield 1;
      await new Promise((_, reject) =>
        signal.addEventListener("abort", () => reject(signal.reason))
      );
    },
    async function* ({ signal }) {
      yield 1;
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      return "too late";
    },
    async function* ({ signal }) {
      try {
        yield 1;
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        yield 2;
      } finally {
        throw new Error("in finally");
      }
    },
  ];
  for (const body of bodies) {
    const peer = new Peer(body);
    peer.start();
    await peer.until(() => peer.events.length === 1);
    peer.abort("cancel");
    const end = await peer.end();
    assert(end.how === "stopped" && end.reason === "cancel");
  }
});

Deno.test("Executor logs what a stopped run throws in its clean-up, unless that only says it was aborted", async () => {
  const silent = [
    (signal: AbortSignal) => signal.reason,
    (signal: AbortSignal) => new Error("no answer", { cause: signal.reason }),
    () => Object.assign(new Error("gone"), { code: "ERR_CANCELED" }),
  ];
  const told = [() => new Error("disk is full"), () => "disk is full"];
  for (const [make, rows] of [...silent.map((it) => [it, 0]), ...told.map((it) => [it, 1])]) {
    const peer = new Peer(async function* ({ signal }) {
      try {
        yield 1;
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
      } finally {
        throw (make as (signal: AbortSignal) => unknown)(signal);
      }
    });
    peer.start();
    await peer.until(() => peer.events.length === 1);
    peer.abort("cancel");
    const end = await peer.end();
    assert(end.how === "stopped" && end.reason === "cancel");
    const logged = peer.events.flatMap(([, type, json]) => type === "log" ? [json as string] : []);
    assertEquals(logged.length, rows);
    for (const row of logged.map((json) => JSON.parse(json))) {
      assertEquals(row.level, "warn");
      assertEquals(row.message, "The task threw while it stopped: disk is full");
    }
  }
});

Deno.test("Executor.stopAll() stops every run, and the abort of an unknown run does nothing", async () => {
  const peer = new Peer(async function* ({ signal }) {
    yield 1;
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
  });
  peer.abort("cancel", 99);
  peer.start({ run: 1 });
  peer.start({ run: 2 });
  await peer.until(() => peer.events.length === 2);
  peer.executor.stopAll();
  for (const run of [1, 2]) assertEquals(await peer.end(run), { how: "stopped", reason: "stop" });
  await peer.executor.idle();
});

Deno.test("upload() reads from any offset; upload() and uploadInfo() throw NotFound if there is no upload", async () => {
  const bytes = Uint8Array.from({ length: 20 }, (_, n) => n);
  for (const offset of [0, 1, 3, 19, 20, 21]) {
    const got: number[] = [];
    const peer = new Peer(async function* ({ upload, uploadInfo }) {
      for await (const chunk of upload("u", { offset })) got.push(...chunk);
      return (await uploadInfo("u")).size;
    });
    peer.upload = bytes;
    peer.start();
    assertEquals(await peer.end(), { how: "returned", json: "20" });
    assertEquals(got, [...bytes.subarray(offset)]);
  }
  const [gone] = await run(async function* ({ upload }) {
    for await (const _ of upload("u"));
  });
  assert(gone.how === "threw" && gone.error.name === "NotFound");
  const [info] = await run(async function* ({ uploadInfo }) {
    await uploadInfo("u");
  });
  assert(info.how === "threw" && info.error.name === "NotFound");
});

Deno.test("upload() refuses an offset that is not a whole number from 0", async () => {
  for (const offset of [-1, 1.5, NaN, Infinity, "3" as unknown as number]) {
    const peer = new Peer(async function* ({ upload }) {
      for await (const _ of upload("u", { offset }));
    });
    peer.upload = new Uint8Array(10);
    peer.start();
    const end = await peer.end();
    assert(end.how === "threw" && end.error.name === "RangeError", JSON.stringify(end));
  }
});

Deno.test("Executor sends batches that fit into a frame, even if all runs end at the same moment", async () => {
  const { promise: moment, resolve } = Promise.withResolvers<void>();
  const large = "x".repeat(40_000);
  const peer = new Peer(async function* () {
    await moment;
    yield progress({ message: "x".repeat(4096) });
    return large;
  });
  peer.acks = false;
  for (let run = 1; run <= 200; run++) peer.start({ run });
  resolve();
  let before = 0;
  const ends = () => peer.events.filter(([, type]) => type === "end").length;
  while (ends() < 200) {
    const { batches } = peer;
    await peer.until(() => peer.batches > batches);
    const size = peer.events.slice(before).reduce(
      (sum, event) => sum + JSON.stringify(event).length,
      0,
    );
    assertLess(size, 1.2 * 1024 * 1024);
    before = peer.events.length;
    queueMicrotask(() => peer.ack());
  }
  // The last progress of each run goes before its end.
  const order = new Map<number, string>();
  for (const [run, type] of peer.events) order.set(run, `${order.get(run) ?? ""} ${type}`);
  assertEquals(new Set(order.values()), new Set([" progress end"]));
});

Deno.test("CurrentRun.fail() ends the run whose code calls it, and no other, also from a timer or a promise", async () => {
  const cleaned: string[] = [];
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const peer: Peer = new Peer(async function* ({ input, signal }) {
    const fail = () => currentRun.getStore()?.fail(new RangeError(`by ${input}`), false);
    const aborted = new Promise((resolve) => signal.addEventListener("abort", resolve));
    try {
      yield log("begins");
      if (input === "itself") fail();
      if (input === "a timer") setTimeout(fail);
      if (input === "a promise") void Promise.resolve().then(fail);
      if (input === "nobody") {
        await gate;
        return "done";
      }
      await aborted;
      yield log("never said");
    } finally {
      cleaned.push(String(input));
    }
  });
  peer.start({ run: 9, input: "nobody" });
  const ways = ["itself", "a timer", "a promise"];
  for (const [run, input] of ways.entries()) {
    peer.start({ run, input });
    const end = await peer.end(run);
    assert(end.how === "threw");
    assertEquals(end.error, { name: "RangeError", message: `by ${input}` });
  }
  open();
  assertEquals(await peer.end(9), { how: "returned", json: '"done"' });
  assertEquals(cleaned.toSorted(), [...ways, "nobody"].toSorted());
  assertEquals(peer.events.filter(([, type]) => type === "log").length, 4);
  assertEquals(currentRun.getStore(), undefined);
});

Deno.test("CurrentRun.fail() ends a run as strayed if the error was uncaught", async () => {
  const peer: Peer = new Peer(async function* ({ signal }) {
    currentRun.getStore()!.fail(new RangeError("stray"), true);
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
  });
  peer.start({ run: 1 });
  const end = await peer.end(1);
  assert(end.how === "strayed");
  assertEquals([end.error.name, end.error.message], ["RangeError", "stray"]);
});

Deno.test("Executor ends a run once, with a name and a message, whatever it throws", async () => {
  await fc.assert(
    fc.asyncProperty(hostileValues(), async (make) => {
      const [end] = await run(async function* () {
        yield 1;
        throw make();
      });
      assert(end.how === "threw");
      assert(end.error.name.trim() !== "" && end.error.message.trim() !== "");
      const message = { type: "batch", events: [[1, "end", end]] };
      checkFromTasks(JSON.parse(JSON.stringify(message)));
    }),
  );
});

Deno.test("Executor marks the end of a run as final for a FinalError, and for a result that is not JSON", async () => {
  const finals: Body[] = [
    async function* () {
      throw new FinalError("no such customer", { cause: new Error("404") });
    },
    async function* () {
      return 10n;
    },
  ];
  for (const body of finals) {
    const [end] = await run(body);
    assert(end.how === "threw" && end.final);
  }
  const [end] = await run(async function* () {
    throw new Error("not itself", { cause: new FinalError("it is") });
  });
  assert(end.how === "threw" && end.final === undefined);
});

/** Starts a body, and aborts it once it waits. Returns its end, and the events before that. */
async function aborted(
  body: (waits: () => void) => Body,
  reason: StopReason = "cancel",
): Promise<[RunEnd, RunEvent[]]> {
  const { promise: waiting, resolve } = Promise.withResolvers<void>();
  const peer = new Peer(body(resolve));
  peer.start();
  await waiting;
  peer.abort(reason);
  return [await peer.end(), peer.events.slice(0, -1)];
}

/** The messages of the log rows among some events. */
function said(events: readonly RunEvent[]): string[] {
  return events.flatMap((event) => event[1] === "log" ? [JSON.parse(event[2]).message] : []);
}

for (const reason of ["cancel", "timeout", "stop"] as const) {
  Deno.test(`Executor lets a finally block that yields run to its end on ${reason}, and keeps its rows`, async () => {
    const done: string[] = [];
    const bodies: ((waits: () => void) => Body)[] = [
      (waits) =>
        async function* ({ signal }) {
          try {
            yield log("began");
            const paused = pause(2 ** 30, signal);
            waits();
            await paused;
          } finally {
            yield log("removing");
            await nextTurn();
            done.push("removed");
            yield log("removed");
          }
        },
      // Its clean-up waits before it yields.
      (waits) =>
        async function* ({ signal }) {
          try {
            const paused = pause(2 ** 30, signal);
            waits();
            await paused;
          } finally {
            for (let turn = 0; turn < 5; turn++) await nextTurn();
            yield log("removing");
            for (let turn = 0; turn < 5; turn++) await nextTurn();
            done.push("removed");
            yield log("removed");
          }
        },
      // It takes no signal.
      (waits) =>
        async function* () {
          try {
            for (;;) {
              yield log("began");
              waits();
              await nextTurn();
            }
          } finally {
            yield log("removing");
            await nextTurn();
            done.push("removed");
            yield log("removed");
          }
        },
    ];
    for (const body of bodies) {
      const [end, events] = await aborted(body, reason);
      assert(end.how === "stopped" && end.reason === reason);
      assertEquals(said(events).slice(-2), ["removing", "removed"]);
    }
    assertEquals(done, ["removed", "removed", "removed"]);
  });
}

Deno.test("Executor keeps a checkpoint and an output that a catch block yields after the abort", async () => {
  const body = (waits: () => void): Body =>
    async function* ({ signal }) {
      try {
        yield log("began");
        const paused = pause(2 ** 30, signal);
        waits();
        await paused;
      } catch (error) {
        yield save({ n: 7 });
        await nextTurn();
        yield output({ partial: 7 });
        throw error;
      }
    };
  const [end, events] = await aborted(body, "timeout");
  assert(end.how === "stopped" && end.reason === "timeout");
  assertEquals(events.map(([, type]) => type), ["log", "save", "output"]);
});

Deno.test("Executor ends an aborted run at a yield of its own clean-up, and runs the finally block around it", async () => {
  const done: string[] = [];
  const peer = new Peer(async function* ({ signal: _ }) {
    try {
      throw new Error("by itself");
    } finally {
      try {
        for (let n = 0; n < 10_000; n++) yield log("removing");
        done.push("behind the yield");
      } finally {
        yield log("closing");
        await nextTurn();
        done.push("around it");
        yield log("closed");
      }
    }
  });
  peer.acks = false;
  peer.start();
  await peer.until(() => peer.batches === 1);
  for (let turn = 0; turn < 100; turn++) await nextTurn();
  peer.abort("cancel");
  peer.acks = true;
  peer.ack();
  assertEquals((await peer.end()).how, "stopped");
  assertEquals([done, said(peer.events).slice(-2)], [["around it"], ["closing", "closed"]]);
});

Deno.test("Executor ends an aborted run that took no signal at its next yield, and keeps that yield", async () => {
  let steps = 0;
  const began = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const peer = new Peer(async function* () {
    began.resolve();
    await gate.promise;
    for (;;) {
      steps++;
      yield log("the last");
    }
  });
  peer.start();
  await began.promise;
  peer.abort("cancel");
  gate.resolve();
  assertEquals(await peer.end(), { how: "stopped", reason: "cancel" });
  assertEquals([steps, said(peer.events)], [1, ["the last"]]);
});

Deno.test("Executor stops a run that ignores its signal after a bounded number of yields", async () => {
  let cleaned = false;
  const body = (waits: () => void): Body =>
    async function* ({ signal }) {
      try {
        for (;;) {
          const paused = pause(2 ** 30, signal);
          waits();
          await paused.catch(() => {});
          yield log("this row failed");
        }
      } finally {
        cleaned = true;
      }
    };
  const [end] = await aborted(body);
  assertEquals([end, cleaned], [{ how: "stopped", reason: "cancel" }, true]);
});

Deno.test("Executor stops a run after a second if it may not have noticed that its signal aborted", async () => {
  let rows = 0;
  const began = Promise.withResolvers<void>();
  const peer: Peer = new Peer(async function* ({ signal: _ }) {
    began.resolve();
    for (;;) {
      for (let turn = 0; turn < 5; turn++) await nextTurn();
      peer.elapsed += 400;
      yield log(`row ${++rows}`);
    }
  });
  peer.start();
  await began.promise;
  peer.abort("cancel");
  assertEquals(await peer.end(), { how: "stopped", reason: "cancel" });
  assertEquals(rows, 4);
});

Deno.test("Executor gives other runs their turn while a run yields invalid values, and can stop that run", async () => {
  let mistakes = 0;
  const peer = new Peer(async function* ({ input }) {
    yield log("began");
    while (input === "wrong") {
      try {
        yield 10n as unknown as Yield;
      } catch {
        mistakes++;
      }
    }
    return "done";
  });
  peer.start({ run: 1, input: "wrong" });
  await peer.until(() => peer.events.length === 1);
  peer.start({ run: 2, input: "right" });
  assertEquals(await peer.end(2), { how: "returned", json: '"done"' });
  peer.abort("cancel", 1);
  assertEquals(await peer.end(1), { how: "stopped", reason: "cancel" });
  assert(mistakes > 0);
});

Deno.test("Executor takes nothing more from a run after it has sent its end", async () => {
  const cleaned = Promise.withResolvers<void>();
  const peer: Peer = new Peer(async function* () {
    try {
      yield log("began");
      currentRun.getStore()!.fail(new Error("exit()"), false);
      yield log("goes on");
    } finally {
      yield log("too late");
      cleaned.resolve();
    }
  });
  peer.start();
  const end = await peer.end();
  assert(end.how === "threw" && end.error.message === "exit()");
  await cleaned.promise;
  assertEquals(peer.events.at(-1)?.[1], "end");
});

Deno.test("Executor does not begin a run that was asked to stop before it began", async () => {
  let began = false;
  const peer = new Peer(async function* () {
    began = true;
  });
  peer.start();
  peer.abort("cancel");
  assertEquals(await peer.end(), { how: "stopped", reason: "cancel" });
  assert(!began);
});

Deno.test("Executor sends the stages of a kind first, and keeps the counts of each stage apart", async () => {
  const task = defineTask({
    kind: "t",
    stages: { download: 1, parse: 3 },
    async *run() {
      yield progress({ stage: "download", done: 100, total: 100 });
      yield progress({ stage: "parse" });
      yield progress({ done: 1, total: 2 });
    },
  });
  const peer = new Peer(task.run);
  peer.define(task);
  peer.start();
  await peer.end();
  const reports = peer.events.flatMap((event) => event[1] === "progress" ? [event[2]] : []);
  assertEquals(reports, [
    { at: 1000, stages: [["download", 1], ["parse", 3]], stage: "download", done: 100, total: 100 },
    { at: 1000, stage: "parse", done: 1, total: 2 },
  ]);
});

Deno.test("Executor throws at the yield of a checkpoint that does not fit its schema, and keeps none of it", async () => {
  const peer = new Peer(async function* () {});
  const seen: string[] = [];
  peer.define(defineTask({
    kind: "t",
    checkpoint: z.object({ offset: z.number() }),
    version: 7,
    async *run({ checkpoint }): AsyncGenerator<Yield, unknown, void> {
      yield log("before");
      try {
        yield save({ offset: "1" } as unknown as { offset: number });
      } catch (error) {
        seen.push(`${error}`);
      }
      yield save({ offset: 2 });
      return checkpoint;
    },
  }));
  peer.start({ checkpoint: '{"~headway":"checkpoint","version":7,"data":{"offset":1}}' });
  assertEquals(await peer.end(), { how: "returned", json: '{"offset":1}' });
  assertEquals(peer.events.map(([, type]) => type), ["log", "save", "end"]);
  assertEquals(
    peer.events[1]![2],
    '{"~headway":"checkpoint","version":7,"data":{"offset":2}}',
  );
  assertEquals(seen.length, 1);
  assert(seen[0]!.startsWith("TypeError: Cannot keep checkpoint.offset: "), seen[0]);
});

Deno.test("Executor begins no generator if newer code saved the checkpoint, and allows another attempt", async () => {
  const peer = new Peer(async function* () {});
  peer.define(defineTask({
    kind: "t",
    version: 1,
    run(): AsyncGenerator<Yield, void, void> {
      throw new Error("It began");
    },
  }));
  peer.start({ checkpoint: '{"~headway":"checkpoint","version":2,"data":{}}' });
  const end = await peer.end();
  assert(end.how === "threw");
  assertEquals([end.error.name, end.final], ["CheckpointError", undefined]);
});

/** A schema that never answers; `asked` resolves when it is first asked. */
function silent(): { schema: StandardSchema; asked: Promise<void> } {
  const asked = Promise.withResolvers<void>();
  const validate = () => {
    asked.resolve();
    return new Promise<never>(() => {});
  };
  return {
    schema: { "~standard": { version: 1, vendor: "test", validate } },
    asked: asked.promise,
  };
}

Deno.test("Executor stops a run at once if its input schema, checkpoint schema or migrate never answers", async () => {
  const [input, checkpoint] = [silent(), silent()];
  const migrating = Promise.withResolvers<void>();
  const base = {
    kind: "t",
    run(): AsyncGenerator<Yield, void, void> {
      throw new Error("It began");
    },
  };
  const migrate = () => {
    migrating.resolve();
    return new Promise<undefined>(() => {});
  };
  const tries: [AnyTask, Promise<void>][] = [
    [defineTask({ ...base, input: input.schema }), input.asked],
    [defineTask({ ...base, checkpoint: checkpoint.schema }), checkpoint.asked],
    [defineTask({ ...base, version: 1, migrate }), migrating.promise],
  ];
  for (const [task, waits] of tries) {
    const peer = new Peer(async function* () {});
    peer.define(task);
    peer.start({ checkpoint: "{}" });
    await waits;
    peer.abort("cancel");
    assertEquals(await peer.end(), { how: "stopped", reason: "cancel" });
  }
});

Deno.test("Executor stops a run at a save() whose schema never answers, and the run cleans up", async () => {
  const { schema, asked } = silent();
  const peer = new Peer(async function* () {});
  peer.define(defineTask({
    kind: "t",
    checkpoint: schema,
    async *run() {
      try {
        yield save(1);
      } finally {
        yield log("cleaned up");
      }
    },
  }));
  peer.start();
  await asked;
  peer.abort("cancel");
  const end = await peer.end();
  assert(end.how === "stopped" && end.reason === "cancel");
  assertEquals(peer.events.map(([, type]) => type), ["log", "end"]);
});

Deno.test("onError gets the very error that each attempt threw, before the end of the run is sent", async () => {
  const cause = new Error("no route");
  const thrown = [new RangeError("too far", { cause }), new FinalError("never"), "a text"];
  const told: unknown[][] = [];
  const throws = async function* ({ input }: { input: number }) {
    yield 1;
    throw thrown[input];
  };
  const { promise: held, resolve: release } = Promise.withResolvers<void>();
  const peer = new Peer(throws as Body, z.number(), (error, { taskId, kind, ...failed }) => {
    const { attempt, maxAttempts, willRetry } = failed;
    const run = currentRun.getStore()?.number;
    told.push([error, run, taskId, kind, attempt, maxAttempts, willRetry]);
    return held;
  });
  for (const [run, input] of [0, 1, 2].entries()) peer.start({ run, input });
  while (told.length < 3) await nextTurn();
  assertEquals(peer.events.some(([, type]) => type === "end"), false);
  release();
  for (const run of [0, 1, 2]) await peer.end(run);
  assertEquals(told.map(([error]) => thrown.indexOf(error as string)), [0, 1, 2]);
  assertEquals(told.map(([, ...more]) => more), [
    [0, "id", "t", 2, 3, true],
    [1, "id", "t", 2, 3, false],
    [2, "id", "t", 2, 3, true],
  ]);
});

Deno.test("onError gets a TimeoutError with its cause for a time-out, and is not called on cancel or stop", async () => {
  const told: unknown[] = [];
  let reached = Promise.withResolvers<void>();
  const body = async function* ({ signal }: { signal: AbortSignal }) {
    yield 1;
    reached.resolve();
    await pause(1e6, signal);
  };
  const peer = new Peer(body as Body, undefined, (error) => told.push(error));
  for (const [run, reason] of (["cancel", "stop", "timeout"] as const).entries()) {
    reached = Promise.withResolvers();
    peer.start({ run });
    await reached.promise;
    peer.abort(reason, run);
    await peer.end(run);
  }
  const [error] = told as [Error];
  assertEquals([told.length, error.name], [1, "TimeoutError"]);
  assertEquals((error.cause as Error).name, "AbortError");
});

Deno.test("onError that throws adds a row to the task's log, and does not change the task's error", async () => {
  const throws = async function* () {
    throw new Error("of the task");
  };
  const peer = new Peer(throws as Body, undefined, () => {
    throw new TypeError("of the hook");
  });
  peer.start();
  const end = await peer.end();
  assertEquals(end.how === "threw" && end.error.message, "of the task");
  const [[, , row]] = peer.events.filter(([, type]) => type === "log") as [RunEvent];
  const { level, message } = JSON.parse(row as string);
  assertEquals([level, message], ["warn", "onError threw TypeError: of the hook"]);
});

Deno.test("waitFor() takes a signal that comes just as its time ends, and gives up only once none can come", async () => {
  const peer = new Peer(async function* () {
    return [(yield* waitFor("go", { timeout: 1 })) ?? null];
  });
  peer.answer = { type: "signal", done: false, until: 999, json: null };
  for (const [n, late] of ["7", null].entries()) {
    peer.late = late;
    peer.start({ run: n });
    assertEquals(await peer.end(n), { how: "returned", json: late === null ? "[null]" : "[7]" });
  }
  const told = peer.events.flatMap(([, type, what]) => type === "answer" ? [what] : []);
  assertEquals(told.map(({ answer: { done, json }, takes }) => [done, json, takes]), [
    [true, "7", true],
    [true, null, true],
  ]);
});

Deno.test("sleep() waits no longer than its time, even if the clock is set back meanwhile", async () => {
  const peer = new Peer(async function* () {
    yield* sleep("a while", 5000);
  });
  const { by } = waiting;
  const waits: number[] = [];
  waiting.by = (ms) => {
    waits.push(ms);
    return Promise.resolve();
  };
  try {
    peer.start();
    await peer.until(() => {
      const kept = peer.events.some(([, type]) => type === "answer");
      if (kept) peer.now -= 24 * 3600_000;
      return kept;
    });
    assertEquals(await peer.end(), { how: "returned", json: null });
  } finally {
    waiting.by = by;
  }
  assertEquals(waits, [5000]);
});
