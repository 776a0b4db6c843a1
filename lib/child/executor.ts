/**
 * The runs of a task process: starts them, and passes the server's messages on to each. It knows
 * neither the store nor HTTP.
 *
 * @module
 */

import { Answers } from "./answers.ts";
import { ArtifactParts } from "./artifact_parts.ts";
import { checkInput, noSuchKind } from "./check_input.ts";
import { ErrorHook } from "./error_hook.ts";
import type { FromTasks, ToTasks } from "./protocol.ts";
import type { AnyTask } from "../task/define.ts";
import type { OnError } from "../task/on_error.ts";
import { Run, type RunParts } from "./run.ts";
import { nextTurn, RunEvents, type RunEventSink } from "./run_events.ts";
import { UploadRequests } from "./upload_requests.ts";

export interface ExecutorOptions {
  /** The kinds that can be run, by name. */
  kinds: ReadonlyMap<string, AnyTask>;
  /** Sends a message to the server process. */
  send(message: FromTasks): void;
  /** Milliseconds since the epoch. @default {Date.now} */
  now?: () => number;
  /** Milliseconds that only grow. @default {performance.now} */
  elapsed?: () => number;
  /** Called for each attempt that fails. */
  onError?: OnError | undefined;
  /** Takes the events of runs. @default {sends it in batches, with progress conflated} */
  events?: RunEventSink;
}

export class Executor {
  readonly #options: ExecutorOptions;
  readonly #runs = new Map<number, Run>();
  readonly #parts: RunParts;

  constructor(options: ExecutorOptions) {
    this.#options = options;
    const { kinds, onError, now = () => Date.now(), elapsed = () => performance.now() } = options;
    const send = (message: FromTasks) => options.send(message);
    this.#parts = {
      kinds,
      events: options.events ?? new RunEvents((events) => send({ type: "batch", events })),
      uploads: new UploadRequests(send),
      answers: new Answers({ send, push: (event) => this.#runs.get(event[0])?.push(event), now }),
      artifacts: new ArtifactParts(send),
      hook: onError ? new ErrorHook(onError) : null,
      now,
      elapsed,
    };
  }

  /** Takes a message from the server process. */
  receive(message: ToTasks): void {
    switch (message.type) {
      case "start":
        void this.#start(message);
        break;
      case "abort":
        this.#runs.get(message.run)?.abort(message.reason);
        break;
      case "quiesce":
        this.#runs.get(message.run)?.quiesce();
        break;
      case "ack":
        this.#parts.events.taken();
        break;
      case "check":
        void this.#check(message);
        break;
      case "info":
        this.#parts.uploads.receiveInfo(message.request, message.info);
        break;
      case "answer":
      case "kept":
      case "made":
      case "ended":
        this.#parts.answers.receive(message);
        break;
      case "artifact":
        this.#parts.artifacts.receive(message.run, message.answer);
        break;
    }
  }

  /** Takes a chunk of an upload; an empty one means that there is no such chunk. */
  receiveBytes(request: number, bytes: Uint8Array): void {
    this.#parts.uploads.receiveBytes(request, bytes);
  }

  /** Stops every run: the server has gone, or is about to. */
  stopAll(): void {
    for (const run of this.#runs.values()) run.abort("stop");
  }

  /** Resolves when no run is left. */
  async idle(): Promise<void> {
    while (this.#runs.size > 0) await nextTurn();
  }

  async #check(
    { request, kind, input, parsed }: Extract<ToTasks, { type: "check" }>,
  ): Promise<void> {
    const task = this.#options.kinds.get(kind);
    const checked = task ? await checkInput(task, input, parsed) : noSuchKind(kind);
    this.#options.send({ type: "checked", request, checked });
  }

  async #start(start: Extract<ToTasks, { type: "start" }>): Promise<void> {
    const run = new Run(start, this.#parts);
    this.#runs.set(run.number, run);
    await run.run();
    this.#runs.delete(run.number);
  }
}
