import { keys } from "./keys.ts";

/**
 * Reads whether a cancel was asked for through a process that does not own the task.
 *
 * @returns Who asked for it, if that is known; `null` if nobody did.
 */
export async function readCancel(kv: Deno.Kv, id: string): Promise<{ by?: string } | null> {
  const { value, versionstamp } = await kv.get<string | null>(keys.cancel(id));
  if (versionstamp === null) return null;
  return value === null ? {} : { by: value };
}
