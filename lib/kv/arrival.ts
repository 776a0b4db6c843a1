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

/** Chunks in one commit: few, so that tasks' progress does not wait for a large one. */
const CHUNKS_A_COMMIT = 4;

/** The value of an `arriving` key. */
export interface Arriving {
  /** The session that receives it; `""` while it is being removed. */
  sid: string;
  /** Bytes of the chunks that are stored. */
  size: number;
  /** The task whose artifact it is; absent for an upload. */
  task?: string;
}

/** What all uploads, or all artifacts, have in common. */
export interface Sort {
  what: "upload" | "artifact";
  /** The key that counts the bytes they take together. */
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
  /** Bounds the writes that are under way at once. */
  writes: Semaphore;
  /** What may still be stored on the disk. */
  space?: FreeSpace | undefined;
  /** Whether to try again what the store refuses, as somebody waits for it. @default {nobody does} */
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

  /** Bytes received so far. */
  get size(): number {
    return this.#stored + this.#whole.length * CHUNK_BYTES + this.#filled;
  }

  /**
   * @param length Bytes that will come; 0 if that is not known.
   * @throws {NoRoom} If there is no room for them.
   */
  async begin(length: number): Promise<void> {
    const { kv, sort: { quota } } = this.#options;
    if (await this.#sizeOfAll() + HEAD_BYTES + length > quota) this.#refuse("quota");
    await this.#requireSpace(HEAD_BYTES + length);
    await this.#commit(kv.atomic(), HEAD_BYTES);
  }

  /**
   * Takes in bytes. Once they fill the chunks of a commit, those are stored before it resolves.
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

  /** Stores the chunks that are full. */
  async store(): Promise<void> {
    if (this.#whole.length > 0) await this.#store(this.#whole.splice(0));
  }

  /** Stores the rest; nothing may be written after it. */
  async finish(): Promise<{ size: number; sha256: string }> {
    const chunks = this.#whole.splice(0);
    if (this.#filled > 0) chunks.push(this.#chunk.slice(0, this.#filled));
    this.#filled = 0;
    if (chunks.length > 0) await this.#store(chunks);
    return { size: this.#stored, sha256: this.#hash.digest("hex") };
  }

  /** Moves the complete upload or artifact to its own key. */
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
    // A store's client may repeat a commit that has landed: the check then fails on its own write.
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
