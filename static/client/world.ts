/** What a connection needs of the world, so that a test can make one up. */
export interface World {
  /** As the platform's. */
  fetch(url: string, init?: RequestInit): Promise<Response>;
  /** Milliseconds since the epoch. */
  now(): number;
  /** As the platform's; returns how to clear it. */
  after(ms: number, run: () => void): () => void;
  /** 0 to below 1. */
  random(): number;
}

export const WORLD: World = {
  fetch: (url, init) => fetch(url, init),
  now: () => Date.now(),
  after(ms, run) {
    // A longer one would go off at once.
    const timer = setTimeout(run, Math.min(ms, 2 ** 31 - 1));
    return () => clearTimeout(timer);
  },
  random: Math.random,
};
