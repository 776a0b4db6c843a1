/**
 * Removes kinds that have no tasks left and whose tasks no process accepts any more, so that what
 * lists and counts have to merge is bounded by the tasks there are, not by all there ever were. No
 * wall clock is used: a kind is old when this process has seen its key unchanged for long.
 *
 * @module
 */

import { keys, nameIn } from "./keys.ts";

/** Milliseconds after which a process that takes in tasks of a kind writes the kind's key again. */
const SAY_AGAIN_MS = 10 * 60_000;

/** Milliseconds in which each process that takes in tasks of a kind has written its key again. */
const OLD_MS = 3 * SAY_AGAIN_MS;

/** The kinds whose keys this process has written, and need not write again for a while. */
export class ToldKinds {
  readonly #now: () => number;
  readonly #told = new Map<string, number>();

  /** `now` gives milliseconds, monotonic. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Whether the store knows of a kind, and will for a while. */
  has(kind: string): boolean {
    return this.#now() - (this.#told.get(kind) ?? -Infinity) < SAY_AGAIN_MS;
  }

  add(kind: string): void {
    this.#told.set(kind, this.#now());
  }
}

/** The versionstamp of a kind's key, and since when it is unchanged, in milliseconds. */
interface Seen {
  versionstamp: string;
  since: number;
}

export class OldKinds {
  readonly #now: () => number;
  #seen = new Map<string, Seen>();

  /** `now` gives milliseconds, monotonic. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Removes the kinds that are old by now; to be called at intervals. */
  async remove(kv: Deno.Kv): Promise<void> {
    const now = this.#now();
    const seen = new Map<string, Seen>();
    for await (const { key, versionstamp } of kv.list({ prefix: keys.kinds }, { batchSize: 500 })) {
      const kind = nameIn(key);
      const before = this.#seen.get(kind);
      const known = before?.versionstamp === versionstamp ? before : { versionstamp, since: now };
      seen.set(kind, known);
      if (now - known.since < OLD_MS || await hasTasks(kv, kind)) continue;
      // Whoever takes in a task meanwhile writes this key in the same commit.
      await kv.atomic().check({ key, versionstamp }).delete(key).commit();
    }
    this.#seen = seen;
  }
}

/** Whether there is a task of a kind, in whatever state. */
export async function hasTasks(kv: Deno.Kv, kind: string): Promise<boolean> {
  const entries = kv.list({ prefix: keys.indexesOf(kind) }, { limit: 1 });
  return !(await entries.next()).done;
}
