/**
 * A task that is watched: what its stream tells, over as many connections as it takes, each event
 * once and in order.
 *
 * @module
 */

import type {
  ConnectionState,
  FinishedTask,
  Reset,
  ResultOf,
  TaskEvent,
  TaskRecord,
  Watch,
  WatchOptions,
} from "./client.d.ts";
import { EventQueue, stateOf } from "./event_queue.ts";
import { EventStream, type StreamRequest } from "./event_stream.ts";
import { bearer, HeadwayError, refusal, serverUrl } from "./requests.ts";
import { WORLD, type World } from "./world.ts";

/** Events that may wait for a slow reader: past it the stream is not read. */
const MAX_WAITING = 500;

/** Statuses of which another try may do better. */
const PASSING = [408, 425, 429];

/** What runs by itself, where one of these is given. */
const CALLBACKS = [
  "onprogress",
  "onlog",
  "onoutput",
  "oncomplete",
  "onreset",
  "onerror",
] as const;

/** Watches a task. */
export function watch<Task = unknown>(id: string, options: WatchOptions<Task> = {}): Watch<Task> {
  return new TaskWatch(id, options);
}

/** See the module. */
export class TaskWatch<Task = unknown> implements Watch<Task> {
  readonly id: string;
  record: TaskRecord<ResultOf<Task>> | null = null;

  readonly #options: WatchOptions<Task>;
  readonly #stream: EventStream;
  readonly #queue = new EventQueue<TaskEvent<Task>>((event) =>
    event.type === "progress" ? stateOf(event.data) : null
  );
  readonly #events: AsyncGenerator<TaskEvent<Task>, void, void>;
  readonly #finished = Promise.withResolvers<FinishedTask<ResultOf<Task>>>();
  #begun: "iterator" | "itself" | null = null;
  /** Somebody looks at how it ends. */
  #asked = false;
  /** `seq` of the newest event that was taken in, and the newest record, which may be ahead of it. */
  #last: number;
  #newest: TaskRecord<ResultOf<Task>> | null = null;
  #end: FinishedTask<ResultOf<Task>> | null = null;
  #error: HeadwayError | null = null;
  #closed = false;
  #wake = () => {};
  #room: PromiseWithResolvers<void> | null = null;

  constructor(id: string, options: WatchOptions<Task>, world: World = WORLD) {
    const { base, lastEventId = "0", stallMs } = options;
    const url = `${serverUrl(base, import.meta.url)}/tasks/${encodeURIComponent(id)}/stream`;
    this.id = id;
    this.#options = options;
    this.#last = Number(lastEventId) || 0;
    this.#stream = new EventStream({
      world,
      request: () => this.#request(url),
      lastEventId,
      ...(stallMs === undefined ? {} : { stallMs }),
      onevent: (...event) => this.#take(...event),
      onstate: (state) => void this.#call(() => options.onconnection?.(state)),
      onrefused: (response) => this.#refused(response),
      room: () => this.#queue.size < MAX_WAITING ? null : this.#wanted(),
    });
    this.#events = this.#run();
    // Whoever does not look at it is told by the iterator, or a callback.
    this.#finished.promise.catch(() => {});
    if (CALLBACKS.some((name) => options[name] !== undefined)) this.#runItself();
  }

  get connection(): ConnectionState {
    return this.#stream.state;
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
    this.#closed = true;
    this.#stop();
  }

  [Symbol.dispose](): void {
    this.close();
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
      if (error instanceof HeadwayError && onerror) void this.#call(() => onerror(error));
      else if (!this.#asked && !signal?.aborted) uncaught(error);
    });
  }

  async *#run(): AsyncGenerator<TaskEvent<Task>, void, void> {
    const { signal } = this.#options;
    const stop = () => this.#stop();
    const online = () => this.#stream.reopen();
    signal?.addEventListener("abort", stop);
    globalThis.addEventListener?.("online", online);
    let failure: unknown = new DOMException("The watch was closed", "AbortError");
    try {
      if (!this.#closed) this.#stream.open();
      while (!this.#closed) {
        signal?.throwIfAborted();
        const [event] = this.#queue.take(1);
        if (event !== undefined) {
          if (this.#queue.size < MAX_WAITING / 2) this.#readOn();
          if (event.type === "progress" || event.type === "complete") this.record = event.data;
          yield event;
        } else if (this.#error !== null) {
          throw this.#error;
        } else if (this.#end !== null) {
          this.record = this.#end;
          failure = null;
          return;
        } else {
          await new Promise<void>((resolve) => this.#wake = resolve);
        }
      }
    } catch (error) {
      failure = error;
      throw error;
    } finally {
      signal?.removeEventListener("abort", stop);
      globalThis.removeEventListener?.("online", online);
      await this.#stream.close();
      if (failure === null) this.#finished.resolve(this.#end!);
      else this.#finished.reject(failure);
    }
  }

  /** Whoever runs it by callbacks is waited for, as whoever iterates is. */
  async #tell(event: TaskEvent<Task>): Promise<void> {
    const { onprogress, onlog, onoutput, oncomplete, onreset } = this.#options;
    await this.#call(() => {
      switch (event.type) {
        case "progress":
          return onprogress?.(event.data);
        case "log":
          return onlog?.(event.data);
        case "output":
          return onoutput?.(event.data);
        case "complete":
          return oncomplete?.(event.data);
        case "reset":
          return onreset?.(event.data);
      }
    });
  }

  /** What goes wrong in a callback is its own matter. */
  async #call(callback: () => unknown): Promise<void> {
    try {
      await callback();
    } catch (error) {
      uncaught(error);
    }
  }

  async #request(url: string): Promise<StreamRequest> {
    const headers = await bearer(this.#options.token);
    if (!this.#options.tokenInUrl || headers.authorization === undefined) return { url, headers };
    const token = headers.authorization.slice("Bearer ".length);
    return { url: `${url}?${new URLSearchParams({ token })}` };
  }

  /** Resolves when somebody has taken of what waits. */
  #wanted(): Promise<void> {
    this.#room ??= Promise.withResolvers();
    return this.#room.promise;
  }

  #readOn(): void {
    this.#room?.resolve();
    this.#room = null;
  }

  /** Nothing more is read. */
  #stop(): void {
    void this.#stream.close();
    this.#wake();
  }

  #take(type: string, data: unknown, id: string): void {
    if (this.#end !== null || this.#error !== null) return;
    if (type === "reset") {
      const reset = data as Reset;
      this.#newest = reset.task as TaskRecord<ResultOf<Task>>;
      // Whatever the ids counted, it was not this.
      if (reset.reason !== "too-old") this.#last = 0;
      return this.#push({ type, id, data: reset });
    }
    if (type === "deleted") return this.#fail(new HeadwayError(410, "The task was deleted"));
    const seq = Number(id);
    if (type === "message") this.#newest = data as TaskRecord<ResultOf<Task>>;
    if (type === "complete" && this.#newest === null) return this.#askAgain(seq);
    const known = seq <= this.#last;
    if (!known) this.#last = seq;
    if (type === "complete") {
      const { result = null, error = null } = data as Partial<TaskRecord<ResultOf<Task>>>;
      this.#end = { ...this.#newest, result, error, seq } as FinishedTask<ResultOf<Task>>;
      if (!known) this.#push({ type, id, data: this.#end });
      this.#stop();
    } else if (!known) {
      const event = { type: type === "message" ? "progress" : type, id, data };
      this.#push(event as TaskEvent<Task>);
    }
  }

  /** An end is told without its record to who had that already. */
  #askAgain(end: number): void {
    this.#stream.lastEventId = String(Math.max(0, end - 2));
    this.#stream.reopen();
  }

  async #refused(response: Response): Promise<boolean> {
    const { status } = response;
    if (status === 204) {
      this.#askAgain(this.#last);
    } else if (status >= 400 && status < 500 && !PASSING.includes(status)) {
      this.#fail(await refusal(response));
      return false;
    }
    return true;
  }

  #push(event: TaskEvent<Task>): void {
    this.#queue.push(event);
    this.#wake();
  }

  #fail(error: HeadwayError): void {
    this.#error = error;
    this.#stop();
  }
}

/** Where errors go that nobody waits for. */
function uncaught(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
