import { serialize } from "node:v8";
import { assert, assertEquals, assertLess, assertLessOrEqual } from "@std/assert";
import fc from "fast-check";
import { Journal } from "../../../lib/store/journal.ts";
import { type Key, keys, keyText } from "../../../lib/kv/keys.ts";
import { readEntry } from "../../../lib/kv/journal_entry.ts";
import { eventSize, parseJournal, parseRows } from "../../../lib/kv/event_text.ts";
import { boundOf, isChange, isStored, type TaskEvent } from "../../../lib/task/event.ts";
import { FOLD_MS } from "../../../lib/kv/head.ts";
import { LiveTask, type LiveTaskHooks } from "../../../lib/store/live_task.ts";
import { createLogger } from "../../../lib/base/log.ts";
import { PendingTasks } from "../../../lib/feed/pending_tasks.ts";
import { withSeq } from "../../../lib/task/json_text.ts";
import { rankKey, rankOf } from "../../../lib/kv/rank.ts";
import { isFinished, type TaskRecord } from "../../../lib/task/record.ts";
import type { Report } from "../../../lib/task/report.ts";
import { newTask } from "../../../lib/task/new_task.ts";
import type { Change } from "../../../lib/task/transition.ts";
import { errorOf } from "../../../lib/task/task_error.ts";
import { type Labels, labelsOf } from "../../../lib/task/labels.ts";
import { MAX_JSON, SEQ_GAP } from "../../../lib/task/limits.ts";
import { type Head, unpack } from "../../../lib/kv/head.ts";
import { STORE_STATE_WITHIN_MS } from "../../../lib/store/shown_progress.ts";
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

/** A store of one task: applies each part that is rendered, and checks what must hold after it. */
class Model {
  now = 0;
  live: LiveTask;
  /** All events that were committed. */
  journal: TaskEvent[] = [];
  /** What the journal has beyond the task's own keys, as a hub knows it. */
  pending = new PendingTasks();
  /** Rows yielded so far; each checkpoint records how many there were before it. */
  yielded = 0;
  #keys = new Map<string, { key: Key; value: unknown; versionstamp: string }>();
  #commits = 0;
  /** The `seq` of each event that clients got, in order: by its commit, or shown before that. */
  told: number[] = [];
  watched = true;
  /** How often the task said that its progress has to be stored soon. */
  due = 0;
  readonly #hooks: LiveTaskHooks;

  constructor(input: string | null, show = true, labels: Labels = {}) {
    this.#hooks = {
      onmoved: () => {},
      touch: () => {},
      show: show
        ? (event) => {
          this.pending.show(event);
          this.told.push(event.seq);
        }
        : undefined,
      watched: () => this.watched,
      onshown: () => this.due++,
      pending: () => {},
      onwritten: () => {},
      now: () => this.now,
    };
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

  /** The rows that a reader finds, in the task's own keys and in the journal. */
  get rows() {
    const stored = this.stored;
    const last = stored.at(-1)?.seq ?? 0;
    const pending = this.pending.get(ID)?.rows.filter(({ seq }) => seq > last) ?? [];
    return [...stored, ...pending].map(({ type, seq, json }) => ({ type, seq, json }));
  }

  get stored() {
    const seqs = this.under("event").map((key) => Number(key[2])).sort((a, b) => a - b);
    return seqs.flatMap((seq) => parseRows(this.get(keys.event(ID, seq))!));
  }

  /** Writes a part; `false` when there was room for none. */
  commit(room: number): boolean {
    const part = this.live.render(room);
    if (part === null) return false;
    this.#apply(part, room);
    this.live.onresult({ ok: true, versionstamp: this.#versionstamp });
    for (const event of part.events ?? []) {
      const shown = this.pending.note(this.#versionstamp, event);
      const told = isStored(event.type) || event.type === "progress";
      if (told && !shown) this.told.push(event.seq);
    }
    this.live.onpassed();
    this.check();
    return true;
  }

  /** Writes all that waits. */
  flush(): void {
    do assert(this.commit(ROOM)); while (!this.live.clean);
  }

  /** The process dies: another one loads the task from its own keys and the journal. */
  crash(): void {
    const entry = this.#keys.get(keyText(keys.task(ID)))!;
    const head = entry.value as Head;
    const { seq } = JSON.parse(head.record) as TaskRecord;
    const { progress, checkpoint, rows = [] } = this.pending.get(ID) ?? {};
    const stored = progress && this.journal.findLast(({ type }) => type === "progress");
    const newest = this.journal.at(-1)!.seq;
    const record = withSeq(stored && stored.seq > seq ? stored.json : head.record, newest);
    // Progress that was shown but is in no commit is lost.
    this.pending = new PendingTasks();
    const state = {
      seq: newest,
      checkpoint: checkpoint && checkpoint.seq > seq ? checkpoint : undefined,
      rows: rows.filter((row) => row.seq > seq),
    };
    const entryNow = { ...entry, value: { ...head, record } } as Deno.KvEntry<Head>;
    this.live = LiveTask.loaded(entryNow, this.#hooks, { state });
    this.live.skipUnstoredIds();
    this.live.change({ type: "interrupt", died: false });
    for (const event of this.journal) this.pending.note("", event);
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
      const last = this.journal.at(-1)?.seq ?? 0;
      if (event.type === "folded") assertLessOrEqual(last, event.seq);
      else assertLess(last, event.seq);
      this.journal.push(event);
    }
  }

  check(): void {
    const head = this.head;
    assert(head);
    // Ids that are told never run backwards, and none is told twice.
    assertEquals(this.told, [...new Set(this.told)].sort((a, b) => a - b));
    const { record, ...task } = unpack(head);
    const { rows, stored } = this;
    const kept = this.journal.filter(({ type }) => isStored(type));
    assertEquals(rows, kept.map(({ type, seq, json }) => ({ type, seq, json })));
    // The task's own keys agree with each other, and the journal has no newer change of state.
    const beyond = this.journal.filter(({ seq, type }) => seq > record.seq && type !== "folded");
    assert(beyond.every(({ type }) => !isChange(type)));
    assert(stored.every(({ seq }) => seq <= record.seq));
    // The status is the one in the newest `message` row.
    const told = rows.findLast(({ type }) => type === "message");
    assertEquals(record.status, (JSON.parse(told!.json) as TaskRecord).status);
    const ended = rows.at(-1)?.type === "complete";
    if (record.status === "completed") assert(ended, "completed without its end");
    if (ended) assert(isFinished(record.status));
    const logged = stored.filter(({ type }) => boundOf(type) !== null);
    assertEquals(task.rows, logged.length);
    const outputs = stored.filter(({ type }) => type === "output");
    assertEquals(task.outputs, outputs.length);
    // What the head says about outputs agrees with the rows.
    const { after, seq: before } = JSON.parse(
      stored.findLast(({ type }) => type === "rewind")?.json ?? '{"after":0,"seq":0}',
    );
    const rewound = before === 0 ? undefined : { after, before, left: true };
    assertEquals(task.rewound, rewound);
    const last = outputs.at(-1)?.seq ?? 0;
    assertEquals(task.outputSeq, last > before ? last : after);
    // The checkpoint exists if the head says so, and is not ahead of the rows.
    const checkpoint = this.get<Uint8Array>(keys.checkpoint(ID));
    if (task.checkpointed && record.status !== "completed") assert(checkpoint);
    if (checkpoint && task.checkpointed) {
      // A resumed run yields the rows after the checkpoint again.
      const saved = logged.filter(({ seq }) => seq < task.savedSeq);
      assertEquals(JSON.parse(textOf(checkpoint)).rows, saved.length);
    }
    // The keys that lead to the task are those for its status, and no others.
    assertEquals(this.under("index"), [keys.index("k", record.status, ID)]);
    const queued = [...this.under("queue"), ...this.under("later")];
    assertEquals(queued, record.status === "pending" ? [rankKey(rankOf(record))] : []);
    assertEquals(this.under("slot"), task.slot === null ? [] : [keys.slot("k", task.slot)]);
  }
}

type Op =
  | { row: number; type: "log" | "output" }
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
  {
    weight: 5,
    arbitrary: fc.record({
      row: fc.oneof(fc.nat(100), fc.nat(40_000)),
      type: fc.constantFrom("log" as const, "output" as const),
    }),
  },
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
  { weight: 1, arbitrary: fc.record({ wait: fc.nat(2 * FOLD_MS) }) },
  { weight: 1, arbitrary: fc.record({ crash: fc.constant(true as const) }) },
);

function run(model: Model, op: Op): void {
  const { live } = model;
  const running = live.record.status === "running";
  if ("row" in op) {
    if (!running) return;
    model.yielded++;
    live.rows.add(op.type, JSON.stringify({ message: "x".repeat(op.row) }));
  } else if ("save" in op) {
    if (!running) return;
    live.rows.save(JSON.stringify({ rows: model.yielded, padding: "x".repeat(op.save) }));
  } else if ("report" in op) {
    if (running) live.report(op.report);
  } else if ("change" in op) {
    const { outputSeq, savedSeq, rewound: before } = live.task;
    const { ok } = live.change(op.change, op.change.type === "complete" ? '"done"' : null);
    const rewinds = ok && op.change.type === "start" && outputSeq > savedSeq;
    const { seq } = live.record;
    const rewound = rewinds ? { after: savedSeq, before: seq, left: true } : before;
    assertEquals(live.task.rewound, rewound);
  } else if ("render" in op) {
    if (!live.clean) model.commit(op.render);
  } else if ("wait" in op) {
    model.now += op.wait;
    live.fold();
  } else if (model.head) {
    model.crash();
    // Rows that were not written are yielded again, or never.
    model.yielded = model.rows.filter(({ type }) => boundOf(type) !== null).length;
  }
}

Deno.test("LiveTask writes many answers and artifacts with their rows, as many at once as a commit holds", () => {
  const model = new Model(null);
  model.flush();
  const { live } = model;
  live.change({ type: "start", owner: "me" });
  const json = JSON.stringify("x".repeat(40_000));
  const names = Array.from({ length: 40 }, (_, n) => `n${n}`);
  for (const name of names) {
    const answer = { type: "step" as const, done: true, until: null, json };
    assert(live.rows.answer(name, answer, { row: `{"name":"${name}"}`, takes: false }));
    const sets: Part["sets"] = [[keys.artifact(ID, name), name, 400]];
    live.rows.artifact({ name, size: 1, type: "a/b" }, `{"name":"${name}"}`, { sets });
  }
  const commits: number[] = [];
  const render = live.render.bind(live);
  live.render = (room) => {
    const part = render(room);
    const bytes = part?.sets?.reduce((sum, [, , size]) => sum + size, 0) ?? 0;
    assertLess(bytes, 400_000);
    commits.push(part?.sets?.filter(([key]) => key[0] === "artifact").length ?? 0);
    return part;
  };
  model.flush();
  assertEquals(commits.reduce((sum, count) => sum + count, 0), 40);
  for (const first of ["answer", "artifact"]) {
    assertEquals(model.under(first).map((key) => key[2]).toSorted(), names.toSorted());
  }
  const told = model.rows.filter(({ type }) => type === "step" || type === "artifact");
  assertEquals(
    told.map(({ json }) => JSON.parse(json).name),
    names.flatMap((name) => [name, name]),
  );
});

Deno.test("LiveTask leaves a consistent task in the store after every commit, even if a crash follows", () => {
  fc.assert(
    fc.property(fc.array(op, { maxLength: 120, size: "max" }), fc.boolean(), (ops, show) => {
      const model = new Model(null, show);
      for (const op of ops) run(model, op);
      model.flush();
      const { record: newest, ...live } = model.live.task;
      const last = model.journal.findLast(({ type }) => type === "message" || type === "progress");
      assertEquals(JSON.parse(last!.json), { ...newest, seq: last!.seq });
      // In the end, everything was told and is in the task's own keys.
      model.live.fold();
      model.flush();
      const { record, ...task } = unpack(model.head!);
      assertEquals([record, task], [newest, live]);
      assertEquals(model.rows, model.stored);
      const newer = model.pending.get(ID);
      assert(newer === undefined || (newer.progress!.seq <= record.seq && newer.rows.length === 0));
    }),
    { numRuns: 1000 },
  );
});

Deno.test("LiveTask writes rows, the checkpoint and the head in one commit with a change of state", () => {
  const model = new Model(null);
  model.live.change({ type: "start", owner: "me" });
  model.live.rows.add("log", '{"message":"a"}');
  model.live.rows.save('{"rows":1}');
  const part = model.live.render(ROOM)!;
  assertEquals(part.more, false);
  assertEquals(part.events?.map(({ type }) => type), ["message", "message", "log", "folded"]);
  assertEquals(part.events?.[2]?.json, '{"seq":3,"message":"a"}');
  const written = part.sets?.map(([key]) => key[0]);
  assertEquals(written?.toSorted(), ["checkpoint", "event", "index", "task"]);
});

Deno.test("LiveTask.loaded() knows the checkpoint and the rows that only the journal has", () => {
  const model = new Model(null);
  model.live.change({ type: "start", owner: "me" });
  model.flush();
  model.live.rows.save('{"rows":0}');
  for (let n = 0; n < 3; n++) model.live.rows.add("log", JSON.stringify({ m: "x".repeat(40_000) }));
  model.commit(ROOM);
  assertEquals([model.head?.checkpointed, model.head?.rows], [false, 0]);
  // After a crash, the next process knows what the journal has, and goes on with later ids.
  model.crash();
  assertEquals([model.live.task.checkpointed, model.live.task.rows], [true, 1]);
  model.live.change({ type: "interrupt", died: true });
  model.flush();
});

Deno.test("LiveTask writes large progress in the commit of its rows, or in the next one", () => {
  for (const length of [20_000, 29_000, 31_000, 31_500, 31_800]) {
    const model = new Model(null);
    model.live.change({ type: "start", owner: "me" });
    for (let n = 0; n < 2; n++) {
      model.live.rows.add("log", JSON.stringify({ m: "x".repeat(length) }));
    }
    model.live.report({ at: 1, message: "€".repeat(4096) });
    model.flush();
    const last = model.journal.findLast(({ type }) => type === "progress");
    assertEquals(JSON.parse(last!.json).message.length, 4096);
  }
});

Deno.test("LiveTask has room for the largest message, error, result and labels in one commit", () => {
  const text = (length: number) => "€".repeat(length);
  const tags = Array.from({ length: 20 }, (_, n) => "🦆".repeat(62) + (10 + n));
  const labels: Labels = { owner: "🦆".repeat(128), tags };
  const model = new Model(null, true, labels);
  model.live.change({ type: "start", owner: "me" });
  model.flush();
  const stages = Array.from({ length: 20 }, (_, n) => [text(62) + (10 + n), 1 / 3] as const);
  const report = { message: text(4096), stage: text(256), unit: text(64), stages };
  model.live.report({ at: 1, done: 1 / 3, total: 1e15 / 3, ...report });
  model.live.rows.add("log", '{"message":"before"}');
  model.live.change({ type: "complete" }, JSON.stringify("x".repeat(MAX_JSON - 130)));
  model.flush();
  assertEquals(model.journal.slice(-3).map(({ type }) => type), ["log", "message", "complete"]);
  for (const { json } of model.journal.slice(-2)) assertEquals(labelsOf(json), labels);
  const failing = new Model(null, true, labels);
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

Deno.test("LiveTask writes rows, progress and checkpoints to the journal alone, and folds them when due", () => {
  const model = new Model(null);
  model.live.change({ type: "start", owner: "me" });
  model.flush();
  const progress = () => unpack(model.head!).record.progress;
  const step = (n: number) => {
    model.live.rows.add("log", `{"n":${n}}`);
    model.live.rows.save(`{"rows":${n}}`);
    model.live.report({ at: model.now, progress: n });
    model.flush();
  };
  const newest = () => model.journal.slice(-3).map(({ type }) => type);
  step(1);
  assertEquals([progress(), newest()], [0, ["log", "checkpoint", "progress"]]);
  assertEquals([model.stored.length, model.rows.length], [2, 3]);
  step(2);
  model.live.fold();
  model.flush();
  assertEquals([progress(), model.journal.at(-1)?.type], [2, "folded"]);
  // The rows of several commits become one value, and nothing is left to fold.
  assertEquals([model.under("event").length, model.stored.length], [2, 4]);
  model.live.fold();
  assert(model.live.clean);
  model.now += FOLD_MS;
  step(3);
  assertEquals(progress(), 3);
  // A clock that was set back does not delay the fold.
  model.now = 0;
  step(4);
  assertEquals(progress(), 4);
});

Deno.test("LiveTask shows progress at once, or after the rows that wait for their commit", () => {
  const model = new Model(null);
  model.live.change({ type: "start", owner: "me" });
  model.flush();
  const report = (progress: number) => model.live.report({ at: model.now, progress });
  const from = model.told.length;
  const told = () => model.told.slice(from);
  report(1);
  report(2);
  assertEquals(told(), [3, 4]);
  model.live.rows.add("log", '{"n":1}');
  report(3);
  assertEquals(told(), [3, 4]);
  model.commit(ROOM);
  // The newest progress is stored with the row, in place of what was shown before.
  assertEquals(told(), [3, 4, 5, 6]);
  const types = model.journal.slice(-2).map(({ type, seq }) => `${type} ${seq}`);
  assertEquals(types, ["log 5", "progress 6"]);
  report(4);
  assertEquals(told(), [3, 4, 5, 6, 7]);
  // While the store takes no writes, no more is shown: a crash would take back too much.
  model.now += STORE_STATE_WITHIN_MS;
  report(5);
  assertEquals(told().at(-1), 7);
  model.flush();
  assertEquals(told().at(-1), 8);
  report(6);
  assertEquals(told().at(-1), 9);
  // The same holds if the clock was set back.
  model.now -= 24 * 3600_000;
  report(7);
  assertEquals(told().at(-1), 9);
  model.flush();
  assertEquals(told().at(-1), 10);
});

Deno.test("LiveTask only stores progress while nobody watches, and shows it once somebody does", () => {
  const model = new Model(null);
  model.live.change({ type: "start", owner: "me" });
  model.flush();
  const from = model.told.length;
  model.watched = false;
  model.live.report({ at: 1, progress: 1 });
  model.live.report({ at: 2, progress: 2 });
  assertEquals([model.told.length, model.due > 0], [from, true]);
  assert(model.live.clean);
  model.live.store();
  model.flush();
  assertEquals(JSON.parse(model.journal.at(-1)!.json).progress, 2);
  model.live.report({ at: 3, progress: 3 });
  model.watched = true;
  model.live.report({ at: 4, progress: 4 });
  assertEquals(model.told.length, from + 2);
});

Deno.test("LiveTask shows no id that could be used again after a crash", () => {
  const model = new Model(null);
  model.live.change({ type: "start", owner: "me" });
  model.flush();
  const stored = model.live.record.seq;
  for (let n = 0; n < SEQ_GAP + 10; n++) model.live.report({ at: n, done: n });
  assertEquals(model.told.at(-1), stored + SEQ_GAP);
  model.crash();
  model.live.change({ type: "interrupt", died: false });
  model.flush();
  assertEquals(model.told.at(-1), stored + SEQ_GAP + 1);
});

Deno.test("LiveTask puts progress that came before a state change into its event, not after it", () => {
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

Deno.test("LiveTask stores a large input or result under its own key, and a small one in the head", () => {
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

Deno.test("LiveTask removes the checkpoint of a completed task, and the cancel request of a retried one", () => {
  const model = new Model(null);
  model.live.change({ type: "start", owner: "me" });
  model.live.rows.save('{"rows":0}');
  model.flush();
  model.live.rows.save('{"rows":0,"again":true}');
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

Deno.test("LiveTask.committed() resolves for each caller with the result of the commit of its change", async () => {
  const model = new Model(null);
  model.flush();
  assertEquals(await model.live.committed(), { ok: true, versionstamp: "" });
  model.live.change({ type: "request-cancel" });
  const first = model.live.committed();
  model.live.render(ROOM);
  // This change is made while the commit of the first one is in flight.
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

Deno.test("LiveTask and Journal write thousands of rows of many tasks, those of each task in order", async () => {
  using kv = await Deno.openKv(":memory:");
  const journal = new Journal({ kv, sid: "me", log, maxChecks: 100 });
  const hooks: LiveTaskHooks = {
    onmoved: () => {},
    touch: (write) => journal.touch(write),
    onshown: () => {},
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
      live.rows.add("log", JSON.stringify({ row, m: "x".repeat((row * 37 + n * 101) % 3000) }));
      if (row % 10 === 9) live.rows.save(String(row));
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
    const seqs = told.filter(({ id: of, type }) => of === id && type !== "folded")
      .map(({ seq }) => seq);
    assertEquals(seqs, seqs.toSorted((a, b) => a - b));
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

Deno.test("LiveTask.removed() updates the head in the commit that removes the rows, even if new rows wait", () => {
  const model = new Model(null);
  const { live } = model;
  live.change({ type: "start", owner: "me" });
  for (const message of ["a", "b"]) live.rows.add("log", JSON.stringify({ message }));
  model.flush();
  for (let n = 0; n < 2; n++) live.rows.add("log", `{"message":"${"x".repeat(40_000)}"}`);
  const key = keys.event(ID, 3);
  const taken = { type: "log", rows: 1, bytes: 30, last: 3, behind: 3, more: false } as const;
  live.removed({ ...taken, part: { deletes: [key], sets: [] } }, { trimmed: 3 });
  const headIn = ({ sets = [] }: Part) => sets.find(([key]) => key[0] === "task")![1] as Head;
  const first = live.render(ROOM)!;
  assertEquals([first.more, first.deletes], [true, [key]]);
  assertEquals([headIn(first).trimmed, headIn(first).rows], [3, 2]);
  live.onresult({ ok: true, versionstamp: "9" });
  live.change({ type: "complete" });
  const last = live.render(ROOM)!;
  assertEquals([headIn(last).trimmed, headIn(last).rows], [3, 3]);
});

Deno.test("LiveTask checks the head in a claim that is made while the submit is in flight, and not later", () => {
  const model = new Model(null);
  model.live.render(ROOM);
  model.live.change({ type: "start", owner: "me" });
  model.live.onresult({ ok: true, versionstamp: "7" });
  const claim = model.live.render(ROOM)!;
  assertEquals(claim.checks, [{ key: keys.task(ID), versionstamp: "7" }]);
  // Others see the task before the claim is stored. From then on only this process changes it.
  model.live.onresult({ ok: true, versionstamp: "8" });
  model.live.change({ type: "complete" });
  const end = model.live.render(ROOM)!;
  assertEquals(end.checks, []);
});
