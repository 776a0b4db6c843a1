/**
 * The bytes that all uploads take together, and all artifacts: a number for each in the store, to
 * which each of their commits adds. So it is right after a crash, and with any number of processes.
 *
 * @module
 */

import type { Key } from "./keys.ts";

/** Bytes counted for each one beside its own: it takes a page of the store, however small it is. */
export const HEAD_BYTES = 4096;

/**
 * Adds `bytes`, which are negative for a removal, in the commit that stores or removes them. A commit
 * that only moves something adds 0, so that a correction counted meanwhile fails its check.
 */
export function addToSize(
  atomic: Deno.AtomicOperation,
  key: Key,
  bytes: number,
): Deno.AtomicOperation {
  // KV's sums wrap around, which subtracts a negative number.
  return atomic.sum(key, BigInt.asUintN(64, BigInt(bytes)));
}

export async function storedSize(kv: Deno.Kv, key: Key): Promise<number> {
  return sizeOf(await kv.get<Deno.KvU64>(key));
}

/** Corrects the sum to `size`, unless something was added since it was read as `known`. */
export async function correctSize(
  kv: Deno.Kv,
  known: Deno.KvEntryMaybe<Deno.KvU64>,
  size: number,
): Promise<void> {
  if (known.versionstamp !== null && sizeOf(known) === size) return;
  await kv.atomic().check(known).set(known.key, new Deno.KvU64(BigInt(size))).commit();
}

/** Not below 0: what an older version stored was not counted. */
function sizeOf({ value }: Deno.KvEntryMaybe<Deno.KvU64>): number {
  return value === null ? 0 : Math.max(0, Number(BigInt.asIntN(64, value.value)));
}
