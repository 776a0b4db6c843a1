/**
 * Uploads: any bytes, streamed into the store in pieces and out of it again from any offset.
 *
 * While one arrives it lies under `arriving`, with the session that takes it in and the bytes stored
 * up to now: each commit writes both, so whoever finds it knows what there is to remove. It becomes
 * an `upload` when it is whole, and `arriving` again, as nobody's, when it is removed.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { ulid } from "@std/ulid";
import type { FreeSpace } from "./free_space.ts";
import { keys, nameIn } from "./keys.ts";
import { ULID } from "../task/ulid.ts";
import type { UploadInfo } from "../task/define.ts";
import { keptUntil, UPLOAD_TTL_MS } from "./upload_life.ts";
import { Semaphore } from "../base/semaphore.ts";
import { addToUploads, HEAD_BYTES, setUploads, uploadsSize } from "./uploads_size.ts";

/** The value of an `upload` key. */
export interface StoredUpload extends UploadInfo {
  /** Bytes of each piece but the last. */
  piece_size: number;
}

/** The value of an `arriving` key. */
export interface ArrivingUpload {
  /** The session that takes it in; `""` for one that is being removed. */
  sid: string;
  /** Bytes of its pieces. */
  size: number;
}

/** Bytes of a piece: a value of KV holds 64 KiB. */
const PIECE = 60 * 1024;

/** Pieces a commit: few, so that progress does not wait behind a large one. */
const PIECES_A_COMMIT = 4;

/** Pieces removed in one commit, likewise: each is a chain of pages to give back. */
const PIECES_A_REMOVAL = 32;

/** There is no room for an upload. */
export class UploadRefused extends Error {
  /** Tells it from other errors. */
  override name = "UploadRefused";
  /** What it would go beyond: all uploads together, or what stays free on the disk. */
  readonly reason: "quota" | "disk";
  /** That bound, in bytes. */
  readonly bound: number;

  /** Says which bound. */
  constructor(reason: "quota" | "disk", bound: number) {
    super(
      reason === "quota"
        ? `There is no room for this upload: all uploads together may take ${bound} bytes`
        : `There is no room for this upload: ${bound} bytes of the server's disk stay free`,
    );
    this.reason = reason;
    this.bound = bound;
  }
}

/** What {@link Uploads} takes. */
export interface UploadsOptions {
  /** The handle. */
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

/** See the module. */
export class Uploads {
  readonly #options: UploadsOptions;
  readonly #kv: Deno.Kv;
  readonly #ttlMs: number;
  readonly #now: () => number;
  readonly #quota: number;
  readonly #writes: Semaphore;
  /** What arrives here: what else bears our name was given up. */
  readonly #arriving = new Set<string>();

  /** Takes where they lie. */
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
   * @throws {UploadRefused} If there is no room for it.
   */
  async add(
    body: AsyncIterable<Uint8Array>,
    name: string | null,
    length = 0,
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
        const bytes = batch.reduce((sum, piece) => sum + piece.length, 0);
        await this.#requireSpace(bytes);
        await this.#writes.run(() => arrival.store(batch, bytes));
        this.#options.space?.took(bytes);
        batch = [];
        if (await this.size() > this.#quota) this.#refuse("quota");
      };
      for await (const piece of inPieces(body)) {
        hash.update(piece);
        if (batch.push(piece) === PIECES_A_COMMIT) await flush();
      }
      if (batch.length > 0) await flush();
      const info: UploadInfo = {
        upload_id: id,
        size: arrival.size,
        sha256: hash.digest("hex"),
        name,
        expires_at: new Date(this.#now() + this.#ttlMs).toISOString(),
      };
      await this.#writes.run(() => arrival.end({ ...info, piece_size: PIECE }));
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
    const { piece_size: _, ...info } = value;
    return { ...info, expires_at: new Date(until).toISOString() };
  }

  /** The bytes from `offset` to the end of the piece it lies in; empty past the end. */
  async read(id: string, offset: number): Promise<Uint8Array> {
    if (!ULID.test(id)) return new Uint8Array();
    const { value } = await this.#kv.get<Uint8Array>(keys.piece(id, Math.floor(offset / PIECE)));
    return value?.subarray(offset % PIECE) ?? new Uint8Array();
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
      const pieces = Math.ceil(size / PIECE);
      const left = Math.max(0, pieces - PIECES_A_REMOVAL);
      for (let n = left; n < pieces; n++) atomic.delete(keys.piece(id, n));
      const rest = left * PIECE;
      let extra = 0;
      if (rest === 0) {
        // Of what an older version left unfinished, nobody knows how much there is.
        const others = { prefix: keys.pieces(id), start: keys.piece(id, pieces) };
        for await (const { key } of this.#kv.list(others, { limit: PIECES_A_REMOVAL })) {
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

/** One upload while it arrives. Each commit checks that nobody has taken it for given up. */
class Arrival {
  /** Bytes stored. */
  size = 0;
  readonly #kv: Deno.Kv;
  readonly #sid: string;
  readonly #id: string;
  #pieces = 0;
  #versionstamp: string | null = null;

  constructor(kv: Deno.Kv, sid: string, id: string) {
    this.#kv = kv;
    this.#sid = sid;
    this.#id = id;
  }

  begin(): Promise<void> {
    return this.#commit(this.#kv.atomic(), HEAD_BYTES);
  }

  async store(pieces: readonly Uint8Array[], bytes: number): Promise<void> {
    const atomic = this.#kv.atomic();
    for (const piece of pieces) atomic.set(keys.piece(this.#id, this.#pieces++), piece);
    this.size += bytes;
    await this.#commit(atomic, bytes);
  }

  async end(upload: StoredUpload): Promise<void> {
    const key = keys.arriving(this.#id);
    const atomic = this.#kv.atomic().check({ key, versionstamp: this.#versionstamp })
      .delete(key).set(keys.upload(this.#id), upload);
    const { ok } = await addToUploads(atomic, 0).commit();
    if (ok || (await this.#kv.get(keys.upload(this.#id))).versionstamp !== null) return;
    throw new Error("the upload was taken for given up");
  }

  async #commit(atomic: Deno.AtomicOperation, bytes: number): Promise<void> {
    const key = keys.arriving(this.#id);
    const arriving: ArrivingUpload = { sid: this.#sid, size: this.size };
    atomic.check({ key, versionstamp: this.#versionstamp }).set(key, arriving);
    const result = await addToUploads(atomic, bytes).commit();
    if (result.ok) {
      this.#versionstamp = result.versionstamp;
      return;
    }
    // A store's client repeats a commit whose answer it did not get, and then meets itself.
    const { value, versionstamp } = await this.#kv.get<ArrivingUpload>(key);
    if (value?.sid !== this.#sid || value.size !== this.size) {
      throw new Error("the upload was taken for given up");
    }
    this.#versionstamp = versionstamp;
  }
}

async function* inPieces(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let piece = new Uint8Array(PIECE);
  let filled = 0;
  for await (const chunk of body) {
    for (let at = 0; at < chunk.length;) {
      const part = chunk.subarray(at, at + PIECE - filled);
      piece.set(part, filled);
      filled += part.length;
      at += part.length;
      if (filled < PIECE) continue;
      yield piece;
      piece = new Uint8Array(PIECE);
      filled = 0;
    }
  }
  if (filled > 0) yield piece.slice(0, filled);
}
