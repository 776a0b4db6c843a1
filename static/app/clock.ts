/**
 * Estimates the server's time. Times in records are the server's, so a countdown by a clock that is
 * a minute off would be a minute off, too.
 *
 * @module
 */

import { signal } from "@preact/signals";

/** Milliseconds between two ticks of {@link now}. */
const TICK_MS = 500;

/** Two ticks more milliseconds apart than this mean that the machine was asleep. */
const SLEPT_MS = 15_000;

/** Estimates how far the client's clock is ahead of the server's. */
export class Skew {
  #ahead = Infinity;

  /**
   * Something that the server wrote at `server` has arrived at `client`. A delay on the way can only
   * make the client look further ahead, so the smallest difference is the best estimate.
   */
  observe(server: number, client: number): void {
    if (Number.isFinite(server)) this.#ahead = Math.min(this.#ahead, client - server);
  }

  /** The server's time when the client's clock reads `client`; milliseconds since the epoch. */
  serverTime(client: number): number {
    return this.#ahead === Infinity ? client : client - this.#ahead;
  }
}

const skew = new Skew();

/** The server's time, milliseconds since the epoch; ticks twice a second. */
export const now = signal(Date.now());

/** Improves the estimate by a server time that has just arrived, in a record or a `Date` header. */
export function observeTime(server: string | null): void {
  if (server === null) return;
  skew.observe(Date.parse(server), Date.now());
}

/** Starts the ticks. Calls `onwake` if the page is visible after the machine has slept. */
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
