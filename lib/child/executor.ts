/**
 * Drives generators: starts runs, takes what they yield, stops them. It runs in a task process and
 * knows neither store nor HTTP.
 *
 * @module
 */

import { Answers } from "./answers.ts";
import type { AnsweringRun } from "./stored_answers.ts";
import { cleanUpFailure } from "./clean_up.ts";
import { ArtifactParts } from "./artifact_parts.ts";
import { checkInput, noSuchKind, readInput } from "./check_input.ts";
import { checkSaved, readCheckpoint } from "./checkpoints.ts";
import { currentRun } from "./current_run.ts";
import { ErrorHook, keepThrown, thrownIn } from "./error_hook.ts";
import type { FromTasks, RunEnd, RunEvent, StopReason, ToTasks } from "./protocol.ts";
import { checkpointText } from "../task/checkpoint_text.ts";
import type { AnyTask, TaskContext } from "../task/define.ts";
import { isFinal } from "../task/final_error.ts";
import type { OnError } from "../task/on_error.ts";
import { keepFile } from "../task/artifact.ts";
import { MAX_RESULT, RESULT_NAME } from "../task/artifact_list.ts";
import { byteLength } from "../base/bytes.ts";
import { MAX_VALUE, toJson } from "../task/json_value.ts";
import { errorOf } from "../task/task_error.ts";
import {
  type AnsweredYield,
  type ArtifactYield,
  log,
  type SaveYield,
  wantsAnswer,
  yieldType,
} from "../task/yield.ts";
import { nextTurn, RunEvents, type RunEventSink } from "./run_events.ts";
import { RunSpan } from "./run_span.ts";
import { RunStop } from "./run_stop.ts";
import { UploadRequests } from "./upload_requests.ts";
import { readYield } from "./yields.ts";

export interface ExecutorOptions {
  /** The kinds that can be run, by name. */
  kinds: ReadonlyMap<string, AnyTask>;
  /** Sends a message to the server process. */
  send(message: FromTasks): void;
  /** Milliseconds since the epoch. @default {Date.now} */
  now?: () => number;
  /** Milliseconds that only grow. @default {performance.now} */
  elapsed?: () => number;
  /** Told of each attempt that fails. */
  onError?: OnError | undefined;
  /** Takes what runs say. @default {sends it in batches, with progress conflated} */
  events?: RunEventSink;
}

const RESULT = { what: "the task's return", root: "result", most: MAX_RESULT };

interface Run extends AnsweringRun {
  /** Its generator was made: before that, nothing of it has to be cleaned up. */
  begun: boolean;
  /** It is to stop at its next checkpoint. */
  quiesces: boolean;
  /** Resolves when it ends before its generator does. */
  readonly failed: PromiseWithResolvers<RunEnd>;
}

export class Executor {
  readonly #options: ExecutorOptions;
  readonly #runs = new Map<number, Run>();
  readonly #elapsed: () => number;
  readonly #events: RunEventSink;
  readonly #uploads: UploadRequests;
  readonly #answers: Answers;
  readonly #artifacts: ArtifactParts;
  readonly #hook: ErrorHook | null;

  constructor(options: ExecutorOptions) {
    this.#options = options;
    this.#elapsed = options.elapsed ?? (() => performance.now());
    this.#events = options.events ??
      new RunEvents((events) => options.send({ type: "batch", events }));
    this.#uploads = new UploadRequests((message) => options.send(message));
    this.#answers = new Answers({
      send: (message) => options.send(message),
      push: (event) => this.#push(event),
      now: () => this.#now(),
    });
    this.#artifacts = new ArtifactParts((message) => options.send(message));
    this.#hook = options.onError ? new ErrorHook(options.onError) : null;
  }

  /** Takes a message from the server process. */
  receive(message: ToTasks): void {
    switch (message.type) {
      case "start":
        void this.#start(message);
        break;
      case "abort":
        this.#abort(message.run, message.reason);
        break;
      case "quiesce":
        this.#quiesce(message.run);
        break;
      case "ack":
        this.#events.taken();
        break;
      case "check":
        void this.#check(message);
        break;
      case "info":
        this.#uploads.receiveInfo(message.request, message.info);
        break;
      case "answer":
      case "kept":
      case "made":
      case "ended":
        this.#answers.receive(message);
        break;
      case "artifact":
        this.#artifacts.receive(message.run, message.answer);
        break;
    }
  }

  /** Takes an upload's bytes; none mean that there are no more. */
  receiveBytes(request: number, bytes: Uint8Array): void {
    this.#uploads.receiveBytes(request, bytes);
  }

  /** Stops every run: the server has gone, or is about to. */
  stopAll(): void {
    for (const run of this.#runs.keys()) this.#abort(run, "stop");
  }

  /** Resolves when no run is left. */
  async idle(): Promise<void> {
    while (this.#runs.size > 0) await nextTurn();
  }

  /** Ends a run before its generator does, which is stopped. */
  #fail(run: Run, error: unknown, stray: boolean): void {
    if (this.#runs.get(run.number) !== run) return;
    const end = endOf(run, error);
    const strayed = stray && end.how === "threw";
    run.failed.resolve(strayed ? keepThrown({ ...end, how: "strayed" }, error) : end);
    this.#stop(run, run.stop.reason ?? "stop", error);
  }

  async #check(
    { request, kind, input, parsed }: Extract<ToTasks, { type: "check" }>,
  ): Promise<void> {
    const task = this.#options.kinds.get(kind);
    const checked = task ? await checkInput(task, input, parsed) : noSuchKind(kind);
    this.#options.send({ type: "checked", request, checked });
  }

  #abort(number: number, reason: StopReason): void {
    const run = this.#runs.get(number);
    if (run && run.stop.reason === null) this.#stop(run, reason);
  }

  #stop(run: Run, reason: StopReason, error?: unknown): void {
    if (!run.begun) run.failed.resolve({ how: "stopped", reason });
    run.stop.ask(reason, error);
  }

  #quiesce(number: number): void {
    const run = this.#runs.get(number);
    if (run) run.quiesces = true;
  }

  async #start(start: Extract<ToTasks, { type: "start" }>): Promise<void> {
    const run: Run = {
      number: start.run,
      stop: new RunStop(this.#elapsed),
      begun: false,
      quiesces: false,
      failed: Promise.withResolvers(),
      stepKey: (name) => `${start.id}:${encodeURIComponent(name)}`,
      answers: start.answers,
      attemptAt: start.attemptAt,
      names: new Set(),
      waits: null,
      span: RunSpan.start(start),
    };
    this.#runs.set(run.number, run);
    const { number } = run;
    const current = { number, fail: this.#fail.bind(this, run) };
    const drive = () => currentRun.run(current, () => this.#drive(run, start));
    const driven = run.span ? run.span.within(drive) : drive();
    const end = await Promise.race([driven, run.failed.promise]);
    if (this.#hook && isFailure(end)) {
      const tell = () => currentRun.run(current, () => this.#tell(run, start, end));
      await (run.span ? run.span.within(tell) : tell());
    }
    this.#runs.delete(run.number);
    this.#artifacts.end(run.number);
    run.span?.end(end);
    this.#events.push([run.number, "end", end]);
  }

  /** Before its end is told: until then nobody ends its process. */
  async #tell(
    run: Run,
    { id, kind, attempt, maxAttempts }: Extract<ToTasks, { type: "start" }>,
    end: RunEnd,
  ): Promise<void> {
    const final = end.how === "threw" && end.final;
    const willRetry = !final && attempt < maxAttempts;
    const failed = { taskId: id, kind, attempt, maxAttempts, willRetry };
    const problem = await this.#hook!.tell(failureIn(end), failed);
    if (problem !== null) this.#take(run, {}, log(problem, { level: "warn" }));
  }

  /** Runs a generator to its end, and says how that was. Never rejects. */
  async #drive(run: Run, start: Extract<ToTasks, { type: "start" }>): Promise<RunEnd> {
    let result: unknown;
    try {
      const task = this.#options.kinds.get(start.kind);
      if (!task) throw new TypeError(`Cannot run '${start.kind}' as no such kind is loaded here`);
      const input = await readInput(task, start);
      const checkpoint = await readCheckpoint(task, start.checkpoint);
      if (run.stop.reason !== null) return { how: "stopped", reason: run.stop.reason };
      run.begun = true;
      const stages = Object.entries(task.stages ?? {});
      if (stages.length > 0) this.#events.report(run.number, { at: this.#now(), stages });
      const generator = task.run(this.#contextOf(run, start, input, checkpoint));
      let step = await generator.next();
      while (!step.done) {
        run.stop.atYield();
        const { waits } = run;
        const wrong = wantsAnswer(step.value)
          ? await this.#answer(run, step.value)
          : task.checkpoint || yieldType(step.value) === "artifact"
          ? await this.#takeSlowly(run, task, step.value)
          : this.#take(run, task, step.value);
        const wait = this.#events.pause();
        if (wait) await wait;
        if (run.stop.endsAtYield() || run.waits !== waits) {
          step = await generator.return(undefined);
        } else if (wrong) {
          // It sees its own mistake where it made it, and may handle it.
          step = await generator.throw(wrong.error);
        } else {
          step = await generator.next();
        }
      }
      if (run.stop.reason !== null) return { how: "stopped", reason: run.stop.reason };
      if (run.waits) return run.waits;
      result = step.value;
    } catch (error) {
      const failure = run.stop.reason === null ? null : cleanUpFailure(error, run.stop.signal);
      if (failure !== null) this.#take(run, {}, failure);
      return endOf(run, error);
    }
    try {
      const json = result === undefined ? null : toJson(result, RESULT);
      if (json === null || byteLength(json) <= MAX_VALUE) return { how: "returned", json };
      return await this.#keepResult(run, json);
    } catch (error) {
      // All its work again would come to the same.
      return { ...threw(error), final: true };
    }
  }

  /** A result that is too large for the record is an artifact. */
  async #keepResult(run: Run, json: string): Promise<RunEnd> {
    try {
      for await (const part of keepFile(RESULT_NAME, json, "application/json")) {
        await this.#takePart(run, part);
      }
      return { how: "returned", json: null, large: true };
    } catch (error) {
      return threw(error);
    }
  }

  #contextOf(
    run: Run,
    { attempt, id }: Extract<ToTasks, { type: "start" }>,
    input: unknown,
    checkpoint: unknown,
  ): TaskContext<unknown> {
    return {
      input,
      get signal() {
        return run.stop.takeSignal();
      },
      checkpoint,
      attempt,
      taskId: id,
      stepKey: run.stepKey,
      upload: (id, options) => this.#uploads.stream(id, options?.offset ?? 0, run.stop.signal),
      uploadInfo: (id) => this.#uploads.info(id),
    };
  }

  #now(): number {
    return (this.#options.now ?? Date.now)();
  }

  /** Answers a step, sleep, signal or children; returns what is wrong with it, if anything is. */
  async #answer(run: Run, yielded: AnsweredYield): Promise<{ error: unknown } | null> {
    try {
      await this.#answers.take(run, yielded);
    } catch (error) {
      return { error };
    }
    // What it did is stored, and will not be done again.
    if (run.quiesces) this.#abort(run.number, "stop");
    return null;
  }

  #push(event: RunEvent): void {
    // Its end was told: it has nothing more to say.
    const run = this.#runs.get(event[0]);
    if (!run) return;
    if (event[1] === "log") run.span?.log(event[2]);
    this.#events.push(event);
  }

  /** As {@link Executor.#take}, of an artifact, or where a checkpoint must fit the task's schema. */
  async #takeSlowly(run: Run, task: AnyTask, value: unknown): Promise<{ error: unknown } | null> {
    try {
      if (yieldType(value) === "artifact") {
        await this.#takePart(run, value as ArtifactYield);
        return null;
      }
      if (task.checkpoint && yieldType(value) === "save") {
        await checkSaved(task, (value as SaveYield<unknown>).data, run.stop.signal);
      }
    } catch (error) {
      return { error };
    }
    return this.#take(run, task, value);
  }

  async #takePart({ number }: Run, { part }: ArtifactYield): Promise<void> {
    if (!this.#runs.has(number)) return;
    await this.#artifacts.take(number, part, () => this.#events.push([number, "artifact", ""]));
  }

  /** Takes what a run yielded; returns what is wrong with it, if anything is. */
  #take(
    run: Run,
    { version = 0 }: { version?: number },
    value: unknown,
  ): { error: unknown } | null {
    // Its end was told: it has nothing more to say.
    if (this.#runs.get(run.number) !== run) return null;
    try {
      const yielded = readYield(value, this.#now());
      if (yielded === null) return null;
      if (yielded.type === "progress") {
        this.#events.report(run.number, yielded.report);
        return null;
      }
      const { type, json } = yielded;
      this.#push([run.number, type, type === "save" ? checkpointText(json, version) : json]);
      // Nothing of what it did is lost, or done again.
      if (type === "save" && run.quiesces) this.#abort(run.number, "stop");
      return null;
    } catch (error) {
      return { error };
    }
  }
}

/** The end of a run that threw: one that was asked to stop has stopped. */
function endOf({ stop: { reason } }: Run, error: unknown): RunEnd {
  const end = threw(error);
  if (reason === null) return end;
  return keepThrown({ how: "stopped", reason, stack: end.stack }, thrownIn(end));
}

/** What a hook is told: of a time-out, too, what it is called in the record. */
function failureIn(end: RunEnd): unknown {
  if (end.how !== "stopped") return thrownIn(end);
  const error = new Error("The attempt took longer than its time-out", { cause: thrownIn(end) });
  error.name = "TimeoutError";
  return error;
}

/** Whether it counts as an attempt that failed. */
function isFailure(end: RunEnd): boolean {
  return end.how === "threw" || (end.how === "stopped" && end.reason === "timeout");
}

function threw(thrown: unknown): Extract<RunEnd, { how: "threw" }> {
  const end = { how: "threw" as const, ...errorOf(thrown) };
  return keepThrown(isFinal(thrown) ? { ...end, final: true } : end, thrown);
}
