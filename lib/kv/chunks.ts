/**
 * The bytes of uploads and artifacts, as they lie in the store.
 *
 * @module
 */

import { keys } from "./keys.ts";
import { ULID } from "../task/ulid.ts";

/** Bytes of a chunk: a value of KV holds 64 KiB. */
export const CHUNK_BYTES = 60 * 1024;

/** The bytes from `offset` to the end of the chunk it lies in; empty past the end. */
export async function readChunk(kv: Deno.Kv, id: string, offset: number): Promise<Uint8Array> {
  if (!ULID.test(id)) return new Uint8Array();
  const { value } = await kv.get<Uint8Array>(keys.chunk(id, Math.floor(offset / CHUNK_BYTES)));
  return value?.subarray(offset % CHUNK_BYTES) ?? new Uint8Array();
}

/** Reads `count` chunks, from the `first` on; `null` if one is missing. */
export async function readChunks(
  kv: Deno.Kv,
  id: string,
  first: number,
  count: number,
): Promise<Uint8Array[] | null> {
  const wanted = Array.from({ length: count }, (_, n) => keys.chunk(id, first + n));
  const entries = await kv.getMany<Uint8Array[]>(wanted);
  const chunks = entries.flatMap(({ value }) => value === null ? [] : [value]);
  return chunks.length === count ? chunks : null;
}
