/**
 * The tokens an operator hands out: read from text, kept as digests alone.
 *
 * @module
 */

import { createHash, timingSafeEqual } from "node:crypto";

/** What a token opens. `admin` opens everything, the two others as well. */
export type Scope = "admin" | "submit" | "read";

/** Every scope there is. */
export const SCOPES: readonly Scope[] = ["admin", "submit", "read"];

/** Who may do what. The secret itself is not kept. */
export interface Token {
  /** Tells it from others, to people. */
  name: string;
  /** What it opens. */
  scopes: readonly Scope[];
  /** SHA-256 of the secret. */
  digest: Uint8Array;
  /** Its secret is so short, or of so few characters, that tries without end might find it. */
  guessable: boolean;
}

/** Characters a secret has, at the least. */
const MIN_SECRET = 16;

/** Bits that a secret has at the most, by its length and characters, to be guessable. */
const GUESSABLE_BITS = 100;

/** How an entry has to look. */
export const TOKEN_SHAPE = "name:scope[+scope]:secret";

/**
 * Reads entries, separated by commas or lines; what follows a `#` at the start of a line is left
 * out.
 *
 * @throws {TypeError} If there is none, or one is not as it should be. The sentence never holds a secret.
 */
export function parseTokens(text: string): Token[] {
  const tokens: Token[] = [];
  const entries = text.replaceAll(/^\s*#.*$/gm, "").split(/[,\n]/).map((entry) => entry.trim());
  for (const entry of entries.filter(Boolean)) {
    tokens.push(parseToken(entry, `entry ${tokens.length + 1}`));
  }
  if (tokens.length === 0) throw new TypeError("there is none");
  return withoutDoubles(tokens);
}

function withoutDoubles(tokens: Token[]): Token[] {
  for (const [n, { name, digest }] of tokens.entries()) {
    const before = tokens.slice(0, n);
    if (before.some((other) => other.name === name)) {
      throw new TypeError(`the name '${name}' is there twice`);
    }
    if (findToken(before, digest)) {
      throw new TypeError(`the secret of '${name}' is that of another token, too`);
    }
  }
  return tokens;
}

function parseToken(entry: string, which: string): Token {
  const [, name, scopes, secret] = /^([\w.-]{1,64}):([a-z+]+):([\x21-\x7e]+)$/.exec(entry) ?? [];
  if (name === undefined || scopes === undefined || secret === undefined) {
    throw new TypeError(`${which} is not ${TOKEN_SHAPE}`);
  }
  const words = scopes.split("+");
  if (!words.every((word) => SCOPES.includes(word as Scope))) {
    throw new TypeError(`the scopes of '${name}' are not of ${SCOPES.join(", ")}`);
  }
  if (secret.length < MIN_SECRET) {
    throw new TypeError(`the secret of '${name}' is shorter than ${MIN_SECRET} characters`);
  }
  const granted = SCOPES.filter((scope) => words.includes("admin") || words.includes(scope));
  const guessable = secret.length * Math.log2(new Set(secret).size) < GUESSABLE_BITS;
  return { name, scopes: granted, digest: digestOf(secret), guessable };
}

/** SHA-256 of a secret. */
export function digestOf(secret: string): Uint8Array {
  return new Uint8Array(createHash("sha256").update(secret).digest());
}

/** The token with this digest. Looks at each of them in constant time, whichever it is. */
export function findToken(tokens: readonly Token[], digest: Uint8Array): Token | null {
  let found: Token | null = null;
  for (const token of tokens) if (timingSafeEqual(token.digest, digest)) found = token;
  return found;
}

/**
 * Those, and the ones of a file.
 *
 * @throws {TypeError} If it cannot be read, or an entry is not as it should be.
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
