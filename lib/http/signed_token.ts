/**
 * Tokens that this server signs and reads (JWT): sessions of the page, and tokens that open a task
 * or the tasks of an owner for a while. Each use has a key of its own.
 *
 * @module
 */

import { decodeJwt, jwtVerify, SignJWT } from "jose";
import { JWTExpired } from "jose/errors";
import { unauthorized } from "./principal.ts";
import { type Can, CANS } from "./tokens.ts";

/** What a token opens: a task, or the tasks of an owner. */
export type Subject = { task: string } | { owner: string };

/** A token as it was read. */
export interface Signed {
  sub: string;
  jti: string;
  can: readonly Can[];
  /** Milliseconds since the epoch. */
  expiresAt: number;
}

/** Signs a token that is valid up to the end of the second of `until`, milliseconds since the epoch. */
export async function signToken(
  key: CryptoKey,
  use: string,
  claims: { sub: string; jti?: string; can?: Can[] },
  until: number,
): Promise<{ token: string; expiresAt: number }> {
  const end = Math.ceil(until / 1000);
  const token = await new SignJWT(claims)
    .setProtectedHeader({ alg: "HS256" })
    .setAudience(use)
    .setExpirationTime(end)
    .sign(key);
  return { token, expiresAt: end * 1000 };
}

/**
 * Reads a token for one use.
 *
 * @param keyOf Returns the key of a name; `null` if there is none.
 * @param now Milliseconds since the epoch.
 * @throws {HttpError} 401 when it is not valid, or has expired.
 */
export async function verifyToken(
  token: string,
  use: string,
  keyOf: (sub: string) => CryptoKey | null,
  now: number,
): Promise<Signed> {
  try {
    const key = keyOf(decodeJwt(token).sub ?? "");
    if (key === null) throw new TypeError("No key is made for this name");
    const { payload } = await jwtVerify(token, key, {
      algorithms: ["HS256"],
      audience: use,
      requiredClaims: ["sub", "exp"],
      currentDate: new Date(now),
    });
    const { sub, jti = "", exp, can } = payload;
    return { sub: sub!, jti, can: cansIn(can), expiresAt: exp! * 1000 };
  } catch (error) {
    throw unauthorized(
      error instanceof JWTExpired ? "This token has expired" : "This token is not valid",
    );
  }
}

/** The use that a token claims, which tells which key must have signed it. */
export function useOf(token: string): "task" | "owner" {
  try {
    return decodeJwt(token).aud === "owner" ? "owner" : "task";
  } catch {
    return "task";
  }
}

/** What a token claims to allow: without the claim, as in an older version, to read. */
function cansIn(claim: unknown): readonly Can[] {
  if (claim === undefined) return ["read"];
  return Array.isArray(claim) ? CANS.filter((it) => claim.includes(it)) : [];
}
