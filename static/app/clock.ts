/**
 * The server's time, as far as the page can tell. Times in records are the server's; a countdown
 * by a clock that is off by a minute would be off by a minute too.
 *
 * @module
 */

import { signal } from "@preact/signals";

/** Milliseconds between two ticks of {@link now}. */
const TICK_MS = 500;

/** A gap between two ticks from which on the machine is taken to have slept, milliseconds. */
const SLEPT_MS = 15_000;

/** Estimates how far the client's clock is ahead of the server's. */
export class Skew {
  #ahead = Infinity;

  /**
   * Takes in that at `client` something of the server's `server` had arrived. What is old when it
   * arrives makes the client look ahead, never behind: the least difference is the nearest.
   */
  observe(server: number, client: number): void {
    if (Number.isFinite(server)) this.#ahead = Math.min(this.#ahead, client - server);
  }

  /** The server's time at the client's `client`. Milliseconds since the epoch. */
  serverTime(client: number): number {
    return this.#ahead === Infinity ? client : client - this.#ahead;
  }
}

const skew = new Skew();

/** The server's time, milliseconds since the epoch; ticks twice a second. */
export const now = signal(Date.now());

/** Takes in a time of the server's that has just arrived: of a record, or a `Date` header. */
export function observeTime(server: string | null): void {
  if (server === null) return;
  skew.observe(Date.parse(server), Date.now());
}

/** Begins to tick. `onwake` is called when the machine has slept in between. */
export function startClock(onwake: () => void): void {
  let last = Date.now();
  setInterval(() => {
    const client = Date.now();
    const slept = client - last > SLEPT_MS && document.visibilityState === "visible";
    last = client;
    now.value = skew.serverTime(client);
    if (slept) onwake();
  }, TICK_MS);
}
