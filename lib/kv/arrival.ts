import { keys } from "./keys.ts";
import { type ArrivingUpload, CHUNK_BYTES, type StoredUpload } from "./upload_values.ts";
import { addToUploads, HEAD_BYTES } from "./uploads_size.ts";

/** One upload while it arrives. Each commit checks that nobody has taken it for given up. */
export class Arrival {
  /** Bytes stored. */
  size = 0;
  readonly #kv: Deno.Kv;
  readonly #sid: string;
  readonly #id: string;
  #chunks = 0;
  #versionstamp: string | null = null;

  constructor(kv: Deno.Kv, sid: string, id: string) {
    this.#kv = kv;
    this.#sid = sid;
    this.#id = id;
  }

  begin(): Promise<void> {
    return this.#commit(this.#kv.atomic(), HEAD_BYTES);
  }

  async store(chunks: readonly Uint8Array[], bytes: number): Promise<void> {
    const atomic = this.#kv.atomic();
    for (const chunk of chunks) atomic.set(keys.chunk(this.#id, this.#chunks++), chunk);
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

/** Cuts a body into chunks, all but the last of {@link CHUNK_BYTES}. */
export async function* inChunks(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let chunk = new Uint8Array(CHUNK_BYTES);
  let filled = 0;
  for await (const bytes of body) {
    for (let at = 0; at < bytes.length;) {
      const part = bytes.subarray(at, at + CHUNK_BYTES - filled);
      chunk.set(part, filled);
      filled += part.length;
      at += part.length;
      if (filled < CHUNK_BYTES) continue;
      yield chunk;
      chunk = new Uint8Array(CHUNK_BYTES);
      filled = 0;
    }
  }
  if (filled > 0) yield chunk.slice(0, filled);
}
