/**
 * Uploads: any bytes, streamed into the store in pieces and out of it again from any offset.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { monotonicUlid } from "@std/ulid";
import { keys } from "./keys.ts";
import type { UploadInfo } from "./task.ts";

/** The value of an `upload` key. While it arrives, `sha256` is empty. */
export interface StoredUpload extends UploadInfo {
  /** Bytes of each piece but the last. */
  piece_size: number;
}

/** Bytes of a piece: a value of KV holds 64 KiB. */
const PIECE = 60 * 1024;

/** Pieces a commit: few, so that progress does not wait behind a large one. */
const PIECES_A_COMMIT = 4;

/** What {@link Uploads} takes. */
export interface UploadsOptions {
  /** The handle. */
  kv: Deno.Kv;
  /** Milliseconds an upload is kept. @default {86_400_000} */
  ttlMs?: number;
  /** Milliseconds since the epoch. @default {Date.now} */
  now?: () => number;
}

/** See the module. */
export class Uploads {
  readonly #kv: Deno.Kv;
  readonly #ttlMs: number;
  readonly #now: () => number;

  /** Takes where they lie. */
  constructor({ kv, ttlMs = 24 * 3600_000, now = Date.now }: UploadsOptions) {
    this.#kv = kv;
    this.#ttlMs = ttlMs;
    this.#now = now;
  }

  /**
   * Stores a body. On an error, `body`'s own or the store's, what was stored of it is removed.
   *
   * @param body Read no faster than it is stored.
   * @param name A file name, or `null`.
   */
  async add(body: AsyncIterable<Uint8Array>, name: string | null): Promise<UploadInfo> {
    const id = monotonicUlid(this.#now());
    const upload: StoredUpload = {
      upload_id: id,
      size: 0,
      sha256: "",
      name,
      expires_at: new Date(this.#now() + this.#ttlMs).toISOString(),
      piece_size: PIECE,
    };
    // Written first: should this process die, the sweep finds the pieces by it.
    await this.#kv.set(keys.upload(id), upload);
    try {
      const hash = createHash("sha256");
      let pieces = 0;
      let batch: Uint8Array[] = [];
      const flush = async () => {
        const atomic = this.#kv.atomic();
        for (const piece of batch) atomic.set(keys.piece(id, pieces++), piece);
        batch = [];
        await atomic.commit();
      };
      for await (const piece of inPieces(body)) {
        hash.update(piece);
        upload.size += piece.length;
        if (batch.push(piece) === PIECES_A_COMMIT) await flush();
      }
      if (batch.length > 0) await flush();
      upload.sha256 = hash.digest("hex");
      await this.#kv.set(keys.upload(id), upload);
      return shown(upload);
    } catch (error) {
      await this.remove(id);
      throw error;
    }
  }

  /** Describes an upload; `null` when there is none, it is not whole, or its time is over. */
  async info(id: string): Promise<UploadInfo | null> {
    const { value } = await this.#kv.get<StoredUpload>(keys.upload(id));
    if (value === null || value.sha256 === "" || Date.parse(value.expires_at) <= this.#now()) {
      return null;
    }
    return shown(value);
  }

  /** The bytes from `offset` to the end of the piece it lies in; empty past the end. */
  async read(id: string, offset: number): Promise<Uint8Array> {
    const { value } = await this.#kv.get<Uint8Array>(keys.piece(id, Math.floor(offset / PIECE)));
    return value?.subarray(offset % PIECE) ?? new Uint8Array();
  }

  /** Removes an upload. */
  async remove(id: string): Promise<void> {
    for (let found = true; found;) {
      found = false;
      const atomic = this.#kv.atomic();
      for await (const { key } of this.#kv.list({ prefix: keys.pieces(id) }, { limit: 50 })) {
        atomic.delete(key);
        found = true;
      }
      if (!found) atomic.delete(keys.upload(id));
      await atomic.commit();
    }
  }

  /** Removes those whose time is over. */
  async sweep(): Promise<void> {
    for await (const { key, value } of this.#kv.list<StoredUpload>({ prefix: keys.uploads })) {
      if (Date.parse(value.expires_at) <= this.#now()) await this.remove(String(key[1]));
    }
  }
}

function shown({ piece_size: _, ...info }: StoredUpload): UploadInfo {
  return info;
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
