import { GET_MANY, getMany } from "./get_many.ts";
import { indexedIn, type Key, keys, nameIn } from "./keys.ts";
import type { Reads } from "./reads.ts";
import type { Status } from "../task/record.ts";

/** The kinds that the store has a key of, by name: those with tasks, and some that had one lately. */
export async function knownKinds(kv: Deno.Kv, limit = Infinity): Promise<string[]> {
  const kinds: string[] = [];
  const options = limit === Infinity ? { batchSize: 500 } : { limit, batchSize: 500 };
  for await (const { key } of kv.list({ prefix: keys.kinds }, options)) kinds.push(nameIn(key));
  return kinds;
}

/** The given kinds that the store has a key of. */
export async function knownAmong(
  kv: Deno.Kv,
  kinds: readonly string[],
  reads: Reads,
): Promise<string[]> {
  const known: string[] = [];
  for (let at = 0; at < kinds.length; at += GET_MANY) {
    const some = kinds.slice(at, at + GET_MANY);
    const entries = await reads.run(some.length, () => getMany(kv, some.map(keys.kind)));
    known.push(...some.filter((_, n) => entries[n]!.versionstamp !== null));
  }
  return known;
}

/** The ids of all tasks in a state, kind by kind, and oldest first within a kind. */
export async function* idsOf(kv: Deno.Kv, status: Status): AsyncGenerator<string> {
  for (const kind of await knownKinds(kv)) {
    const prefix: Key = keys.indexOf(kind, status);
    for await (const { key } of kv.list({ prefix }, { batchSize: 500 })) yield indexedIn(key);
  }
}
