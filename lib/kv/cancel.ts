import { keys } from "./keys.ts";

/**
 * The cancel of a task that a process asked for which does not own it.
 *
 * @returns Who asked for it, where that is known; `null` where nobody did.
 */
export async function readCancel(kv: Deno.Kv, id: string): Promise<{ by?: string } | null> {
  const { value, versionstamp } = await kv.get<string | null>(keys.cancel(id));
  if (versionstamp === null) return null;
  return value === null ? {} : { by: value };
}
