import { serialize } from "node:v8";
import { assert, assertEquals, assertLess, assertLessOrEqual } from "@std/assert";
import fc from "fast-check";
import { Journal } from "../../../lib/store/journal.ts";
import { type Key, keys, keyText } from "../../../lib/kv/keys.ts";
import { readEntry } from "../../../lib/kv/journal_entry.ts";
import { eventSize, parseJournal, parseRows } from "../../../lib/kv/event_text.ts";
import { isProgress, type TaskEvent } from "../../../lib/task/event.ts";
import { HEAD_DELAY_MS } from "../../../lib/kv/head.ts";
import { LiveTask, type LiveTaskHooks } from "../../../lib/store/live_task.ts";
import { createLogger } from "../../../lib/base/log.ts";
import { rankKey, rankOf } from "../../../lib/kv/rank.ts";
import { isFinished, type TaskRecord } from "../../../lib/task/record.ts";
import type { Report } from "../../../lib/task/report.ts";
import { type Change, newTask } from "../../../lib/task/state.ts";
import { errorOf } from "../../../lib/task/task_error.ts";
import { type Labels, labelsOf } from "../../../lib/task/labels.ts";
import { MAX_JSON } from "../../../lib/task/limits.ts";
import { type Head, unpack } from "../../../lib/kv/head.ts";
import type { Part, WriteResult } from "../../../lib/store/write.ts";

const ID = "01J0000000000000000000TEST";
const ROOM = 64_000;
const log = createLogger({ level: "off" });

function made(labels: Labels = {}, id = ID) {
  const spec = { id, kind: "k", maxAttempts: 3, priority: 0, runAt: 0, timeoutMs: null };
  return newTask({ ...spec, ...labels }, 0);
}

function textOf(value: unknown): string {
  return new TextDecoder().decode(value as Uint8Array);
}

/** A store of one task that takes parts, and knows what must hold after each. */
class Model {
  now = 0;
  live: LiveTask;
  /** All that was ever told. */
  journal: TaskEvent[] = [];
  /** Rows yielded; a checkpoint says how many there were before it. */
  yielded = 0;
  #keys = new Map<string, { key: Key; value: unknown; versionstamp: string }>();
  #commits = 0;
  readonly #hooks: LiveTaskHooks = {
    touch: () => {},
    pending: () => {},
    onwritten: () => {},
    now: () => this.now,
  };

  constructor(input: string | null, labels: Labels = {}) {
    this.live = LiveTask.created(made(labels), input, this.#hooks);
  }

  get<T>(key: Key): T | undefined {
    return this.#keys.get(keyText(key))?.value as T | undefined;
  }

  under(first: string): Key[] {
    return [...this.#keys.values()].map(({ key }) => key).filter((key) => key[0] === first);
  }

  get head(): Head | undefined {
    return this.get<Head>(keys.task(ID));
  }

  get rows() {
    const seqs = this.under("event").map((key) => Number(key[2])).sort((a, b) => a - b);
    return seqs.flatMap((seq) => parseRows(this.get(keys.event(ID, seq))!));
  }

  /** Writes a part; `false` when there was room for none. */
  commit(room: number): boolean {
    const part = this.live.render(room);
    if (part === null) return false;
    this.#apply(part, room);
    this.live.onresult({ ok: true, versionstamp: this.#versionstamp });
    this.check();
    return true;
  }

  /** Writes all that waits. */
  flush(): void {
    do assert(this.commit(ROOM)); while (!this.live.clean);
  }

  /** The process dies: another one has what was written, and what the journal knows beyond it. */
  crash(): void {
    const entry = this.#keys.get(keyText(keys.task(ID)));
    if (!entry) return;
    const stored = entry.value as Head;
    const last = this.journal.at(-1)!;
    const value = last.type === "progress" ? { ...stored, record: last.json } : stored;
    this.live = LiveTask.loaded({ ...entry, value }, this.#hooks);
  }

  get #versionstamp(): string {
    return String(this.#commits).padStart(20, "0");
  }

  #apply({ checks = [], sets = [], deletes = [], events = [] }: Part, room: number): void {
    for (const { key, versionstamp } of checks) {
      assertEquals(this.#keys.get(keyText(key))?.versionstamp ?? null, versionstamp);
    }
    this.#commits++;
    for (const key of deletes) this.#keys.delete(keyText(key));
    for (const [key, value, size] of sets) {
      if (value instanceof Uint8Array) assertEquals(value.length, size);
      this.#keys.set(keyText(key), { key, value, versionstamp: this.#versionstamp });
    }
    assertLessOrEqual(events.reduce((sum, event) => sum + eventSize(event), 0), room);
    for (const event of events) {
      // An event a seq, no gap; a head that catches up says again what was the last.
      const last = this.journal.at(-1)?.seq ?? 0;
      if (event.type !== "head" || event.seq !== last) assertEquals(event.seq, last + 1);
      this.journal.push(event);
    }
  }

  check(): void {
    const head = this.head;
    assert(head);
    const { record, ...task } = unpack(head);
    const { rows } = this;
    const kept = this.journal.filter(({ type }) => !isProgress(type));
    assertEquals(rows, kept.map(({ type, seq, json }) => ({ type, seq, json })));
    // The head is level with the journal but for progress.
    const beyond = this.journal.filter(({ seq }) => seq > record.seq);
    assert(beyond.every(({ type }) => type === "progress"));
    assertLessOrEqual(record.seq, this.journal.at(-1)!.seq);
    // It stands where its rows say.
    const told = rows.findLast(({ type }) => type === "message");
    assertEquals(record.status, (JSON.parse(told!.json) as TaskRecord).status);
    const ended = rows.at(-1)?.type === "complete" &&
      this.journal.every(({ seq, type }) => type === "head" || seq <= rows.at(-1)!.seq);
    if (record.status === "completed") assert(ended, "completed without its end");
    if (ended) assert(isFinished(record.status));
    const logged = rows.filter(({ type }) => type === "log" || type === "output");
    assertEquals(task.rows, logged.length);
    // What it goes on from was never ahead of its rows, and is known to be there.
    const checkpoint = this.get<Uint8Array>(keys.checkpoint(ID));
    if (task.checkpointed && record.status !== "completed") assert(checkpoint);
    if (checkpoint && task.checkpointed) {
      assertLessOrEqual(JSON.parse(textOf(checkpoint)).rows, logged.length);
    }
    // It is found where it should be, and nowhere else.
    assertEquals(this.under("index"), [keys.index("k", record.status, ID)]);
    const queued = [...this.under("queue"), ...this.under("later")];
    assertEquals(queued, record.status === "pending" ? [rankKey(rankOf(record))] : []);
    assertEquals(this.under("slot"), task.slot === null ? [] : [keys.slot("k", task.slot)]);
  }
}

type Op =
  | { row: number }
  | { save: number }
  | { report: Report }
  | { change: Change }
  | { render: number }
  | { wait: number }
  | { crash: true };

const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({
    type: fc.constant("start" as const),
    owner: fc.constant("me"),
    slot: fc.option(fc.nat(2)),
  }),
  fc.constantFrom<Change>(
    { type: "complete" },
    { type: "fail", error: { name: "E", message: "m" }, retryAfterMs: null },
    { type: "fail", error: { name: "E", message: "m".repeat(4096) }, retryAfterMs: 10 },
    { type: "interrupt", died: true },
    { type: "interrupt", died: false },
    { type: "request-cancel" },
    { type: "cancel" },
    { type: "retry" },
  ),
);

const op: fc.Arbitrary<Op> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ row: fc.oneof(fc.nat(100), fc.nat(40_000)) }) },
  { weight: 3, arbitrary: fc.record({ save: fc.oneof(fc.nat(100), fc.nat(40_000)) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      report: fc.record({
        at: fc.nat(10_000),
        progress: fc.nat(100),
        message: fc.nat(4096).map((length) => "€".repeat(length)),
      }, { requiredKeys: ["at"] }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ change }) },
  { weight: 5, arbitrary: fc.record({ render: fc.oneof(fc.constant(ROOM), fc.nat(ROOM)) }) },
  { weight: 1, arbitrary: fc.record({ wait: fc.nat(2 * HEAD_DELAY_MS) }) },
  { weight: 1, arbitrary: fc.record({ crash: fc.constant(true as const) }) },
);

function run(model: Model, op: Op): void {
  const { live } = model;
  const running = live.record.status === "running";
  if ("row" in op) {
    if (!running) return;
    model.yielded++;
    live.row("log", JSON.stringify({ message: "x".repeat(op.row) }));
  } else if ("save" in op) {
    if (!running) return;
    live.save(JSON.stringify({ rows: model.yielded, padding: "x".repeat(op.save) }));
  } else if ("report" in op) {
    if (running) live.report(op.report);
  } else if ("change" in op) {
    live.change(op.change, op.change.type === "complete" ? '"done"' : null);
  } else if ("render" in op) {
    if (!live.clean) model.commit(op.render);
  } else if ("wait" in op) {
    model.now += op.wait;
    live.writeHead();
  } else {
    model.crash();
    // Rows that were not written are yielded again, or never.
    model.yielded = model.rows.filter(({ type }) => type === "log").length;
  }
}

Deno.test("LiveTask leaves a whole task in the store after every commit, wherever it is cut", () => {
  fc.assert(
    fc.property(fc.array(op, { maxLength: 120, size: "max" }), (ops) => {
      const model = new Model(null);
      for (const op of ops) run(model, op);
      model.flush();
      const { record, ...task } = unpack(model.head!);
      const { record: newest, ...live } = model.live.task;
      // The head of a task that only reports comes later.
      assertEquals(task, { ...live, peak: task.peak, trace: task.trace });
      const told = model.journal.findLast(({ type }) => type === "message" || isProgress(type));
      assertEquals(JSON.parse(told!.json), { ...newest, seq: told!.seq });
      assertLessOrEqual(record.seq, newest.seq);
    }),
    { numRuns: 500 },
  );
});

Deno.test("LiveTask writes a row, its checkpoint and its head in one commit", () => {
  const model = new Model(null);
  model.live.change({ type: "start", owner: "me" });
  model.live.row("log", '{"message":"a"}');
  model.live.save('{"rows":1}');
  const part = model.live.render(ROOM)!;
  assertEquals(part.more, false);
  assertEquals(part.events?.map(({ type }) => type), ["message", "message", "log"]);
  assertEquals(part.events?.[2]?.json, '{"seq":3,"message":"a"}');
  const written = part.sets?.map(([key]) => key[0]);
  assertEquals(written?.toSorted(), ["checkpoint", "event", "index", "task"]);
});

Deno.test("LiveTask says a checkpoint is there as soon as it is, though rows still wait", () => {
  const model = new Model(null);
  model.live.change({ type: "start", owner: "me" });
  model.flush();
  model.live.save('{"rows":0}');
  for (let n = 0; n < 3; n++) model.live.row("log", JSON.stringify({ m: "x".repeat(40_000) }));
  model.commit(ROOM);
  assertEquals([model.head?.checkpointed, model.head?.rows], [true, 1]);
  // A crash now, and the next rows are numbered on.
  model.crash();
  model.live.change({ type: "interrupt", died: true });
  model.flush();
});

Deno.test("LiveTask has room for its progress beside its rows, or says there is more", () => {
  for (const length of [20_000, 29_000, 31_000, 31_500, 31_800]) {
    const model = new Model(null);
    model.live.change({ type: "start", owner: "me" });
    for (let n = 0; n < 2; n++) model.live.row("log", JSON.stringify({ m: "x".repeat(length) }));
    model.live.report({ at: 1, message: "€".repeat(4096) });
    model.flush();
    assertEquals(JSON.parse(model.journal.at(-1)!.json).message.length, 4096);
  }
});

Deno.test("LiveTask has room for the largest message, error, result and labels in one commit", () => {
  const text = (length: number) => "€".repeat(length);
  const tags = Array.from({ length: 20 }, (_, n) => "🦆".repeat(62) + (10 + n));
  const labels: Labels = { owner: "🦆".repeat(128), tags };
  const model = new Model(null, labels);
  model.live.change({ type: "start", owner: "me" });
  model.flush();
  const stages = Array.from({ length: 20 }, (_, n) => [text(62) + (10 + n), 1 / 3] as const);
  const report = { message: text(4096), stage: text(256), unit: text(64), stages };
  model.live.report({ at: 1, done: 1 / 3, total: 1e15 / 3, ...report });
  model.live.row("log", '{"message":"before"}');
  model.live.change({ type: "complete" }, JSON.stringify("x".repeat(MAX_JSON - 130)));
  model.flush();
  assertEquals(model.journal.slice(-3).map(({ type }) => type), ["log", "message", "complete"]);
  for (const { json } of model.journal.slice(-2)) assertEquals(labelsOf(json), labels);
  const failing = new Model(null, labels);
  failing.live.change({ type: "start", owner: "me" });
  for (const [stage] of stages) {
    failing.live.report({ at: 1, ...report, stage, done: 1e15 / 3, total: 1e16 / 3 });
  }
  assertEquals(failing.live.record.stages?.length, 20);
  const parts = Array.from({ length: 100 }, () => new Error(text(500), { cause: text(500) }));
  const thrown = Object.assign(new AggregateError(parts, text(4096)), { name: text(256) });
  const { error } = errorOf(Object.assign(thrown, { code: text(128) }));
  assert(error.errors !== undefined);
  failing.live.change({ type: "fail", error, stack: text(16_384), retryAfterMs: null });
  failing.flush();
  assertLess(serialize(failing.head).length, 65_536);
  assertEquals(failing.journal.map(({ type }) => type), [
    "message",
    "message",
    "message",
    "complete",
  ]);
});

Deno.test("LiveTask lets its head lag behind progress by a second, no more", () => {
  const model = new Model(null);
  model.live.change({ type: "start", owner: "me" });
  model.flush();
  const shown = () => unpack(model.head!).record.progress;
  const report = (progress: number) => {
    model.live.report({ at: model.now, progress });
    model.flush();
  };
  model.now = 10;
  report(1);
  assertEquals([shown(), model.journal.at(-1)?.type], [0, "progress"]);
  model.live.writeHead();
  assert(model.live.clean);
  model.now = HEAD_DELAY_MS;
  model.live.writeHead();
  model.flush();
  assertEquals([shown(), model.journal.at(-1)?.type], [1, "head"]);
  model.now += HEAD_DELAY_MS;
  report(2);
  assertEquals(shown(), 2);
  // A clock set back.
  model.now = 0;
  report(3);
  assertEquals(shown(), 3);
  // Nor does it keep back the head of a task that says nothing more.
  model.now = 10;
  report(4);
  assertEquals(shown(), 3);
  model.now = -HEAD_DELAY_MS;
  model.live.writeHead();
  assert(!model.live.clean);
  model.flush();
  assertEquals(shown(), 4);
});

Deno.test("LiveTask shows progress that came before a state change with it, not after", () => {
  const model = new Model(null);
  model.live.change({ type: "start", owner: "me" });
  model.live.report({ at: 1, progress: 50, message: "half" });
  model.live.change({ type: "complete" }, "1");
  model.flush();
  assertEquals(model.journal.map(({ type }) => type), [
    "message",
    "message",
    "message",
    "complete",
  ]);
  const last = JSON.parse(model.journal[2]!.json);
  assertEquals([last.status, last.progress, last.message], ["completed", 100, "half"]);
});

Deno.test("LiveTask keeps large input and result apart from its head, small ones in it", () => {
  for (const [size, apart] of [[100, false], [40_000, true]] as const) {
    const json = JSON.stringify("€".repeat(size / 4));
    const model = new Model(json);
    model.live.change({ type: "start", owner: "me" });
    model.live.change({ type: "complete" }, json);
    model.flush();
    assertEquals([model.head?.input, model.head?.result], [
      apart ? { kept: true } : json,
      apart ? { kept: true } : json,
    ]);
    const kept = [keys.input(ID), keys.result(ID)].map((key) => model.get(key));
    assertEquals(
      kept.map((value) => value && textOf(value)),
      apart ? [json, json] : [
        undefined,
        undefined,
      ],
    );
    assertEquals(JSON.parse(model.rows.at(-1)!.json).result, "€".repeat(size / 4));
  }
});

Deno.test("LiveTask removes the checkpoint of a completed task, and the cancel of a retried one", () => {
  const model = new Model(null);
  model.live.change({ type: "start", owner: "me" });
  model.live.save('{"rows":0}');
  model.flush();
  model.live.save('{"rows":0,"again":true}');
  model.live.change({ type: "complete" });
  model.flush();
  assertEquals(model.get(keys.checkpoint(ID)), undefined);
  const retried = new Model(null);
  retried.live.change({ type: "request-cancel" });
  retried.flush();
  retried.live.change({ type: "retry" });
  const part = retried.live.render(ROOM);
  assert(part?.deletes?.some((key) => keyText(key) === keyText(keys.cancel(ID))));
});

Deno.test("LiveTask.committed() tells each who waits how that change ended", async () => {
  const model = new Model(null);
  model.flush();
  assertEquals(await model.live.committed(), { ok: true, versionstamp: "" });
  model.live.change({ type: "request-cancel" });
  const first = model.live.committed();
  model.live.render(ROOM);
  // Asked for while the first is on its way.
  model.live.change({ type: "retry" });
  const second = model.live.committed();
  model.live.onresult({ ok: true, versionstamp: "7" });
  assertEquals(await first, { ok: true, versionstamp: "7" });
  model.live.render(ROOM);
  const lost: WriteResult = { ok: false, reason: "conflict" };
  model.live.onresult(lost);
  assertEquals([await second, await model.live.committed()], [lost, lost]);
  assertEquals([model.live.lost, model.live.render(ROOM)], [true, {}]);
});

Deno.test("LiveTask and Journal write thousands of rows of many tasks, each in order", async () => {
  using kv = await Deno.openKv(":memory:");
  const journal = new Journal({ kv, sid: "me", log, maxChecks: 100 });
  const hooks: LiveTaskHooks = {
    touch: (write) => journal.touch(write),
    pending: () => {},
    onwritten: () => {},
    now: Date.now,
  };
  const tasks = Array.from({ length: 20 }, (_, n) => {
    const live = LiveTask.created(
      made({}, `01J000000000000000000000${String(n).padStart(2, "0")}`),
      null,
      hooks,
    );
    live.change({ type: "start", owner: "me", slot: n });
    return live;
  });
  for (let row = 0; row < 100; row++) {
    for (const [n, live] of tasks.entries()) {
      live.row("log", JSON.stringify({ row, m: "x".repeat((row * 37 + n * 101) % 3000) }));
      if (row % 10 === 9) live.save(String(row));
      live.report({ at: row, progress: row });
    }
    if (row % 7 === 0) await journal.taken();
  }
  for (const live of tasks) live.change({ type: "complete" }, "null");
  const outcomes = await Promise.all(tasks.map((live) => live.committed()));
  assert(outcomes.every(({ ok }) => ok));
  await journal.close();
  const told: TaskEvent[] = [];
  for await (const { key, value } of kv.list<Uint8Array>({ prefix: keys.journal })) {
    told.push(...parseJournal((await readEntry(kv, String(key[1]), value))!).events);
  }
  for (const { id } of tasks) {
    const seqs = told.filter((event) => event.id === id).map(({ seq }) => seq);
    assertEquals(seqs, seqs.map((_, n) => n + 1));
    const rows = [];
    for await (const { value } of kv.list<Uint8Array>({ prefix: keys.events(id) })) {
      rows.push(...parseRows(value));
    }
    const logged = rows.filter(({ type }) => type === "log").map(({ json }) =>
      JSON.parse(json).row
    );
    assertEquals(logged, Array.from({ length: 100 }, (_, row) => row));
    assertEquals(rows.at(-1)?.type, "complete");
    assertEquals((await kv.get(keys.checkpoint(id))).value, null);
  }
});
