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
  /** Milliseconds it may take. */
  windowMs: number;
  /** Others answer meanwhile. If not, clients are sent away until this process is gone. */
  elsewhere: boolean;
  /** Milliseconds a client waits before it comes again. */
  retryMs: number;
  /** 0 to below 1. @default {Math.random} */
  random?: () => number;
}

/** Milliseconds between two ends, where nothing is won by taking longer. */
const APART_MS = 5;

export class Drain {
  readonly windowMs: number;
  readonly #options: DrainOptions;
  readonly #random: () => number;
  readonly #begun = performance.now();

  /** Begins to count; nothing ends before {@link Drain.end}. */
  constructor(options: DrainOptions) {
    const { streams, windowMs, elsewhere, random = Math.random } = options;
    this.#options = options;
    this.#random = random;
    // Where others take over, their balancer needs the time to see that we are not ready.
    this.windowMs = elsewhere ? windowMs : Math.min(windowMs, streams.length * APART_MS);
  }

  /** Milliseconds that a client refused now should wait: where others answer, spread once more. */
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

/** `count` moments within `windowMs`, ascending: one in each of as many equal parts, anywhere in it. */
export function spread(count: number, windowMs: number, random: () => number): number[] {
  return Array.from({ length: count }, (_, n) => windowMs * (n + random()) / count);
}
