/**
 * Ends the streams of a server that stops: one after another, each client told when to reconnect,
 * so that they do not all come at once.
 *
 * @module
 */

import { jittered } from "../task/backoff.ts";
import { delay } from "../task/delay.ts";
import { encodeBytes } from "./encode.ts";
import type { Pulsed } from "./pulse.ts";

export interface DrainOptions {
  streams: readonly Pulsed[];
  /** Most milliseconds that it may take. */
  windowMs: number;
  /** Whether other processes answer meanwhile. If not, clients stay away until this one is gone. */
  elsewhere: boolean;
  /** Milliseconds until a client reconnects, before jitter. */
  retryMs: number;
  /** 0 to below 1. @default {Math.random} */
  random?: () => number;
}

/** Milliseconds between two ends, if no other process answers: taking longer would gain nothing. */
const APART_MS = 5;

export class Drain {
  readonly windowMs: number;
  readonly #options: DrainOptions;
  readonly #random: () => number;
  readonly #begun = performance.now();

  /** Starts the window; no stream ends before {@link Drain.end}. */
  constructor(options: DrainOptions) {
    const { streams, windowMs, elsewhere, random = Math.random } = options;
    this.#options = options;
    this.#random = random;
    // If others take over, the load balancer needs the time to see that this process is not ready.
    this.windowMs = elsewhere ? windowMs : Math.min(windowMs, streams.length * APART_MS);
  }

  /** Jittered milliseconds that a client refused now waits: past the window if nobody else answers. */
  retryMs(): number {
    const { retryMs, elsewhere } = this.#options;
    if (elsewhere) return jittered(retryMs, 0.5, this.#random);
    return Math.ceil(this.#left) + jittered(Math.max(retryMs, this.windowMs), 0.5, this.#random);
  }

  /** Ends every stream at a moment of its own. Resolves when the window is over. */
  async end(): Promise<void> {
    const { streams } = this.#options;
    for (const [n, at] of spread(streams.length, this.windowMs, this.#random).entries()) {
      const wait = at - (performance.now() - this.#begun);
      if (wait > 0) await delay(wait);
      streams[n]!.end("stop", encodeBytes({ retry: this.retryMs() }));
    }
    await delay(this.#left);
  }

  get #left(): number {
    return Math.max(0, this.windowMs - (performance.now() - this.#begun));
  }
}

/** `count` times within `windowMs`, ascending: a random one in each of `count` equal intervals. */
export function spread(count: number, windowMs: number, random: () => number): number[] {
  return Array.from({ length: count }, (_, n) => windowMs * (n + random()) / count);
}
