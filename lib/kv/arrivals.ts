/**
 * The uploads and artifacts that arrive in this process, and the removal of those that have to go:
 * from their end, a little at a time, so that a removal that is cut short goes on where it stopped.
 *
 * @module
 */

import { Semaphore } from "../base/semaphore.ts";
import { Arrival, type ArrivalOptions, type Arriving, type Sort } from "./arrival.ts";
import { CHUNK_BYTES } from "./chunks.ts";
import type { FreeSpace } from "./free_space.ts";
import { type Key, keys, nameIn } from "./keys.ts";
import { addToSize, HEAD_BYTES } from "./stored_size.ts";

/** Chunks removed in one commit: each is a chain of pages to give back. */
const CHUNKS_A_REMOVAL = 32;

export interface ArrivalsOptions {
  kv: Deno.Kv;
  /** This process's session: others leave what it receives alone for as long as the session lives. */
  sid: string;
  /** What may still be stored on the disk. @default {anything} */
  space?: FreeSpace | undefined;
  /**
   * Writes under way at once, of all arrivals together. A store in a file does one write after the
   * other, so other commits wait for all of these. @default {1}
   */
  atOnce?: number;
}

export class Arrivals {
  readonly #options: ArrivalsOptions;
  readonly #kv: Deno.Kv;
  readonly #writes: Semaphore;
  /** What arrives in this process; anything else that has its session was given up. */
  readonly #here = new Set<string>();

  constructor(options: ArrivalsOptions) {
    this.#options = options;
    this.#kv = options.kv;
    this.#writes = new Semaphore(options.atOnce ?? 1);
  }

  /**
   * Begins an arrival, which no sweep touches until {@link Arrivals.letGo}.
   *
   * @throws {NoRoom} If there is no room for it.
   */
  async begin(
    sort: Sort,
    { length = 0, ...more }: Pick<ArrivalOptions, "id" | "task" | "waits"> & { length?: number },
  ): Promise<Arrival> {
    const { kv, sid, space } = this.#options;
    const { id } = more;
    const arrival = new Arrival({ ...more, kv, sid, space, sort, writes: this.#writes });
    this.#here.add(id);
    try {
      await arrival.begin(length);
      return arrival;
    } catch (error) {
      await this.giveUp(id);
      throw error;
    }
  }

  /** Ends a claim: what is complete lies under its own key by now, anything else is swept. */
  letGo(id: string): void {
    this.#here.delete(id);
  }

  /** Removes what was stored of an arrival; what cannot be removed now is left to the sweep. */
  async giveUp(id: string): Promise<void> {
    await this.discard(id).catch(() => {});
    this.letGo(id);
  }

  /** Removes what stopped arriving: its process died, or could not remove it. */
  async sweepUnfinished(): Promise<void> {
    const lives = new Map<string, boolean>([["", false]]);
    for await (const { key, value } of this.#kv.list<Arriving>({ prefix: keys.arrivings })) {
      const { sid } = value;
      const id = nameIn(key);
      if (this.#here.has(id)) continue;
      if (sid === this.#options.sid) lives.set(sid, false);
      if (!lives.has(sid)) {
        lives.set(sid, (await this.#kv.get(keys.session(sid))).versionstamp !== null);
      }
      if (!lives.get(sid)) await this.discard(id);
    }
  }

  /** Removes what was stored of an arrival, from its last chunk to its first. */
  async discard(id: string): Promise<void> {
    while (true) {
      const entry = await this.#kv.get<Arriving>(keys.arriving(id));
      if (entry.value === null) return;
      const { size, task } = entry.value;
      const atomic = this.#kv.atomic().check(entry);
      const chunks = Math.ceil(size / CHUNK_BYTES);
      const left = Math.max(0, chunks - CHUNKS_A_REMOVAL);
      for (let n = left; n < chunks; n++) atomic.delete(keys.chunk(id, n));
      const rest = left * CHUNK_BYTES;
      let extra = 0;
      if (rest === 0) {
        // An older version did not write how much it had stored of an unfinished upload.
        const others = { prefix: keys.chunks(id), start: keys.chunk(id, chunks) };
        for await (const { key } of this.#kv.list(others, { limit: CHUNKS_A_REMOVAL })) {
          atomic.delete(key);
          extra++;
        }
      }
      const sizeKey = sizeKeyOf(entry.value);
      if (rest > 0 || extra > 0) {
        addToSize(atomic.set(entry.key, nobodys(rest, task)), sizeKey, rest - size);
      } else {
        addToSize(atomic.delete(entry.key), sizeKey, -size - HEAD_BYTES);
      }
      const { ok } = await atomic.commit();
      if (ok) this.#options.space?.took(rest - size);
    }
  }
}

/** The `arriving` value of what is to be removed: whoever finds it goes on with the removal. */
export function nobodys(size: number, task?: string): Arriving {
  return { sid: "", size, ...(task === undefined ? {} : { task }) };
}

/** The key that counts its bytes. */
function sizeKeyOf({ task }: Arriving): Key {
  return task === undefined ? keys.uploadsSize : keys.artifactsSize;
}
