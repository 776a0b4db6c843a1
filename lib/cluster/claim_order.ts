/**
 * The order in which processes that could run a pending task claim it. Each works out the same
 * order by itself, so that tasks spread evenly and claims seldom collide. No process has to ask
 * another, and one that is full or dead only makes the next one wait.
 *
 * @module
 */

/** Milliseconds that each process before this one gets: longer than it takes to learn of a claim. */
const WAIT_MS = 150;

/**
 * Milliseconds for which `self` should leave a task to others, by rendezvous hashing: 0 for one of the
 * processes. `workers` are the sessions that run tasks.
 */
export function claimDelay(id: string, self: string, workers: readonly string[]): number {
  const own = weight(id, self);
  let before = 0;
  for (const other of workers) if (other !== self && weight(id, other) > own) before++;
  return before * WAIT_MS;
}

/** FNV-1a, then mixed so that the last characters affect all bits. */
function weight(id: string, worker: string): number {
  let hash = 0x811c9dc5;
  for (const text of [id, worker]) {
    for (let at = 0; at < text.length; at++) {
      hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
    }
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
