/**
 * How long an upload is kept: for its time; beyond that for as long as a task that names it waits or
 * runs; and then for its time once more.
 *
 * A task's `upload-hold` keys come and go in the commits that begin and end it. Each of these commits
 * also sets `upload-until`, which a removal checks; and each removal sets `uploads-removed`, which
 * whoever takes a hold checks. So neither can miss the other.
 *
 * @module
 */

import type { UploadInfo } from "../task/define.ts";
import { getMany } from "./get_many.ts";
import { keys } from "./keys.ts";
import { ULID } from "../task/ulid.ts";

/** Milliseconds an upload is kept by itself. */
export const UPLOAD_TTL_MS = 24 * 3600_000;

/** When an upload will have been kept for long enough; not after `now` where it is over. */
export async function keptUntil(
  kv: Deno.Kv,
  { upload_id: id, expires_at }: UploadInfo,
  now: number,
): Promise<number> {
  const { value } = await kv.get<number>(keys.uploadUntil(id));
  const until = Math.max(Date.parse(expires_at), value ?? 0);
  if (until > now) return until;
  for await (const _ of kv.list({ prefix: keys.uploadHolds(id) }, { limit: 1 })) {
    return now + UPLOAD_TTL_MS;
  }
  return until;
}

/**
 * Finds the uploads among some texts, which may be anything.
 *
 * @returns Their ids, and what holds until one of all uploads is removed.
 */
export async function findUploads(
  kv: Deno.Kv,
  texts: readonly string[],
  now: number,
): Promise<{ ids: ReadonlySet<string>; check: Deno.AtomicCheck }> {
  const { key, versionstamp } = await kv.get(keys.uploadsRemoved);
  const ids = new Set<string>();
  const wanted = texts.filter((text) => ULID.test(text)).map(keys.upload);
  for (const { value } of await getMany<UploadInfo>(kv, wanted)) {
    // One that an older version left unfinished has no digest.
    if (value === null || value.sha256 === "") continue;
    if (await keptUntil(kv, value, now) > now) ids.add(value.upload_id);
  }
  return { ids, check: { key, versionstamp } };
}
