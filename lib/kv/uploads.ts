/**
 * Uploads: any bytes, streamed into the store in chunks, and out of it from any offset.
 *
 * An upload is `arriving` until all of it has arrived, then an `upload`, and `arriving` again,
 * without a session, while it is removed.
 *
 * @module
 */

import { ulid } from "@std/ulid";
import type { Arriving, Sort } from "./arrival.ts";
import { Arrivals, type ArrivalsOptions, nobodys } from "./arrivals.ts";
import { CHUNK_BYTES, readChunk } from "./chunks.ts";
import { getMany } from "./get_many.ts";
import { keys, nameIn } from "./keys.ts";
import { ULID } from "../task/ulid.ts";
import type { UploadInfo } from "../task/context.ts";
import type { NamedUpload } from "../task/named_uploads.ts";
import {
  findNamed,
  findUploads,
  keptUntil,
  UPLOAD_TTL_MS,
  type UploadRefusal,
} from "./upload_life.ts";
import type { Whose } from "../task/labels.ts";
import type { StoredUpload } from "./upload_values.ts";
import { addToSize, correctSize, HEAD_BYTES, storedSize } from "./stored_size.ts";

export interface UploadsOptions extends ArrivalsOptions {
  /** Bytes that all uploads may take together. @default {any number} */
  quota?: number;
  /** Milliseconds an upload is kept. @default {86_400_000} */
  ttlMs?: number;
  /** Milliseconds since the epoch. @default {Date.now} */
  now?: () => number;
}

export class Uploads {
  readonly arrivals: Arrivals;
  readonly #kv: Deno.Kv;
  readonly #ttlMs: number;
  readonly #now: () => number;
  readonly #sort: Sort;

  constructor(options: UploadsOptions) {
    this.arrivals = new Arrivals(options);
    this.#kv = options.kv;
    this.#ttlMs = options.ttlMs ?? UPLOAD_TTL_MS;
    this.#now = options.now ?? Date.now;
    this.#sort = {
      what: "upload",
      sizeKey: keys.uploadsSize,
      quota: options.quota ?? Infinity,
    };
  }

  /** Bytes that all uploads take, including those that are arriving. */
  size(): Promise<number> {
    return storedSize(this.#kv, keys.uploadsSize);
  }

  /**
   * Stores a body. If `body` or the store fails, what was stored is removed: now, or by
   * {@link Arrivals.sweepUnfinished} if that fails.
   *
   * @param body Read no faster than it is stored.
   * @param name A file name, or `null`.
   * @param length Bytes that will come; 0 if that is not known.
   * @param whose Who may name it.
   * @throws {NoRoom} If there is no room for it.
   */
  async add(
    body: AsyncIterable<Uint8Array>,
    name: string | null,
    length = 0,
    whose: Whose = {},
  ): Promise<UploadInfo> {
    // Not monotonic: who knows one id cannot guess another of the same millisecond.
    const id = ulid(this.#now());
    const arrival = await this.arrivals.begin(this.#sort, { id, length });
    try {
      for await (const bytes of body) await arrival.write(bytes);
      const info: UploadInfo = {
        upload_id: id,
        ...await arrival.finish(),
        name,
        expires_at: new Date(this.#now() + this.#ttlMs).toISOString(),
      };
      const stored: StoredUpload = { ...info, piece_size: CHUNK_BYTES, whose };
      await arrival.end(keys.upload(id), stored);
      this.arrivals.letGo(id);
      return info;
    } catch (error) {
      await this.arrivals.giveUp(id);
      throw error;
    }
  }

  /** Describes an upload; `null` if there is none, or it is incomplete or has expired. */
  async info(id: string): Promise<UploadInfo | null> {
    if (!ULID.test(id)) return null;
    const { value } = await this.#kv.get<StoredUpload>(keys.upload(id));
    if (value === null || value.sha256 === "") return null;
    const until = await keptUntil(this.#kv, value, this.#now());
    if (until <= this.#now()) return null;
    const { piece_size: _, whose: __, ...info } = value;
    return { ...info, expires_at: new Date(until).toISOString() };
  }

  /** Who may name each of these uploads, but for those that are gone or do not say. */
  async whose(ids: readonly string[]): Promise<ReadonlyMap<string, Whose>> {
    const wanted = ids.filter((id) => ULID.test(id)).map(keys.upload);
    const entries = await getMany<StoredUpload>(this.#kv, wanted);
    return new Map(
      entries.flatMap(({ value }) => value?.whose ? [[value.upload_id, value.whose]] : []),
    );
  }

  /** Which of these ids are those of uploads that have not expired. */
  async there(ids: readonly string[]): Promise<ReadonlySet<string>> {
    return (await findUploads(this.#kv, ids, this.#now())).ids;
  }

  /** Why an input must be refused for the uploads that it names; `null` if it need not be. */
  async refusal(named: readonly NamedUpload[]): Promise<UploadRefusal | null> {
    const found = await findNamed(this.#kv, named, this.#now());
    return found.ok ? null : found;
  }

  /** The bytes from `offset` to the end of the chunk it lies in; empty past the end. */
  read(id: string, offset: number): Promise<Uint8Array> {
    return readChunk(this.#kv, id, offset);
  }

  /**
   * Removes a complete upload.
   *
   * @param over Only if it has expired.
   */
  async remove(id: string, over = false): Promise<void> {
    const [entry, until] = await this.#kv.getMany<[StoredUpload, number]>([
      keys.upload(id),
      keys.uploadUntil(id),
    ]);
    if (entry.value === null) return;
    if (over && await keptUntil(this.#kv, entry.value, this.#now()) > this.#now()) return;
    // From here on whoever finds it goes on with the removal.
    const atomic = this.#kv.atomic().check(entry, until)
      .delete(entry.key).delete(until.key).set(keys.arriving(id), nobodys(entry.value.size))
      .set(keys.uploadsRemoved, id);
    if ((await addToSize(atomic, keys.uploadsSize, 0).commit()).ok) await this.arrivals.discard(id);
  }

  /** Removes uploads that have expired, and corrects the bytes that all take. */
  async sweep(): Promise<void> {
    const known = await this.#kv.get<Deno.KvU64>(keys.uploadsSize);
    let size = 0;
    for await (const { key, value } of this.#kv.list<StoredUpload>({ prefix: keys.uploads })) {
      if (Date.parse(value.expires_at) <= this.#now()) await this.remove(nameIn(key), true);
      size += HEAD_BYTES + value.size;
    }
    for await (const { value } of this.#kv.list<Arriving>({ prefix: keys.arrivings })) {
      if (value.task === undefined) size += HEAD_BYTES + value.size;
    }
    await correctSize(this.#kv, known, size);
  }
}
