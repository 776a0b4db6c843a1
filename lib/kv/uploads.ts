/**
 * Uploads: any bytes, streamed into the store in chunks and out of it again from any offset.
 *
 * While one arrives it lies under `arriving`, with the session that takes it in and the bytes stored
 * up to now: each commit writes both, so whoever finds it knows what there is to remove. It becomes
 * an `upload` when it is whole, and `arriving` again, as nobody's, when it is removed.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { ulid } from "@std/ulid";
import { Arrival, inChunks } from "./arrival.ts";
import { getMany } from "./get_many.ts";
import type { FreeSpace } from "./free_space.ts";
import { keys, nameIn } from "./keys.ts";
import { ULID } from "../task/ulid.ts";
import type { UploadInfo } from "../task/define.ts";
import { keptUntil, UPLOAD_TTL_MS } from "./upload_life.ts";
import type { Whose } from "../task/labels.ts";
import { UploadRefused } from "./upload_refused.ts";
import { Semaphore } from "../base/semaphore.ts";
import { type ArrivingUpload, CHUNK_BYTES, type StoredUpload } from "./upload_values.ts";
import { addToUploads, HEAD_BYTES, setUploads, uploadsSize } from "./uploads_size.ts";

/** Chunks a commit: few, so that progress does not wait behind a large one. */
const CHUNKS_A_COMMIT = 4;

/** Chunks removed in one commit, likewise: each is a chain of pages to give back. */
const CHUNKS_A_REMOVAL = 32;

export interface UploadsOptions {
  kv: Deno.Kv;
  /** This process's session: what it takes in is its own for as long as that lives. */
  sid: string;
  /** Bytes that all uploads may take together. @default {any number} */
  quota?: number;
  /** What the disk still takes. @default {anything} */
  space?: FreeSpace | undefined;
  /** Milliseconds an upload is kept. @default {86_400_000} */
  ttlMs?: number;
  /** Milliseconds since the epoch. @default {Date.now} */
  now?: () => number;
  /**
   * Writes under way at once, of all uploads together. A file takes one after the other, and what
   * others write would wait behind all of them. @default {1}
   */
  atOnce?: number;
}

export class Uploads {
  readonly #options: UploadsOptions;
  readonly #kv: Deno.Kv;
  readonly #ttlMs: number;
  readonly #now: () => number;
  readonly #quota: number;
  readonly #writes: Semaphore;
  /** What arrives here: what else bears our name was given up. */
  readonly #arriving = new Set<string>();

  constructor(options: UploadsOptions) {
    this.#options = options;
    this.#kv = options.kv;
    this.#ttlMs = options.ttlMs ?? UPLOAD_TTL_MS;
    this.#now = options.now ?? Date.now;
    this.#quota = options.quota ?? Infinity;
    this.#writes = new Semaphore(options.atOnce ?? 1);
  }

  /** Bytes that all uploads take, those that arrive included. */
  size(): Promise<number> {
    return uploadsSize(this.#kv);
  }

  /**
   * Stores a body. On an error, `body`'s own or the store's, what was stored of it is removed: now,
   * or by {@link Uploads.sweepUnfinished} where that fails.
   *
   * @param body Read no faster than it is stored.
   * @param name A file name, or `null`.
   * @param length Bytes, where they are known before.
   * @param whose Who may name it.
   * @throws {UploadRefused} If there is no room for it.
   */
  async add(
    body: AsyncIterable<Uint8Array>,
    name: string | null,
    length = 0,
    whose: Whose = {},
  ): Promise<UploadInfo> {
    if (await this.size() + HEAD_BYTES + length > this.#quota) this.#refuse("quota");
    await this.#requireSpace(HEAD_BYTES + length);
    // In no order within a millisecond: beside a known id nobody can guess another.
    const id = ulid(this.#now());
    this.#arriving.add(id);
    const arrival = new Arrival(this.#kv, this.#options.sid, id);
    try {
      await this.#writes.run(() => arrival.begin());
      const hash = createHash("sha256");
      let batch: Uint8Array[] = [];
      const flush = async () => {
        const bytes = batch.reduce((sum, chunk) => sum + chunk.length, 0);
        await this.#requireSpace(bytes);
        await this.#writes.run(() => arrival.store(batch, bytes));
        this.#options.space?.took(bytes);
        batch = [];
        if (await this.size() > this.#quota) this.#refuse("quota");
      };
      for await (const chunk of inChunks(body)) {
        hash.update(chunk);
        if (batch.push(chunk) === CHUNKS_A_COMMIT) await flush();
      }
      if (batch.length > 0) await flush();
      const info: UploadInfo = {
        upload_id: id,
        size: arrival.size,
        sha256: hash.digest("hex"),
        name,
        expires_at: new Date(this.#now() + this.#ttlMs).toISOString(),
      };
      await this.#writes.run(() => arrival.end({ ...info, piece_size: CHUNK_BYTES, whose }));
      return info;
    } catch (error) {
      // What cannot be removed now is no longer ours, and is swept.
      await this.#discard(id).catch(() => {});
      throw error;
    } finally {
      this.#arriving.delete(id);
    }
  }

  /** Describes an upload; `null` when there is none, it is not whole, or its time is over. */
  async info(id: string): Promise<UploadInfo | null> {
    if (!ULID.test(id)) return null;
    const { value } = await this.#kv.get<StoredUpload>(keys.upload(id));
    if (value === null || value.sha256 === "") return null;
    const until = await keptUntil(this.#kv, value, this.#now());
    if (until <= this.#now()) return null;
    const { piece_size: _, whose: __, ...info } = value;
    return { ...info, expires_at: new Date(until).toISOString() };
  }

  /** Whose these are, of those that there are and that say so. */
  async whose(ids: readonly string[]): Promise<ReadonlyMap<string, Whose>> {
    const wanted = ids.filter((id) => ULID.test(id)).map(keys.upload);
    const entries = await getMany<StoredUpload>(this.#kv, wanted);
    return new Map(
      entries.flatMap(({ value }) => value?.whose ? [[value.upload_id, value.whose]] : []),
    );
  }

  /** The bytes from `offset` to the end of the chunk it lies in; empty past the end. */
  async read(id: string, offset: number): Promise<Uint8Array> {
    if (!ULID.test(id)) return new Uint8Array();
    const { value } = await this.#kv.get<Uint8Array>(
      keys.chunk(id, Math.floor(offset / CHUNK_BYTES)),
    );
    return value?.subarray(offset % CHUNK_BYTES) ?? new Uint8Array();
  }

  /**
   * Removes an upload that is whole.
   *
   * @param over Only if it has been kept for long enough.
   */
  async remove(id: string, over = false): Promise<void> {
    const [entry, until] = await this.#kv.getMany<[StoredUpload, number]>([
      keys.upload(id),
      keys.uploadUntil(id),
    ]);
    if (entry.value === null) return;
    if (over && await keptUntil(this.#kv, entry.value, this.#now()) > this.#now()) return;
    const nobodys: ArrivingUpload = { sid: "", size: entry.value.size };
    // From here on whoever finds it goes on with it.
    const atomic = this.#kv.atomic().check(entry, until)
      .delete(entry.key).delete(until.key).set(keys.arriving(id), nobodys)
      .set(keys.uploadsRemoved, id);
    if ((await addToUploads(atomic, 0).commit()).ok) await this.#discard(id);
  }

  /** Removes those whose time is over, and puts the sum of all right where it is not. */
  async sweep(): Promise<void> {
    const known = await this.#kv.get<Deno.KvU64>(keys.uploadsSize);
    let size = 0;
    for await (const { key, value } of this.#kv.list<StoredUpload>({ prefix: keys.uploads })) {
      if (Date.parse(value.expires_at) <= this.#now()) await this.remove(nameIn(key), true);
      size += HEAD_BYTES + value.size;
    }
    for await (const { value } of this.#kv.list<ArrivingUpload>({ prefix: keys.arrivings })) {
      size += HEAD_BYTES + value.size;
    }
    await setUploads(this.#kv, known, size);
  }

  /** Removes what does not arrive any more: its process died, or could not remove it. */
  async sweepUnfinished(): Promise<void> {
    const lives = new Map<string, boolean>([["", false]]);
    for await (const { key, value } of this.#kv.list<ArrivingUpload>({ prefix: keys.arrivings })) {
      const { sid } = value;
      const id = nameIn(key);
      if (this.#arriving.has(id)) continue;
      if (sid === this.#options.sid) lives.set(sid, false);
      if (!lives.has(sid)) {
        lives.set(sid, (await this.#kv.get(keys.session(sid))).versionstamp !== null);
      }
      if (!lives.get(sid)) await this.#discard(id);
    }
  }

  /** Removes what there is of one that is not whole, from its end on. */
  async #discard(id: string): Promise<void> {
    while (true) {
      const entry = await this.#kv.get<ArrivingUpload>(keys.arriving(id));
      if (entry.value === null) return;
      const { size } = entry.value;
      const atomic = this.#kv.atomic().check(entry);
      const chunks = Math.ceil(size / CHUNK_BYTES);
      const left = Math.max(0, chunks - CHUNKS_A_REMOVAL);
      for (let n = left; n < chunks; n++) atomic.delete(keys.chunk(id, n));
      const rest = left * CHUNK_BYTES;
      let extra = 0;
      if (rest === 0) {
        // Of what an older version left unfinished, nobody knows how much there is.
        const others = { prefix: keys.chunks(id), start: keys.chunk(id, chunks) };
        for await (const { key } of this.#kv.list(others, { limit: CHUNKS_A_REMOVAL })) {
          atomic.delete(key);
          extra++;
        }
      }
      if (rest > 0 || extra > 0) {
        const nobodys: ArrivingUpload = { sid: "", size: rest };
        addToUploads(atomic.set(entry.key, nobodys), rest - size);
      } else {
        addToUploads(atomic.delete(entry.key), -size - HEAD_BYTES);
      }
      const { ok } = await atomic.commit();
      if (ok) this.#options.space?.took(rest - size);
    }
  }

  async #requireSpace(bytes: number): Promise<void> {
    const { space } = this.#options;
    if (space && !await space.fits(bytes)) this.#refuse("disk");
  }

  #refuse(reason: "quota" | "disk"): never {
    throw new UploadRefused(reason, reason === "quota" ? this.#quota : this.#options.space!.floor);
  }
}
