/**
 * A task that is watched, as whoever watches it holds it: with callbacks, by `for await`, or by
 * waiting for its end. What it promises is in client.d.ts.
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

/** It runs by itself where one of these is given. */
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
  /** Somebody looks at how it ends. */
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
    // Whoever does not look at it is told by the iterator, or a callback.
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
      // Nothing, where it has ended otherwise.
      this.#finished.reject(new DOMException("The watch was closed", "AbortError"));
    }
  }

  #runItself(): void {
    this.#begun = "itself";
    const { signal, onerror } = this.#options;
    const run = async () => {
      // Whoever is called back may want to use what is returned to him yet.
      await null;
      for await (const event of this.#events) await this.#tell(event);
    };
    run().catch((error) => {
      if (error instanceof HeadwayError && onerror) void call(() => onerror(error));
      else if (!this.#asked && !signal?.aborted) uncaught(error);
    });
  }

  /** Whoever is called back is waited for, as whoever iterates is. */
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

/** What goes wrong in a callback is its own matter. */
async function call(callback: () => unknown): Promise<void> {
  try {
    await callback();
  } catch (error) {
    uncaught(error);
  }
}

/** Where errors go that nobody waits for. */
function uncaught(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
