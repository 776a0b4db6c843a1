/**
 * How long an upload is kept: for a fixed time; beyond that for as long as a task that names it
 * waits or runs, or a schedule names it; and then for the same time once more.
 *
 * The commit that begins or ends such a task or schedule sets or deletes its `upload-hold` key. It
 * also sets `upload-until`, which a removal checks; and each removal sets `uploads-removed`, which
 * a commit that takes a hold checks. So neither can miss the other.
 *
 * @module
 */

import type { UploadInfo } from "../task/context.ts";
import { getMany } from "./get_many.ts";
import { type Key, keys } from "./keys.ts";
import { MAX_UPLOADS, type NamedUpload } from "../task/named_uploads.ts";
import { ULID } from "../task/ulid.ts";

/** Milliseconds that an upload is kept while nothing holds it. */
export const UPLOAD_TTL_MS = 24 * 3600_000;

/** When an upload expires, milliseconds since the epoch; not after `now` if it has expired. */
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
 * Finds the ids of uploads among some texts, which may be anything.
 *
 * @returns The ids, and a check that holds until any upload is removed.
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

/** Why an input is refused for the uploads that it names. */
export type UploadRefusal =
  | { ok: false; reason: "no-upload"; upload: NamedUpload }
  | { ok: false; reason: "too-many-uploads" };

/** As {@link findUploads}, for an input, which may name neither a missing upload nor too many. */
export async function findNamed(
  kv: Deno.Kv,
  named: readonly NamedUpload[],
  now: number,
): Promise<{ ok: true; ids: ReadonlySet<string>; check: Deno.AtomicCheck } | UploadRefusal> {
  const { ids, check } = await findUploads(kv, named.map(({ id }) => id), now);
  const upload = named.find(({ id, field }) => field !== null && !ids.has(id));
  if (upload) return { ok: false, reason: "no-upload", upload };
  if (ids.size > MAX_UPLOADS) return { ok: false, reason: "too-many-uploads" };
  return { ok: true, ids, check };
}

/** The changes that have a task or a schedule hold the uploads `after` and no longer those `before`. */
export function changeHolds(
  holder: string,
  { before, after, now }: { before: readonly string[]; after: readonly string[]; now: number },
): { sets: [Key, unknown, number][]; deletes: Key[] } {
  const begun = after.filter((upload) => !before.includes(upload));
  const ended = before.filter((upload) => !after.includes(upload));
  return {
    sets: [
      ...begun.map((upload): [Key, null, number] => [keys.uploadHold(upload, holder), null, 8]),
      ...[...begun, ...ended].map((upload): [Key, number, number] => [
        keys.uploadUntil(upload),
        now + UPLOAD_TTL_MS,
        16,
      ]),
    ],
    deletes: ended.map((upload) => keys.uploadHold(upload, holder)),
  };
}
