/** The parts of the platform that a connection uses, so that a test can replace them. */
export interface World {
  /** As the platform's `fetch`. */
  fetch(url: string, init?: RequestInit): Promise<Response>;
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls `run` after `ms` milliseconds. Returns how to cancel that. */
  after(ms: number, run: () => void): () => void;
  /** A number from 0 to below 1. */
  random(): number;
}

export const WORLD: World = {
  fetch: (url, init) => fetch(url, init),
  now: () => Date.now(),
  after(ms, run) {
    // `setTimeout` fires at once for a longer delay.
    const timer = setTimeout(run, Math.min(ms, 2 ** 31 - 1));
    return () => clearTimeout(timer);
  },
  random: Math.random,
};
