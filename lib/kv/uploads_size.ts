/**
 * What all uploads take together: one number in the store that each commit of an upload adds to. So
 * it is right after a crash, and on any number of processes.
 *
 * @module
 */

import { keys } from "./keys.ts";

/** What an upload counts beside its bytes: it takes a page of the store, however small it is. */
export const HEAD_BYTES = 4096;

/**
 * Adds to it, in a commit that stores so many bytes, or removes them. One that only moves an upload
 * to another key adds 0, so that nobody counts while it moves.
 */
export function addToUploads(atomic: Deno.AtomicOperation, bytes: number): Deno.AtomicOperation {
  // Sums wrap around: so does what is taken away.
  return atomic.sum(keys.uploadsSize, BigInt.asUintN(64, BigInt(bytes)));
}

export async function uploadsSize(kv: Deno.Kv): Promise<number> {
  return sizeOf(await kv.get<Deno.KvU64>(keys.uploadsSize));
}

/** Corrects it to what was counted, unless something was added since it was `known`. */
export async function setUploads(
  kv: Deno.Kv,
  known: Deno.KvEntryMaybe<Deno.KvU64>,
  size: number,
): Promise<void> {
  if (known.versionstamp !== null && sizeOf(known) === size) return;
  await kv.atomic().check(known).set(known.key, new Deno.KvU64(BigInt(size))).commit();
}

/** Of a store that an older version has filled, nothing was counted at first. */
function sizeOf({ value }: Deno.KvEntryMaybe<Deno.KvU64>): number {
  return value === null ? 0 : Math.max(0, Number(BigInt.asIntN(64, value.value)));
}
