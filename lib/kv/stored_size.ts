/**
 * The bytes that all uploads take together, and all artifacts: a number for each in the store, to
 * which each of their commits adds. So it is right after a crash, and with any number of processes.
 *
 * @module
 */

import type { Key } from "./keys.ts";

/** What one counts beside its bytes: it takes a page of the store, however small it is. */
export const HEAD_BYTES = 4096;

/**
 * Adds to it, in a commit that stores so many bytes, or removes them. One that only moves something to
 * another key adds 0, so that nobody counts while it moves.
 */
export function addToSize(
  atomic: Deno.AtomicOperation,
  key: Key,
  bytes: number,
): Deno.AtomicOperation {
  // Sums wrap around: so does what is taken away.
  return atomic.sum(key, BigInt.asUintN(64, BigInt(bytes)));
}

export async function storedSize(kv: Deno.Kv, key: Key): Promise<number> {
  return sizeOf(await kv.get<Deno.KvU64>(key));
}

/** Corrects it to what was counted, unless something was added since it was `known`. */
export async function correctSize(
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
