/**
 * The tutorial's view of all tasks: the newest ones, complete each time, at most once a second and
 * only when something changed. Made once, however many watch.
 *
 * @module
 */

import type { Hub } from "./hub.ts";
import type { Logger } from "../base/log.ts";
import type { Snapshots } from "./snapshots.ts";
import type { SseStream } from "../sse/stream.ts";

export interface NewestTasksOptions {
  /** Tells when something changed. */
  hub: Hub;
  /** Reads the tasks for all clients together. */
  snapshots: Snapshots;
  log: Logger;
  /** Least milliseconds between two messages. @default {1000} */
  intervalMs?: number;
}

/** Works only while somebody watches. */
export class NewestTasks implements Disposable {
  readonly #options: NewestTasksOptions;
  readonly #streams = new Set<SseStream>();
  #stop: (() => void) | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #changed = false;
  #reading = new AbortController();

  constructor(options: NewestTasksOptions) {
    this.#options = options;
  }

  /** Sends the tasks now, and then at each change. */
  async follow(stream: SseStream): Promise<void> {
    this.#streams.add(stream);
    this.#stop ??= this.#options.hub.listen("all", () => this.#change());
    stream.closed.addEventListener("abort", () => {
      this.#streams.delete(stream);
      if (this.#streams.size === 0) this[Symbol.dispose]();
    });
    await this.#options.snapshots.take({}, stream.closed, (snapshot) => {
      stream.send(snapshot.encode(), "tasks");
    });
  }

  [Symbol.dispose](): void {
    this.#stop?.();
    this.#stop = undefined;
    this.#reading.abort();
    this.#reading = new AbortController();
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#changed = false;
  }

  #change(): void {
    this.#changed = true;
    this.#timer ??= setTimeout(() => this.#send(), this.#options.intervalMs ?? 1000);
  }

  async #send(): Promise<void> {
    this.#timer = undefined;
    if (!this.#changed) return;
    this.#changed = false;
    try {
      await this.#options.snapshots.take({}, this.#reading.signal, (snapshot) => {
        for (const stream of this.#streams) stream.send(snapshot.encode(), "tasks");
      });
    } catch (error) {
      this.#options.log.warn("the newest tasks could not be read", { error });
    }
  }
}
