/** Most keys that KV reads at once. */
export const GET_MANY = 10;

/** Reads any number of keys, {@link GET_MANY} at a time; the entries come in the order of the keys. */
export async function getMany<T>(
  kv: Deno.Kv,
  wanted: readonly Deno.KvKey[],
): Promise<Deno.KvEntryMaybe<T>[]> {
  const reads: Promise<Deno.KvEntryMaybe<T>[]>[] = [];
  for (let at = 0; at < wanted.length; at += GET_MANY) {
    reads.push(kv.getMany<T[]>(wanted.slice(at, at + GET_MANY)));
  }
  return (await Promise.all(reads)).flat();
}
