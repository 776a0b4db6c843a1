/**
 * The layout of a store. When it starts, a process refuses a layout that is newer than it knows,
 * and brings an older one up to date.
 *
 * @module
 */

import { queueByRank } from "./queue_by_rank.ts";
import { keys } from "./keys.ts";

/**
 * Brings a store from one layout to the next. It may be cut short, and run again or in two processes
 * at once: what it has done already must not harm.
 */
export type Migration = (kv: Deno.Kv) => Promise<void>;

/**
 * `MIGRATIONS[n]` leads from layout `n + 1` to the next. A change of keys or values that older stores
 * do not satisfy needs a migration; one that only adds a key does not.
 */
export const MIGRATIONS: readonly Migration[] = [queueByRank];

/** A store's layout is not one that this version can work with. */
export class SchemaError extends Error {
  override name = "SchemaError";
}

/**
 * Checks a store's layout before anything else is done with it, and migrates an older one. A store
 * without a mark is new, or of the first layout.
 *
 * @param migrations See {@link MIGRATIONS}.
 * @returns The layout it has now.
 * @throws {SchemaError} If a newer version has written it.
 */
export async function openSchema(
  kv: Deno.Kv,
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<number> {
  const known = migrations.length + 1;
  while (true) {
    const { value, versionstamp } = await kv.get<number>(keys.schema);
    const version = value ?? await unmarked(kv, known);
    if (version > known) {
      throw new SchemaError(
        `The store was written by a newer Headway (layout ${version}, this one knows ${known}): ` +
          "start that version, or restore a backup from before",
      );
    }
    if (version < known) await migrations[version - 1]!(kv);
    const next = Math.min(known, version + 1);
    if (value === known) return known;
    // Another process may have been first: then look again.
    await kv.atomic().check({ key: keys.schema, versionstamp }).set(keys.schema, next).commit();
  }
}

/** The layout of a store without a mark: the newest if empty, else the first, which had no mark. */
async function unmarked(kv: Deno.Kv, known: number): Promise<number> {
  if (await isEmpty(kv)) return known;
  const [epoch, mark] = await kv.getMany<[string, number]>([keys.epoch, keys.schema]);
  // Another process has just made it.
  if (mark.value !== null) return mark.value;
  if (epoch.value !== null) return 1;
  throw new SchemaError(
    "The store holds data that is not Headway's: give Headway a store of its own",
  );
}

async function isEmpty(kv: Deno.Kv): Promise<boolean> {
  for await (const _ of kv.list({ prefix: [] }, { limit: 1 })) return false;
  return true;
}
