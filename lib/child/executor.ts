/**
 * Drives generators: starts runs, takes what they yield, sends it in batches with back-pressure,
 * stops them. It runs in a task process and knows neither store nor HTTP.
 *
 * @module
 */

import { currentRun } from "./current_run.ts";
import type { FromTasks, RunEnd, RunEvent, StopReason, ToTasks } from "./protocol.ts";
import type { Report } from "../task/state.ts";
import type { AnyTask, UploadInfo } from "../task/define.ts";
import { brief, readYield, textOf, toJson } from "./yields.ts";

/** What {@link Executor} takes. */
export interface ExecutorOptions {
  /** The kinds that can be run, by name. */
  kinds: ReadonlyMap<string, AnyTask>;
  /** Sends a message to the server process. */
  send(message: FromTasks): void;
  /** Milliseconds since the epoch. @default {Date.now} */
  now?: () => number;
}

/** Events of all runs that may wait for the server: then a `yield` waits. */
const MAX_WAITING = 1024;

/** Characters of them, likewise. */
const MAX_WAITING_SIZE = 256 * 1024;

/** Characters sent at once: all runs may end, or report, in the same moment. */
const MAX_BATCH_SIZE = 1024 * 1024;

/** Characters that an event takes beside its texts. */
const AROUND = 64;

/** Milliseconds a generator may go on yielding progress before the event loop gets its turn. */
const SLICE_MS = 4;

/** Characters of a stack that are kept, for the log. */
const MAX_STACK = 16 * 1024;

interface Run {
  readonly number: number;
  readonly abort: AbortController;
  stop: StopReason | null;
  /** It is to stop at its next checkpoint. */
  quiesces: boolean;
  /** The newest progress, not yet sent. */
  report: Report | null;
  /** Resolves when it ends before its generator does. */
  readonly failed: PromiseWithResolvers<RunEnd>;
}

/** See the module. */
export class Executor {
  readonly #options: ExecutorOptions;
  readonly #runs = new Map<number, Run>();
  readonly #reported = new Set<Run>();
  #events: RunEvent[] = [];
  #size = 0;
  #sending = false;
  #scheduled = false;
  #room = Promise.withResolvers<void>();
  #sliceEnd = 0;
  #request = 0;
  readonly #infos = new Map<number, (info: UploadInfo | null) => void>();
  readonly #chunks = new Map<number, (bytes: Uint8Array) => void>();

  /** Takes what it runs and where it reports. */
  constructor(options: ExecutorOptions) {
    this.#options = options;
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
        this.#sending = false;
        this.#flush();
        break;
      case "info":
        this.#infos.get(message.request)?.(message.info);
        this.#infos.delete(message.request);
        break;
    }
  }

  /** Takes an upload's bytes; none mean that there are no more. */
  receiveBytes(request: number, bytes: Uint8Array): void {
    this.#chunks.get(request)?.(bytes);
    this.#chunks.delete(request);
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
    run.failed.resolve(stray && end.how === "threw" ? { ...end, how: "strayed" } : end);
    run.stop ??= "stop";
    run.abort.abort(error);
  }

  #abort(number: number, reason: StopReason): void {
    const run = this.#runs.get(number);
    if (!run || run.stop !== null) return;
    run.stop = reason;
    run.abort.abort(new DOMException(STOP_TEXT[reason], "AbortError"));
  }

  #quiesce(number: number): void {
    const run = this.#runs.get(number);
    if (run) run.quiesces = true;
  }

  async #start(start: Extract<ToTasks, { type: "start" }>): Promise<void> {
    const run: Run = {
      number: start.run,
      abort: new AbortController(),
      stop: null,
      quiesces: false,
      report: null,
      failed: Promise.withResolvers(),
    };
    this.#runs.set(run.number, run);
    const { number } = run;
    const current = { number, fail: this.#fail.bind(this, run) };
    const driven = currentRun.run(current, () => this.#drive(run, start));
    const end = await Promise.race([driven, run.failed.promise]);
    this.#runs.delete(run.number);
    this.#progressInOrder(run);
    this.#push([run.number, "end", end]);
  }

  /** Runs a generator to its end, and says how that was. Never rejects. */
  async #drive(run: Run, start: Extract<ToTasks, { type: "start" }>): Promise<RunEnd> {
    try {
      const task = this.#options.kinds.get(start.kind);
      if (!task) throw new TypeError(`Cannot run '${start.kind}' as no such kind is loaded here`);
      const generator = task.run({
        input: await readInput(task, start.input),
        signal: run.abort.signal,
        checkpoint: start.checkpoint === null ? undefined : JSON.parse(start.checkpoint),
        attempt: start.attempt,
        taskId: start.id,
        upload: (id, options) => this.#upload(run, id, options?.offset ?? 0),
        uploadInfo: (id) => this.#uploadInfo(id),
      });
      let step = await generator.next();
      while (!step.done) {
        if (run.stop !== null) {
          await generator.return(undefined);
          return { how: "stopped", reason: run.stop };
        }
        let wrong: unknown;
        try {
          this.#take(run, step.value);
        } catch (error) {
          wrong = error;
        }
        if (wrong !== undefined) {
          // It sees its own mistake where it made it, and may handle it.
          step = await generator.throw(wrong);
          continue;
        }
        const wait = this.#pause();
        if (wait) await wait;
        step = run.stop === null ? await generator.next() : step;
      }
      if (run.stop !== null) return { how: "stopped", reason: run.stop };
      const json = step.value === undefined ? null : toJson("the task's return", step.value);
      return { how: "returned", json };
    } catch (error) {
      return endOf(run, error);
    }
  }

  #take(run: Run, value: unknown): void {
    const yielded = readYield(value, (this.#options.now ?? Date.now)());
    if (yielded === null) return;
    if (yielded.type === "progress") {
      // Conflated here already: only the newest of each run waits.
      run.report = run.report ? { ...run.report, ...yielded.report } : yielded.report;
      this.#reported.add(run);
      this.#schedule();
      return;
    }
    this.#push([run.number, yielded.type, yielded.json]);
    // Nothing of what it did is lost, or done again.
    if (yielded.type === "save" && run.quiesces) this.#abort(run.number, "stop");
  }

  /** What a run has to wait for before it goes on; `null` for nothing. */
  #pause(): Promise<void> | null {
    if (!this.#hasRoom) return this.#room.promise;
    const now = performance.now();
    if (now < this.#sliceEnd) return null;
    // Timers, messages and the other runs get their turn.
    return nextTurn().then(() => {
      this.#sliceEnd = performance.now() + SLICE_MS;
    });
  }

  get #hasRoom(): boolean {
    return this.#events.length < MAX_WAITING && this.#size < MAX_WAITING_SIZE;
  }

  #push(event: RunEvent): void {
    this.#events.push(event);
    this.#size += sizeOf(event);
    this.#schedule();
  }

  /** A run's last progress goes before its end. */
  #progressInOrder(run: Run): void {
    if (run.report === null) return;
    this.#reported.delete(run);
    this.#push([run.number, "progress", run.report]);
    run.report = null;
  }

  #schedule(): void {
    if (this.#scheduled || this.#sending) return;
    this.#scheduled = true;
    // What is yielded in one turn of the event loop travels together.
    void nextTurn().then(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#sending || (this.#events.length === 0 && this.#reported.size === 0)) return;
    this.#sending = true;
    this.#options.send({ type: "batch", events: this.#nextBatch() });
    if (!this.#hasRoom) return;
    this.#room.resolve();
    this.#room = Promise.withResolvers();
  }

  /** What waits, as much of it as one batch holds: the rest goes with the next. */
  #nextBatch(): RunEvent[] {
    let size = 0;
    let count = 0;
    while (count < this.#events.length && size < MAX_BATCH_SIZE) {
      size += sizeOf(this.#events[count++]!);
    }
    const events = this.#events.splice(0, count);
    this.#size -= size;
    // Progress goes behind what its run yielded before.
    if (this.#events.length > 0) return events;
    for (const run of this.#reported) {
      if (size >= MAX_BATCH_SIZE) break;
      const event: RunEvent = [run.number, "progress", run.report!];
      size += sizeOf(event);
      events.push(event);
      run.report = null;
      this.#reported.delete(run);
    }
    return events;
  }

  #uploadInfo(upload: string): Promise<UploadInfo> {
    const request = ++this.#request;
    const { promise, resolve } = Promise.withResolvers<UploadInfo | null>();
    this.#infos.set(request, resolve);
    this.#options.send({ type: "info", request, upload });
    return promise.then((info) => info ?? Promise.reject(gone(upload)));
  }

  #upload(run: Run, upload: string, offset: number): ReadableStream<Uint8Array> {
    if (!Number.isSafeInteger(offset) || offset < 0) {
      throw new RangeError(
        `Cannot read an upload as 'offset' must be a whole number from 0: current value is ${offset}`,
      );
    }
    let at = offset;
    let size: number | null = null;
    return new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        size ??= (await this.#uploadInfo(upload)).size;
        run.abort.signal.throwIfAborted();
        if (at >= size) return controller.close();
        const request = ++this.#request;
        const { promise, resolve } = Promise.withResolvers<Uint8Array>();
        this.#chunks.set(request, resolve);
        this.#options.send({ type: "chunk", request, upload, offset: at });
        const bytes = await promise;
        if (bytes.length === 0) throw gone(upload);
        at += bytes.length;
        controller.enqueue(bytes);
      },
    }, { highWaterMark: 2 });
  }
}

const STOP_TEXT: Record<StopReason, string> = {
  cancel: "The task was canceled",
  timeout: "The task took longer than its time-out",
  stop: "The server is stopping; the task will go on from its checkpoint",
};

/** Characters of its texts, and some around them. */
function sizeOf([, type, content]: RunEvent): number {
  switch (type) {
    case "progress":
      return AROUND + (content.message?.length ?? 0) + (content.stage?.length ?? 0);
    case "end":
      if (content.how === "returned") return AROUND + (content.json?.length ?? 0);
      return AROUND + (content.stack?.length ?? 0) +
        (content.how === "threw" ? content.error.name.length + content.error.message.length : 0);
  }
  return content.length;
}

function gone(upload: string): Error {
  const error = new Error(`There is no upload ${upload}: it was removed, or never made`);
  error.name = "NotFound";
  return error;
}

/** The input as its schema makes it: parsed anew, since only JSON came over. */
async function readInput(task: AnyTask, json: string | null): Promise<unknown> {
  const input: unknown = json === null ? undefined : JSON.parse(json);
  if (!task.input) return input;
  const result = await task.input["~standard"].validate(input);
  if (result.issues) {
    throw new TypeError(
      `Cannot run '${task.kind}' as its input does not fit: ${result.issues[0]?.message}`,
    );
  }
  return result.value;
}

/** The end of a run that threw: one that was asked to stop has stopped. */
function endOf({ stop }: Run, error: unknown): RunEnd {
  const end = threw(error);
  return stop === null ? end : { how: "stopped", reason: stop, stack: end.stack };
}

/** What was thrown, as text: anything can be, and its fields may be anything too. */
function threw(error: unknown): Extract<RunEnd, { how: "threw" }> {
  if (error instanceof Error) {
    const name = brief(textOf(error.name), 256);
    const message = brief(textOf(error.message), 4096);
    const stack = textOf(error.stack ?? message).slice(0, MAX_STACK);
    return { how: "threw", error: { name, message }, stack };
  }
  const message = brief(textOf(error), 4096);
  return { how: "threw", error: { name: "Error", message }, stack: message };
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
