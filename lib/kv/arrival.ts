/**
 * An upload or an artifact while it arrives.
 *
 * It lies under `arriving`, with the session that receives it and the bytes stored so far: each
 * commit writes both, so that whoever finds it knows what to remove. Each also checks that nobody
 * has declared it abandoned.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { patiently } from "../base/patiently.ts";
import type { Semaphore } from "../base/semaphore.ts";
import { CHUNK_BYTES } from "./chunks.ts";
import type { FreeSpace } from "./free_space.ts";
import { type Key, keys } from "./keys.ts";
import { NoRoom } from "./no_room.ts";
import { addToSize, HEAD_BYTES, storedSize } from "./stored_size.ts";

/** Chunks a commit: few, so that progress does not wait behind a large one. */
const CHUNKS_A_COMMIT = 4;

/** The value of an `arriving` key. */
export interface Arriving {
  /** The session that takes it in; `""` for one that is being removed. */
  sid: string;
  /** Bytes of its chunks. */
  size: number;
  /** The task whose artifact it is; absent for an upload. */
  task?: string;
}

/** All that is of one sort. */
export interface Sort {
  what: "upload" | "artifact";
  /** Where it is counted what they take together. */
  sizeKey: Key;
  /** Bytes they may take together. */
  quota: number;
}

export interface ArrivalOptions {
  kv: Deno.Kv;
  /** This process's session. */
  sid: string;
  id: string;
  sort: Sort;
  /** The task whose artifact it is. */
  task?: string | undefined;
  /** Writes under way at once. */
  writes: Semaphore;
  /** What the disk still takes. */
  space?: FreeSpace | undefined;
  /** Whether somebody waits while the store takes nothing. @default {nobody does} */
  waits?: (() => boolean) | undefined;
}

export class Arrival {
  readonly id: string;
  readonly #options: ArrivalOptions;
  readonly #hash = createHash("sha256");
  #chunk = new Uint8Array(0);
  #filled = 0;
  #whole: Uint8Array[] = [];
  #chunks = 0;
  #stored = 0;
  #versionstamp: string | null = null;

  /** Nothing is stored before {@link Arrival.begin}. */
  constructor(options: ArrivalOptions) {
    this.id = options.id;
    this.#options = options;
  }

  /** Bytes that have come. */
  get size(): number {
    return this.#stored + this.#whole.length * CHUNK_BYTES + this.#filled;
  }

  /**
   * @param length Bytes that will come, where they are known.
   * @throws {NoRoom} If there is no room for them.
   */
  async begin(length: number): Promise<void> {
    const { kv, sort: { quota } } = this.#options;
    if (await this.#sizeOfAll() + HEAD_BYTES + length > quota) this.#refuse("quota");
    await this.#requireSpace(HEAD_BYTES + length);
    await this.#commit(kv.atomic(), HEAD_BYTES);
  }

  /**
   * Takes in bytes. What makes up some whole chunks is stored when it resolves.
   *
   * @throws {NoRoom} If there is no room for them.
   */
  async write(bytes: Uint8Array): Promise<void> {
    this.#hash.update(bytes);
    for (let at = 0; at < bytes.length;) {
      if (this.#filled === 0) this.#chunk = new Uint8Array(CHUNK_BYTES);
      const part = bytes.subarray(at, at + CHUNK_BYTES - this.#filled);
      this.#chunk.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled < CHUNK_BYTES) continue;
      this.#whole.push(this.#chunk);
      this.#filled = 0;
      if (this.#whole.length === CHUNKS_A_COMMIT) await this.store();
    }
  }

  /** Stores the whole chunks that have come. */
  async store(): Promise<void> {
    if (this.#whole.length > 0) await this.#store(this.#whole.splice(0));
  }

  /** Stores the rest: nothing more comes. */
  async finish(): Promise<{ size: number; sha256: string }> {
    const chunks = this.#whole.splice(0);
    if (this.#filled > 0) chunks.push(this.#chunk.slice(0, this.#filled));
    this.#filled = 0;
    if (chunks.length > 0) await this.#store(chunks);
    return { size: this.#stored, sha256: this.#hash.digest("hex") };
  }

  /** Puts it under its own key, whole. */
  async end(key: Key, value: unknown): Promise<void> {
    const { kv, sort: { sizeKey }, writes } = this.#options;
    const arriving = keys.arriving(this.id);
    const atomic = kv.atomic().check({ key: arriving, versionstamp: this.#versionstamp })
      .delete(arriving).set(key, value);
    const { ok } = await writes.run(() => addToSize(atomic, sizeKey, 0).commit());
    if (!ok && (await kv.get(key)).versionstamp === null) throw this.#givenUp();
  }

  async #store(chunks: readonly Uint8Array[]): Promise<void> {
    const { kv, sort: { quota }, space } = this.#options;
    const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    await this.#requireSpace(bytes);
    const atomic = kv.atomic();
    for (const chunk of chunks) atomic.set(keys.chunk(this.id, this.#chunks++), chunk);
    this.#stored += bytes;
    await this.#commit(atomic, bytes);
    space?.took(bytes);
    if (await this.#sizeOfAll() > quota) this.#refuse("quota");
  }

  #sizeOfAll(): Promise<number> {
    const { kv, sort: { sizeKey } } = this.#options;
    return this.#patiently(() => storedSize(kv, sizeKey));
  }

  #patiently<T>(attempt: () => Promise<T>): Promise<T> {
    return patiently(attempt, this.#options.waits ?? (() => false));
  }

  async #commit(atomic: Deno.AtomicOperation, bytes: number): Promise<void> {
    const { kv, sid, task, sort: { sizeKey }, writes } = this.#options;
    const key = keys.arriving(this.id);
    const size = this.#stored;
    const arriving: Arriving = { sid, size, ...(task === undefined ? {} : { task }) };
    addToSize(atomic, sizeKey, bytes)
      .check({ key, versionstamp: this.#versionstamp }).set(key, arriving);
    const result = await this.#patiently(() => writes.run(() => atomic.commit()));
    if (result.ok) {
      this.#versionstamp = result.versionstamp;
      return;
    }
    // A store's client repeats a commit whose answer it did not get, and then meets itself.
    const { value, versionstamp } = await this.#patiently(() => kv.get<Arriving>(key));
    if (value?.sid !== sid || value.size !== size) throw this.#givenUp();
    this.#versionstamp = versionstamp;
  }

  #givenUp(): Error {
    return new Error(`the ${this.#options.sort.what} was considered abandoned`);
  }

  async #requireSpace(bytes: number): Promise<void> {
    const { space } = this.#options;
    if (space && !await space.fits(bytes)) this.#refuse("disk");
  }

  #refuse(reason: "quota" | "disk"): never {
    const { sort: { what, quota }, space } = this.#options;
    throw new NoRoom(what, reason, reason === "quota" ? quota : space!.floor);
  }
}
