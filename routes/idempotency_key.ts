import { clientOf, type Principal } from "../lib/http/principal.ts";
import { canonical } from "../lib/http/canonical.ts";
import { HttpError } from "../lib/http/errors.ts";
import type { Submission } from "../lib/store/store.ts";

/** Milliseconds for which an Idempotency-Key is remembered. */
const KEY_TTL_MS = 24 * 3600_000;

export type Idempotency = NonNullable<Submission["idempotency"]>;

/**
 * The Idempotency-Key of a request, and what it was sent with; `null` for none.
 *
 * @param client Who asks, and whose the task is to be.
 *
 * @throws {HttpError} 400 when it cannot be one.
 */
export async function keyOf(
  { headers }: Request,
  client: Pick<Principal, "name" | "owner">,
  body: unknown,
): Promise<Idempotency | null> {
  const key = headers.get("idempotency-key");
  if (key === null) return null;
  if (!/^[\x21-\x7e]{1,255}$/.test(key)) {
    throw new HttpError(400, "'Idempotency-Key' must be 1 to 255 visible ASCII characters", {
      field: "Idempotency-Key",
    });
  }
  // Each client has its own, and of each owner's tasks: with the key of another it gets no task of theirs.
  const { name, owner } = client;
  const whose = owner === null ? clientOf(client) : JSON.stringify([name, owner]);
  const own = whose === "" ? key : `${whose} ${key}`;
  return { key: own, digest: await digest(body), ttlMs: KEY_TTL_MS };
}

/** Of the body, whatever the order of its fields. */
async function digest(body: unknown): Promise<string> {
  const bytes = new TextEncoder().encode(canonical(body));
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}
