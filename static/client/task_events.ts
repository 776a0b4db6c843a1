/**
 * The events of a task, each once and in order, over any number of connections.
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
  WatchOptions,
} from "./client.d.ts";
import { EventQueue, stateOf } from "./event_queue.ts";
import { EventStream, type StreamRequest } from "./event_stream.ts";
import { bearer, HeadwayError, refusal, serverUrl } from "./requests.ts";
import type { World } from "./world.ts";

/** Events that may wait for a slow reader. Beyond it the stream is not read. */
const MAX_WAITING = 500;

/** Statuses after which another try may succeed. */
const PASSING = [408, 425, 429];

export class TaskEvents<Task> {
  /** The task, once its end is known. */
  end: FinishedTask<ResultOf<Task>> | null = null;

  readonly #options: WatchOptions<Task>;
  readonly #stream: EventStream;
  readonly #queue = new EventQueue<TaskEvent<Task>>((event) =>
    event.type === "progress" ? stateOf(event.data) : null
  );
  /** The `seq` of the newest event received, and the newest record, which may be newer than it. */
  #last: number;
  #newest: TaskRecord<ResultOf<Task>> | null = null;
  #error: HeadwayError | null = null;
  #closed = false;
  /** Wakes the reader that waits for an event, and the stream that waits until some are taken. */
  #wake = () => {};
  #room: PromiseWithResolvers<void> | null = null;

  /** Sends no request before {@link read}. */
  constructor(id: string, options: WatchOptions<Task>, world: World) {
    const { base, lastEventId = "0", stallMs, onconnection } = options;
    const url = `${serverUrl(base, import.meta.url)}/tasks/${encodeURIComponent(id)}/stream`;
    this.#options = options;
    this.#last = Number(lastEventId) || 0;
    this.#stream = new EventStream({
      world,
      request: () => this.#request(url),
      lastEventId,
      ...(stallMs === undefined ? {} : { stallMs }),
      onevent: (...event) => this.#take(...event),
      onstate: (state) => onconnection?.(state),
      onrefused: (response) => this.#refused(response),
      room: () => this.#queue.size < MAX_WAITING ? null : this.#wanted(),
    });
  }

  /** The state of the connection. */
  get connection(): ConnectionState {
    return this.#stream.state;
  }

  /**
   * Reads the events until the task's end or {@link close}. Call it only once.
   *
   * @throws {HeadwayError} If trying again cannot help.
   */
  async *read(): AsyncGenerator<TaskEvent<Task>, void, void> {
    const { signal } = this.#options;
    const stop = () => this.#stop();
    const online = () => this.#stream.reopen();
    signal?.addEventListener("abort", stop);
    globalThis.addEventListener?.("online", online);
    try {
      if (!this.#closed) this.#stream.open();
      while (!this.#closed) {
        signal?.throwIfAborted();
        const [event] = this.#queue.take(1);
        if (event !== undefined) {
          if (this.#queue.size < MAX_WAITING / 2) this.#readOn();
          yield event;
        } else if (this.#error !== null) {
          throw this.#error;
        } else if (this.end !== null) {
          return;
        } else {
          await new Promise<void>((resolve) => this.#wake = resolve);
        }
      }
    } finally {
      signal?.removeEventListener("abort", stop);
      globalThis.removeEventListener?.("online", online);
      await this.#stream.close();
    }
  }

  /** Ends the reading: no further event is given. */
  close(): void {
    this.#closed = true;
    this.#stop();
  }

  async #request(url: string): Promise<StreamRequest> {
    const headers = await bearer(this.#options.token);
    if (!this.#options.tokenInUrl || headers.authorization === undefined) return { url, headers };
    const token = headers.authorization.slice("Bearer ".length);
    return { url: `${url}?${new URLSearchParams({ token })}` };
  }

  /** Resolves when the reader has taken enough of the events that wait. */
  #wanted(): Promise<void> {
    this.#room ??= Promise.withResolvers();
    return this.#room.promise;
  }

  #readOn(): void {
    this.#room?.resolve();
    this.#room = null;
  }

  /** Closes the connection: nothing more is read. */
  #stop(): void {
    void this.#stream.close();
    this.#wake();
  }

  #take(type: string, data: unknown, id: string): void {
    if (this.end !== null || this.#error !== null) return;
    if (type === "reset") {
      const reset = data as Reset;
      this.#newest = reset.task as TaskRecord<ResultOf<Task>>;
      // The earlier ids did not count the events of this history.
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
      this.end = { ...this.#newest, result, error, seq } as FinishedTask<ResultOf<Task>>;
      if (!known) this.#push({ type, id, data: this.end });
      this.#stop();
    } else if (!known) {
      const event = { type: type === "message" ? "progress" : type, id, data };
      this.#push(event as TaskEvent<Task>);
    }
  }

  /** If all events were known, the end comes without its record: asks for the last ones again. */
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
