/**
 * The keys that sign tokens and sessions: all derived from one secret of the store.
 *
 * @module
 */

import { keys } from "../kv/keys.ts";
import type { Token } from "./tokens.ts";

export interface SigningKeys {
  /** Signs tokens for tasks. */
  readonly task: CryptoKey;
  /** Signs tokens for the tasks of an owner. */
  readonly owner: CryptoKey;
  /** Sign sessions, by the token's name. Derived from its digest, so that sessions end with the token. */
  readonly sessions: ReadonlyMap<string, CryptoKey>;
  /** What the cookies of this store have in their name. */
  readonly cookie: string;
}

/** Reads the secret, or makes it, and derives the keys. */
export async function openSigningKeys(
  kv: Deno.Kv,
  tokens: readonly Token[],
): Promise<SigningKeys> {
  const secret = await readSecret(kv);
  const uses: KeyUsage[] = ["deriveKey", "deriveBits"];
  const master = await crypto.subtle.importKey("raw", secret, "HKDF", false, uses);
  const sessions = new Map<string, CryptoKey>();
  for (const { name, digest } of tokens) {
    sessions.set(name, await derive(master, `session ${digest.toHex()}`));
  }
  const name = await crypto.subtle.deriveBits(hkdf("cookie"), master, 32);
  return {
    task: await derive(master, "task"),
    owner: await derive(master, "owner"),
    sessions,
    cookie: new Uint8Array(name).toHex(),
  };
}

/** Made once for all processes of a store. Whoever can read the store can sign. */
async function readSecret(kv: Deno.Kv): Promise<Uint8Array<ArrayBuffer>> {
  const made = crypto.getRandomValues(new Uint8Array(32));
  await kv.atomic().check({ key: keys.secret, versionstamp: null }).set(keys.secret, made).commit();
  const { value } = await kv.get<Uint8Array<ArrayBuffer>>(keys.secret);
  return value ?? made;
}

function derive(master: CryptoKey, use: string): Promise<CryptoKey> {
  return crypto.subtle.deriveKey(
    hkdf(use),
    master,
    { name: "HMAC", hash: "SHA-256", length: 256 },
    false,
    ["sign", "verify"],
  );
}

function hkdf(use: string): HkdfParams {
  const info = new TextEncoder().encode(`headway ${use}`);
  return { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info };
}
