/**
 * A task under test: it has the state machine and the runs of real ones, one run after the other.
 *
 * @module
 */

import { Executor } from "../child/executor.ts";
import type { FromTasks, KeptAnswer, RunEnd, StopReason } from "../child/protocol.ts";
import { outcomeOf } from "../runner/outcome.ts";
import type { Answer } from "../task/answer.ts";
import { RESULT_NAME, withArtifact } from "../task/artifact_list.ts";
import { readCheckpointText } from "../task/checkpoint_text.ts";
import type { AnyTask } from "../task/define.ts";
import { withFirst } from "../task/json_text.ts";
import { type ChildPlan, readPlan } from "../task/child.ts";
import { isFinished, type StepRow } from "../task/record.ts";
import { rewindOf, rewound, withCheckpoint, withOutput } from "../task/rewind.ts";
import { applyChildren, applyReport } from "../task/apply_report.ts";
import { newTask } from "../task/new_task.ts";
import type { Task } from "../task/task.ts";
import { type Change, transition } from "../task/transition.ts";
import { type FakeClock, withClock } from "./fake_clock.ts";
import { Recorder } from "./recorder.ts";
import { type TestArtifact, TestArtifacts } from "./test_artifacts.ts";
import type { TestEvent } from "./test_events.ts";
import type { TestChildren } from "./test_children.ts";
import type { TestUploads } from "./test_uploads.ts";

/** A task that yields more often is assumed never to end. */
const MAX_YIELDS = 100_000;

const TASK_ID = "01J0000000000000000000TEST";

/** The run number of every run: there is one at a time. */
const RUN = 1;

export interface TestedTaskOptions {
  task: AnyTask;
  /** JSON text; `null` for none. */
  input: string | null;
  /** Whether the input is the schema's output, and need not be parsed again. */
  parsed: boolean;
  /** The stored text; `null` for none. */
  checkpoint: string | null;
  crashAfter: number | undefined;
  signal: AbortSignal | undefined;
  clock: FakeClock;
  /** JSON texts by name. */
  signals: Map<string, string>;
  children: TestChildren;
  uploads: TestUploads;
}

export class TestedTask {
  readonly events: TestEvent<AnyTask>[] = [];
  yields = 0;
  /** The stack of the last failed attempt. */
  stack = "";
  readonly #options: TestedTaskOptions;
  readonly #artifacts = new TestArtifacts();
  #task: Task;
  /** JSON text. */
  #result: string | null = null;
  /** The stored text. */
  #checkpoint: string | null;
  readonly #answers = new Map<string, Answer>();

  constructor(options: TestedTaskOptions) {
    const { task: { kind, retry, timeout = null }, clock, checkpoint } = options;
    this.#options = options;
    this.#checkpoint = checkpoint;
    this.#task = newTask({
      id: TASK_ID,
      kind,
      maxAttempts: retry.maxAttempts,
      priority: 0,
      runAt: clock.now,
      timeoutMs: timeout,
    }, clock.now);
  }

  /** The last checkpoint, from which the next run starts. */
  get checkpoint(): unknown {
    return this.#checkpoint === null ? undefined : readCheckpointText(this.#checkpoint).data;
  }

  get artifacts(): TestArtifact[] {
    return this.#artifacts.kept;
  }

  /** The result as JSON gives it back, read from its artifact if it is a large one. */
  get result(): unknown {
    const { record } = this;
    if (record.result_url === undefined) return record.result;
    const file = this.artifacts.find(({ name }) => name === RESULT_NAME);
    return JSON.parse(new TextDecoder().decode(file?.bytes));
  }

  get record(): Task["record"] {
    const { record } = this.#task;
    return this.#result === null ? record : { ...record, result: JSON.parse(this.#result) };
  }

  /** Runs the task until it has ended. */
  async run(): Promise<void> {
    const { signal, clock } = this.#options;
    while (!isFinished(this.#task.record.status)) {
      if (signal?.aborted) {
        this.#change({ type: "request-cancel" });
        continue;
      }
      this.#change({ type: "start", owner: "test" });
      this.#rewind();
      const began = clock.now;
      const end = await this.#drive();
      this.#end(
        end ?? { how: "interrupted", because: "it crashed", died: true },
        clock.now - began,
      );
      this.#requireSignal();
      this.#endChildren();
      // Waits for the next attempt or the end of a sleep; a cancel ends the wait.
      await clock.wait(Date.parse(this.#task.record.run_at) - clock.now, signal).catch(() => {});
    }
    this.#nextSeq();
    this.events.push({ type: "complete", data: this.record });
  }

  /** @throws {Error} If it waits, without a time-out, for a signal that is not in the options. */
  #requireSignal(): void {
    const { waiting_for } = this.#task.record;
    if (waiting_for?.type !== "signal") return;
    const { task, signals } = this.#options;
    if (signals.has(waiting_for.name)) return this.#change({ type: "wake" });
    if (waiting_for.until !== null) return;
    throw new Error(
      `Cannot test '${task.kind}' to its end as it waits for signal '${waiting_for.name}': ` +
        "give it in 'signals'",
    );
  }

  /** Wakes the task if it waits for its children: they have ended already. */
  #endChildren(): void {
    const { waiting_for, started_at: attempt_at } = this.#task.record;
    if (waiting_for?.type !== "children") return;
    const { name } = waiting_for;
    const answer = this.#answers.get(name)!;
    const plan = readPlan(answer.json)!;
    const { clock, children } = this.#options;
    const counts = children.counts(name, plan.total);
    const ended = { failed: counts.failed, attempt_at };
    const json = JSON.stringify({ ...plan, ended } satisfies ChildPlan);
    this.#answers.set(name, { ...answer, done: true, json });
    this.#task = applyChildren(this.#task, counts, clock.now);
    const time = clock.date.toISOString();
    const row: StepRow = { name, type: "children", status: "done", time };
    this.#row("step", JSON.stringify(row));
    this.#change({ type: "wake" });
  }

  /** Does one run, and returns how it ended; `null` if it was cut off. */
  async #drive(): Promise<RunEnd | null> {
    const { task, input, parsed, signal, clock } = this.#options;
    const recorder = new Recorder({
      clock,
      onreport: (report) => {
        this.#task = applyReport(this.#task, report);
        // The definition's stages come as a report, too, but the task did not yield it.
        if (report.stages) return;
        this.#nextSeq();
        this.events.push({ type: "progress", data: this.record });
      },
      onrow: this.#row.bind(this),
      onanswer: (kept) => this.#keep(kept, executor),
      onartifact: () => this.#keepArtifact(executor),
      onyield: this.#yielded.bind(this),
    });
    const executor: Executor = new Executor({
      kinds: new Map([[task.kind, task]]),
      events: recorder,
      send: (message) => void this.#answer(message, executor),
      now: () => clock.now,
      elapsed: () => clock.now,
    });
    const stop = (reason: StopReason) => executor.receive({ type: "abort", run: RUN, reason });
    const cancel = () => {
      this.#change({ type: "request-cancel" });
      stop("cancel");
    };
    const { timeoutMs, ranMs = 0, record } = this.#task;
    const { attempt, max_attempts: maxAttempts, started_at: attemptAt } = record;
    const inTime = timeoutMs === null
      ? undefined
      : clock.after(timeoutMs - ranMs, () => stop("timeout"));
    const over = new AbortController();
    signal?.addEventListener("abort", cancel, { once: true });
    try {
      const answers = this.#answers.size;
      const start = {
        kind: task.kind,
        id: TASK_ID,
        attempt,
        maxAttempts,
        attemptAt,
        input,
        parsed,
        answers,
      };
      const checkpoint = this.#checkpoint;
      withClock(
        { clock, over: over.signal },
        () => executor.receive({ type: "start", run: RUN, ...start, checkpoint }),
      );
      return await recorder.over;
    } finally {
      over.abort();
      inTime?.();
      signal?.removeEventListener("abort", cancel);
    }
  }

  /** Does what the server does at the end of a run. */
  #end(end: Parameters<typeof outcomeOf>[1], ranMs: number): void {
    // No jitter: the longest possible wait, so that a test can predict it.
    const backoff = { ...this.#options.task.retry, random: () => 1 };
    const { change, result } = outcomeOf({ task: this.#task, alone: true }, end, backoff);
    const { attempt } = this.#task.record;
    this.#result = result;
    if ("stack" in end && end.stack) this.stack = end.stack;
    const counts = change.type === "interrupt" || change.type === "wait";
    this.#change(counts ? { ...change, ranMs } : change);
    const { checkpoint } = this;
    if (end.how === "interrupted") {
      this.events.push({ type: "crash", data: { after: this.yields, checkpoint } });
    }
    if (change.type === "fail" && change.retryAfterMs !== null) {
      const { error, retryAfterMs: retry_in_ms } = change;
      this.events.push({ type: "retry", data: { attempt, error, retry_in_ms, checkpoint } });
    }
  }

  #keep({ request, name, answer, row, takes }: KeptAnswer, executor: Executor): void {
    this.#answers.set(name, answer);
    if (takes) this.#options.signals.delete(name);
    this.#row("step", row);
    if (request !== null) executor.receive({ type: "kept", request });
  }

  #row(type: "log" | "output" | "save" | "step", json: string): void {
    if (type === "save") {
      this.#checkpoint = json;
      this.#task = withCheckpoint(this.#task, this.#task.record.seq);
      this.events.push({ type, data: this.checkpoint });
      return;
    }
    const seq = this.#nextSeq();
    if (type === "output") this.#task = withOutput(this.#task, seq);
    this.events.push({ type, data: JSON.parse(withFirst(json, "seq", String(seq))) });
  }

  /** Does what the server does at the start of a run. */
  #rewind(): void {
    const after = rewindOf(this.#task);
    if (after === null) return;
    const seq = this.#nextSeq();
    this.#task = rewound(this.#task, after, seq);
    const time = this.#options.clock.date.toISOString();
    this.events.push({ type: "rewind", data: { seq, after, time } });
  }

  #keepArtifact(executor: Executor): void {
    const info = this.#artifacts.end();
    const seq = this.#nextSeq();
    this.#task = { ...this.#task, record: withArtifact(this.#task.record, info) };
    const time = this.#options.clock.date.toISOString();
    this.events.push({ type: "artifact", data: { seq, ...info, time } });
    executor.receive({ type: "artifact", run: RUN, answer: { kept: info } });
  }

  #yielded(): boolean {
    this.yields++;
    if (this.yields > MAX_YIELDS) {
      throw new RangeError(
        `Cannot test '${this.#options.task.kind}' as it has yielded ${MAX_YIELDS} times and has not ended`,
      );
    }
    return this.yields === this.#options.crashAfter;
  }

  #nextSeq(): number {
    const { record } = this.#task;
    const seq = record.seq + 1;
    this.#task = { ...this.#task, record: { ...record, seq } };
    return seq;
  }

  #change(change: Change): void {
    const result = transition(this.#task, change, this.#options.clock.now);
    if (result.ok) this.#task = result.task;
  }

  /** Answers a message of the run as the server does. */
  async #answer(message: FromTasks, executor: Executor): Promise<void> {
    const { uploads, signals, children } = this.#options;
    if (message.type === "ask") {
      const { request, name } = message;
      const answer = this.#answers.get(name) ?? null;
      executor.receive({ type: "answer", request, answer, signal: signals.get(name) ?? null });
    } else if (message.type === "children") {
      const { request, name, from, entries } = message;
      const refused = await children.make(name, from, entries);
      executor.receive({ type: "made", request, refused });
    } else if (message.type === "outcomes") {
      const { request, name, from } = message;
      executor.receive({ type: "ended", request, outcomes: children.ended(name, from) });
    } else if (message.type === "info") {
      const { request, upload } = message;
      executor.receive({ type: "info", request, info: await uploads.info(upload) });
    } else if (message.type === "chunk") {
      const { request, upload, offset } = message;
      executor.receiveBytes(request, await uploads.chunk(upload, offset));
    } else if (message.type === "artifact" || message.type === "bytes") {
      const answer = this.#artifacts.take(this.#task.record, message);
      executor.receive({ type: "artifact", run: RUN, answer });
    }
  }
}
