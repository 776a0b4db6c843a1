/**
 * Watches a task: with callbacks, with `for await`, or by awaiting its end. client.d.ts says what a
 * watch promises.
 *
 * @module
 */

import type {
  ConnectionState,
  FinishedTask,
  ResultOf,
  TaskEvent,
  TaskRecord,
  Watch,
  WatchOptions,
} from "./client.d.ts";
import { HeadwayError } from "./requests.ts";
import { TaskEvents } from "./task_events.ts";
import { WORLD, type World } from "./world.ts";

/** A watch runs by itself if one of these is given. */
const CALLBACKS = [
  "onprogress",
  "onlog",
  "onoutput",
  "onartifact",
  "onrewind",
  "onstep",
  "oncomplete",
  "onreset",
  "onerror",
] as const;

export function watch<Task = unknown>(id: string, options: WatchOptions<Task> = {}): Watch<Task> {
  const { fetch } = options;
  return new TaskWatch(id, options, fetch ? { ...WORLD, fetch } : WORLD);
}

export class TaskWatch<Task = unknown> implements Watch<Task> {
  readonly id: string;
  record: TaskRecord<ResultOf<Task>> | null = null;

  readonly #options: WatchOptions<Task>;
  readonly #source: TaskEvents<Task>;
  readonly #events: AsyncGenerator<TaskEvent<Task>, void, void>;
  readonly #finished = Promise.withResolvers<FinishedTask<ResultOf<Task>>>();
  #begun: "iterator" | "itself" | null = null;
  /** Whether somebody has asked for `finished`. */
  #asked = false;

  constructor(id: string, options: WatchOptions<Task>, world: World = WORLD) {
    const { onconnection } = options;
    this.id = id;
    this.#options = options;
    this.#source = new TaskEvents(id, {
      ...options,
      onconnection: (state) => void call(() => onconnection?.(state)),
    }, world);
    this.#events = this.#run();
    // Without `finished`, the iterator or a callback tells of the error.
    this.#finished.promise.catch(() => {});
    if (CALLBACKS.some((name) => options[name] !== undefined)) this.#runItself();
  }

  get connection(): ConnectionState {
    return this.#source.connection;
  }

  get finished(): Promise<FinishedTask<ResultOf<Task>>> {
    this.#asked = true;
    if (this.#begun === null) this.#runItself();
    return this.#finished.promise;
  }

  [Symbol.asyncIterator](): AsyncGenerator<TaskEvent<Task>, void, void> {
    if (this.#begun === "itself") {
      throw new TypeError("Cannot iterate a watch that has callbacks or was asked for its end");
    }
    this.#begun = "iterator";
    return this.#events;
  }

  close(): void {
    this.#source.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async *#run(): AsyncGenerator<TaskEvent<Task>, void, void> {
    try {
      for await (const event of this.#source.read()) {
        if (event.type === "progress" || event.type === "complete") this.record = event.data;
        yield event;
      }
      const { end } = this.#source;
      if (end === null) return;
      this.record = end;
      this.#finished.resolve(end);
    } catch (error) {
      this.#finished.reject(error);
      throw error;
    } finally {
      // Does nothing if `finished` is settled already.
      this.#finished.reject(new DOMException("The watch was closed", "AbortError"));
    }
  }

  #runItself(): void {
    this.#begun = "itself";
    const { signal, onerror } = this.#options;
    const run = async () => {
      // A callback may use the watch, which the caller gets only after this.
      await null;
      for await (const event of this.#events) await this.#tell(event);
    };
    run().catch((error) => {
      if (error instanceof HeadwayError && onerror) void call(() => onerror(error));
      else if (!this.#asked && !signal?.aborted) uncaught(error);
    });
  }

  /** Awaits the callback of an event, so that a slow one holds up the watch, as a loop would. */
  async #tell(event: TaskEvent<Task>): Promise<void> {
    const { onprogress, onlog, onoutput, onartifact, onrewind, onstep, oncomplete, onreset } = this
      .#options;
    await call(() => {
      switch (event.type) {
        case "progress":
          return onprogress?.(event.data);
        case "log":
          return onlog?.(event.data);
        case "output":
          return onoutput?.(event.data);
        case "artifact":
          return onartifact?.(event.data);
        case "rewind":
          return onrewind?.(event.data);
        case "step":
          return onstep?.(event.data);
        case "complete":
          return oncomplete?.(event.data);
        case "reset":
          return onreset?.(event.data);
      }
    });
  }
}

/** Calls a callback. What it throws does not end the watch. */
async function call(callback: () => unknown): Promise<void> {
  try {
    await callback();
  } catch (error) {
    uncaught(error);
  }
}

/** Throws an error that nobody awaits, so that the platform reports it. */
function uncaught(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
