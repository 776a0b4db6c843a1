/**
 * The tokens that an operator hands out: read from text, and kept as digests only.
 *
 * @module
 */

import { createHash, timingSafeEqual } from "node:crypto";
import { MAX_OWNER, OWNER_PATTERN } from "../task/labels.ts";

/** What a token or a login opens; `admin` includes the other two. */
export type Scope = "admin" | "submit" | "read";

export const SCOPES: readonly Scope[] = ["admin", "submit", "read"];

/** What a signed token lets its holder do with its tasks. */
export type Can = "read" | "cancel" | "signal";

export const CANS: readonly Can[] = ["read", "cancel", "signal"];

export interface Token {
  name: string;
  scopes: readonly Scope[];
  /** The only owner whose tasks it opens; absent for no such limit. */
  owner?: string;
  /** SHA-256 of the secret. */
  digest: Uint8Array;
  /** Whether its secret is so short, or of so few different characters, that it might be guessed. */
  guessable: boolean;
}

/** Fewest characters of a secret. */
const MIN_SECRET = 16;

/** A secret of fewer bits, by its length and different characters, counts as guessable. */
const GUESSABLE_BITS = 100;

export const TOKEN_SHAPE = "name:scope[+scope][@owner]:secret";

/**
 * Reads entries separated by commas or lines. Lines that start with `#` are comments.
 *
 * @throws {TypeError} If there are no entries, or one is wrong. The message never contains a secret.
 */
export function parseTokens(text: string): Token[] {
  const tokens: Token[] = [];
  const entries = text.replaceAll(/^\s*#.*$/gm, "").split(/[,\n]/).map((entry) => entry.trim());
  for (const entry of entries.filter(Boolean)) {
    tokens.push(parseToken(entry, `entry ${tokens.length + 1}`));
  }
  if (tokens.length === 0) throw new TypeError("there is no token in it");
  return withoutDoubles(tokens);
}

function withoutDoubles(tokens: Token[]): Token[] {
  for (const [n, { name, digest }] of tokens.entries()) {
    const before = tokens.slice(0, n);
    if (before.some((other) => other.name === name)) {
      throw new TypeError(`the name '${name}' is used twice`);
    }
    if (findToken(before, digest)) {
      throw new TypeError(`the secret of '${name}' is also another token's`);
    }
  }
  return tokens;
}

function parseToken(entry: string, which: string): Token {
  const [, name, scopes, owner, secret] =
    /^([\w.-]{1,64}):([a-z+]+)(?:@([^\s:]+))?:([\x21-\x7e]+)$/.exec(entry) ?? [];
  if (name === undefined || scopes === undefined || secret === undefined) {
    throw new TypeError(`${which} is not ${TOKEN_SHAPE}`);
  }
  const words = scopes.split("+");
  if (!words.every((word) => SCOPES.includes(word as Scope))) {
    throw new TypeError(`'${name}' has an unknown scope: the scopes are ${SCOPES.join(", ")}`);
  }
  if (owner !== undefined && !OWNER_PATTERN.test(owner)) {
    throw new TypeError(`the owner of '${name}' is longer than ${MAX_OWNER} characters`);
  }
  if (secret.length < MIN_SECRET) {
    throw new TypeError(`the secret of '${name}' is shorter than ${MIN_SECRET} characters`);
  }
  const granted = SCOPES.filter((scope) => words.includes("admin") || words.includes(scope));
  const guessable = secret.length * Math.log2(new Set(secret).size) < GUESSABLE_BITS;
  const bound = owner === undefined ? {} : { owner };
  return { name, scopes: granted, ...bound, digest: digestOf(secret), guessable };
}

export function digestOf(secret: string): Uint8Array {
  return new Uint8Array(createHash("sha256").update(secret).digest());
}

/** Compares the digest with that of every token, in constant time. */
export function findToken(tokens: readonly Token[], digest: Uint8Array): Token | null {
  let found: Token | null = null;
  for (const token of tokens) if (timingSafeEqual(token.digest, digest)) found = token;
  return found;
}

/**
 * Adds the tokens of a file.
 *
 * @throws {TypeError} If it cannot be read, or an entry is wrong.
 */
export async function readTokens(
  tokens: readonly Token[],
  file: string | null,
): Promise<readonly Token[]> {
  if (file === null) return tokens;
  try {
    return withoutDoubles([...tokens, ...parseTokens(await Deno.readTextFile(file))]);
  } catch (error) {
    throw new TypeError(`HEADWAY_TOKENS_FILE cannot be used: ${(error as Error).message}`);
  }
}
