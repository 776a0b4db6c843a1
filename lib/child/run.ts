/**
 * One run: drives its generator, takes what it yields, and stops it.
 *
 * @module
 */

import { checkpointText } from "../task/checkpoint_text.ts";
import type { AnyTask } from "../task/define.ts";
import type { TaskContext } from "../task/context.ts";
import {
  type AnsweredYield,
  type ArtifactYield,
  log,
  type SaveYield,
  wantsAnswer,
  yieldType,
} from "../task/yield.ts";
import type { Answers } from "./answers.ts";
import type { ArtifactParts } from "./artifact_parts.ts";
import { readInput } from "./check_input.ts";
import { checkSaved, readCheckpoint } from "./checkpoints.ts";
import { cleanUpFailure } from "./clean_up.ts";
import { currentRun } from "./current_run.ts";
import { type ErrorHook, keepThrown } from "./error_hook.ts";
import type { RunEnd, RunEvent, StopReason, ToTasks } from "./protocol.ts";
import { endOf, failureIn, isFailure, returned } from "./run_end.ts";
import type { RunEventSink } from "./run_events.ts";
import { RunSpan } from "./run_span.ts";
import { RunStop } from "./run_stop.ts";
import type { AnsweringRun } from "./stored_answers.ts";
import type { UploadRequests } from "./upload_requests.ts";
import { readYield } from "./yields.ts";

/** What the runs of a process share. */
export interface RunParts {
  /** The kinds that can be run, by name. */
  readonly kinds: ReadonlyMap<string, AnyTask>;
  readonly events: RunEventSink;
  readonly uploads: UploadRequests;
  readonly answers: Answers;
  readonly artifacts: ArtifactParts;
  readonly hook: ErrorHook | null;
  /** Milliseconds since the epoch. */
  now(): number;
  /** Milliseconds that only grow. */
  elapsed(): number;
}

type Start = Extract<ToTasks, { type: "start" }>;

export class Run implements AnsweringRun {
  readonly number: number;
  readonly stop: RunStop;
  readonly attemptAt: string | null;
  answers: number;
  readonly names: Set<string> = new Set();
  waits: AnsweringRun["waits"] = null;
  readonly span: RunSpan | null;
  readonly #start: Start;
  readonly #parts: RunParts;
  /** Resolves when it ends before its generator does. */
  readonly #failed = Promise.withResolvers<RunEnd>();
  /** Whether its generator was made: before that, there is nothing to clean up. */
  #begun = false;
  /** Whether it must stop at its next checkpoint. */
  #quiesces = false;
  /** Whether its end was sent: after that it sends nothing. */
  #over = false;

  constructor(start: Start, parts: RunParts) {
    this.number = start.run;
    this.stop = new RunStop(() => parts.elapsed());
    this.attemptAt = start.attemptAt;
    this.answers = start.answers;
    this.span = RunSpan.start(start);
    this.#start = start;
    this.#parts = parts;
  }

  readonly stepKey = (name: string): string => `${this.#start.id}:${encodeURIComponent(name)}`;

  /** Runs its generator. Resolves when its end has been sent; never rejects. */
  async run(): Promise<void> {
    const { number, span } = this;
    const { events, artifacts, hook } = this.#parts;
    const within = <T>(work: () => Promise<T>): Promise<T> => {
      const current = { number, fail: this.#fail.bind(this) };
      const mine = () => currentRun.run(current, work);
      return span ? span.within(mine) : mine();
    };
    const end = await Promise.race([within(() => this.#drive()), this.#failed.promise]);
    if (hook && isFailure(end)) await within(() => this.#tell(hook, end));
    this.#over = true;
    artifacts.end(number);
    span?.end(end);
    events.push([number, "end", end]);
  }

  /** Asks it to stop, once. */
  abort(reason: StopReason): void {
    if (this.stop.reason === null) this.#stop(reason);
  }

  /** Makes it stop at its next checkpoint. */
  quiesce(): void {
    this.#quiesces = true;
  }

  /** Sends an event, unless its end was sent. */
  push(event: RunEvent): void {
    if (this.#over) return;
    if (event[1] === "log") this.span?.log(event[2]);
    this.#parts.events.push(event);
  }

  /** Ends it before its generator ends, and stops that. */
  #fail(error: unknown, stray: boolean): void {
    if (this.#over) return;
    const end = endOf(this.stop.reason, error);
    const strayed = stray && end.how === "threw";
    this.#failed.resolve(strayed ? keepThrown({ ...end, how: "strayed" }, error) : end);
    this.#stop(this.stop.reason ?? "stop", error);
  }

  #stop(reason: StopReason, error?: unknown): void {
    if (!this.#begun) this.#failed.resolve({ how: "stopped", reason });
    this.stop.ask(reason, error);
  }

  /** Calls the hook before its end is sent: until then the server lets the process live. */
  async #tell(hook: ErrorHook, end: RunEnd): Promise<void> {
    const { id, kind, attempt, maxAttempts } = this.#start;
    const final = end.how === "threw" && end.final;
    const willRetry = !final && attempt < maxAttempts;
    const failed = { taskId: id, kind, attempt, maxAttempts, willRetry };
    const problem = await hook.tell(failureIn(end), failed);
    if (problem !== null) this.#take({}, log(problem, { level: "warn" }));
  }

  /** Runs its generator, and returns how it ended. Never rejects. */
  async #drive(): Promise<RunEnd> {
    const { kinds, events, now } = this.#parts;
    const start = this.#start;
    let result: unknown;
    try {
      const task = kinds.get(start.kind);
      if (!task) throw new TypeError(`Cannot run '${start.kind}' as no such kind is loaded here`);
      const input = await readInput(task, start);
      const checkpoint = await readCheckpoint(task, start.checkpoint);
      if (this.stop.reason !== null) return { how: "stopped", reason: this.stop.reason };
      this.#begun = true;
      const stages = Object.entries(task.stages ?? {});
      if (stages.length > 0) events.report(this.number, { at: now(), stages });
      const generator = task.run(this.#contextOf(input, checkpoint));
      let step = await generator.next();
      while (!step.done) {
        this.stop.atYield();
        const { waits } = this;
        const wrong = wantsAnswer(step.value)
          ? await this.#answer(step.value)
          : task.checkpoint || yieldType(step.value) === "artifact"
          ? await this.#takeSlowly(task, step.value)
          : this.#take(task, step.value);
        const wait = events.pause();
        if (wait) await wait;
        if (this.stop.endsAtYield() || this.waits !== waits) {
          step = await generator.return(undefined);
        } else if (wrong) {
          // The task sees its mistake where it made it, and may handle it.
          step = await generator.throw(wrong.error);
        } else {
          step = await generator.next();
        }
      }
      if (this.stop.reason !== null) return { how: "stopped", reason: this.stop.reason };
      if (this.waits) return this.waits;
      result = step.value;
    } catch (error) {
      const failure = this.stop.reason === null ? null : cleanUpFailure(error, this.stop.signal);
      if (failure !== null) this.#take({}, failure);
      return endOf(this.stop.reason, error);
    }
    return await returned(result, (part) => this.#takePart(part));
  }

  #contextOf(input: unknown, checkpoint: unknown): TaskContext<unknown> {
    const { attempt, id } = this.#start;
    const { uploads } = this.#parts;
    const { stop, stepKey } = this;
    return {
      input,
      get signal() {
        return stop.takeSignal();
      },
      checkpoint,
      attempt,
      taskId: id,
      stepKey,
      upload: (id, options) => uploads.stream(id, options?.offset ?? 0, stop.signal),
      uploadInfo: (id) => uploads.info(id),
    };
  }

  /** Answers a step, sleep, signal or children; returns what is wrong with it, if anything is. */
  async #answer(yielded: AnsweredYield): Promise<{ error: unknown } | null> {
    try {
      await this.#parts.answers.take(this, yielded);
    } catch (error) {
      return { error };
    }
    // What it did is stored, and will not be done again.
    if (this.#quiesces) this.abort("stop");
    return null;
  }

  /** As {@link Run.#take}, for an artifact, or a checkpoint that must fit the task's schema. */
  async #takeSlowly(task: AnyTask, value: unknown): Promise<{ error: unknown } | null> {
    try {
      if (yieldType(value) === "artifact") {
        await this.#takePart(value as ArtifactYield);
        return null;
      }
      if (task.checkpoint && yieldType(value) === "save") {
        await checkSaved(task, (value as SaveYield<unknown>).data, this.stop.signal);
      }
    } catch (error) {
      return { error };
    }
    return this.#take(task, value);
  }

  async #takePart({ part }: ArtifactYield): Promise<void> {
    if (this.#over) return;
    const { artifacts, events } = this.#parts;
    await artifacts.take(this.number, part, () => events.push([this.number, "artifact", ""]));
  }

  /** Takes what was yielded; returns what is wrong with it, if anything is. */
  #take({ version = 0 }: { version?: number }, value: unknown): { error: unknown } | null {
    if (this.#over) return null;
    try {
      const yielded = readYield(value, this.#parts.now());
      if (yielded === null) return null;
      if (yielded.type === "progress") {
        this.#parts.events.report(this.number, yielded.report);
        return null;
      }
      const { type, json } = yielded;
      this.push([this.number, type, type === "save" ? checkpointText(json, version) : json]);
      // Nothing of what it did is lost, or done again.
      if (type === "save" && this.#quiesces) this.abort("stop");
      return null;
    } catch (error) {
      return { error };
    }
  }
}
