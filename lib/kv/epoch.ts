import { ulid } from "@std/ulid";
import { keys } from "./keys.ts";

/** Tells this store from an earlier one that was wiped. Made once, and part of each cursor. */
export async function readEpoch(kv: Deno.Kv): Promise<string> {
  const made = ulid().slice(-10).toLowerCase();
  await kv.atomic().check({ key: keys.epoch, versionstamp: null }).set(keys.epoch, made).commit();
  return (await kv.get<string>(keys.epoch)).value ?? made;
}
