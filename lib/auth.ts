/**
 * Who asks, and what that opens: tokens of the operator, sessions of the page, and short-lived
 * tokens for one task each.
 *
 * @module
 */

import { decodeJwt, jwtVerify, SignJWT } from "jose";
import { JWTExpired } from "jose/errors";
import { HttpError } from "./errors.ts";
import { keys } from "./keys.ts";
import { digestOf, findToken, type Scope, SCOPES, type Token } from "./tokens.ts";

/** What a route asks for: nothing, any token of the operator, a scope, or to read the task it names. */
export type Need = "public" | "any" | "task" | Scope;

/** Somebody who was let in. */
export interface Principal {
  /** The token's name; empty where no token is needed, and for a task's token. */
  readonly name: string;
  /** What they may do. */
  readonly scopes: readonly Scope[];
  /** The one task they may read, where that is all. */
  readonly taskId: string | null;
  /** Until when, milliseconds since the epoch. */
  readonly expiresAt: number | null;
}

/** The cookie with the page's session. */
export const COOKIE = "headway";

/** Whoever asks, where no token is needed. */
const ANYBODY: Principal = { name: "", scopes: SCOPES, taskId: null, expiresAt: null };

/** Who may ask for what needs no token. */
const NOBODY: Principal = { name: "", scopes: [], taskId: null, expiresAt: null };

/** What {@link Auth.open} takes. */
export interface AuthOptions {
  /** The handle, for the secret that all processes share. */
  kv: Deno.Kv;
  /** Those of the operator; without any, everybody may do everything. */
  tokens: readonly Token[];
  /** Milliseconds a task's token lives. */
  taskTokenMs: number;
  /** Milliseconds a session of the page lives. */
  sessionMs: number;
  /** Milliseconds since the epoch. @default {Date.now} */
  now?: () => number;
}

/** What a request shows. */
export interface Credentials {
  /** The `Authorization` header. */
  authorization: string | null;
  /** `?token=`, where a route takes it. */
  query: string | null;
  /** The `Cookie` header. */
  cookie: string | null;
}

/** See the module. */
export class Auth {
  readonly #options: AuthOptions;
  readonly #master: CryptoKey | null;
  readonly #taskKey: CryptoKey | null;

  private constructor(
    options: AuthOptions,
    master: CryptoKey | null,
    taskKey: CryptoKey | null,
  ) {
    this.#options = options;
    this.#master = master;
    this.#taskKey = taskKey;
  }

  /** Reads, or makes, the secret that signs; none where no token is needed. */
  static async open(options: AuthOptions): Promise<Auth> {
    if (options.tokens.length === 0) return new Auth(options, null, null);
    const secret = await readSecret(options.kv);
    const master = await crypto.subtle.importKey("raw", secret, "HKDF", false, ["deriveKey"]);
    return new Auth(options, master, await derive(master, "task"));
  }

  /** Whether anything needs a token. */
  get required(): boolean {
    return this.#master !== null;
  }

  /**
   * Who asks. What is shown first counts: header, query, cookie.
   *
   * @throws {HttpError} 401 when a token is shown that is none, or is one no more.
   */
  async authenticate(shown: Credentials): Promise<Principal | null> {
    if (!this.required) return ANYBODY;
    const { authorization, query } = shown;
    if (authorization !== null) {
      const [, token] = /^Bearer +(\S+) *$/i.exec(authorization) ?? [];
      if (token === undefined) throw unauthorized("'Authorization' must be 'Bearer' and a token");
      return this.#ofToken(token) ?? await this.#ofTask(token);
    }
    // Never one of the operator's: addresses end up in logs and histories.
    if (query !== null) return await this.#ofTask(query);
    const session = readCookie(shown.cookie, COOKIE);
    return session === null ? null : await this.#ofSession(session);
  }

  /** A token to read one task with; `null` where none is needed. */
  async taskToken(id: string): Promise<string | null> {
    if (this.#taskKey === null) return null;
    return await this.#sign(this.#taskKey, "task", id, this.#options.taskTokenMs);
  }

  /**
   * Begins a session of the page.
   *
   * @returns What the cookie holds: not the token, and of no use once that is taken away.
   * @throws {HttpError} 401 when the token is none of the operator's.
   */
  async signIn(secret: string): Promise<{ cookie: string; principal: Principal; ms: number }> {
    const principal = this.#ofToken(secret);
    if (principal === null) throw unauthorized("There is no such token");
    const key = await this.#sessionKey(principal.name);
    const ms = this.#options.sessionMs;
    return { cookie: await this.#sign(key!, "session", principal.name, ms), principal, ms };
  }

  #ofToken(secret: string): Principal | null {
    const token = findToken(this.#options.tokens, digestOf(secret));
    return token && { name: token.name, scopes: token.scopes, taskId: null, expiresAt: null };
  }

  async #ofTask(token: string): Promise<Principal> {
    const { sub, expiresAt } = await this.#verify(token, "task", () => this.#taskKey);
    return { name: "", scopes: [], taskId: sub, expiresAt };
  }

  async #ofSession(cookie: string): Promise<Principal> {
    const read = await this.#verify(cookie, "session", (name) => this.#sessionKey(name));
    const { scopes } = this.#options.tokens.find(({ name }) => name === read.sub)!;
    return { name: read.sub, scopes, taskId: null, expiresAt: read.expiresAt };
  }

  /** Made from the token's digest, so that a session ends with its token. */
  async #sessionKey(name: string): Promise<CryptoKey | null> {
    const token = this.#options.tokens.find((token) => token.name === name);
    return token && this.#master
      ? await derive(this.#master, `session ${token.digest.toHex()}`)
      : null;
  }

  async #sign(key: CryptoKey, use: string, sub: string, ms: number): Promise<string> {
    const now = (this.#options.now ?? Date.now)();
    return await new SignJWT()
      .setProtectedHeader({ alg: "HS256" })
      .setAudience(use)
      .setSubject(sub)
      .setExpirationTime(Math.ceil((now + ms) / 1000))
      .sign(key);
  }

  async #verify(
    token: string,
    use: string,
    keyOf: (sub: string) => CryptoKey | null | Promise<CryptoKey | null>,
  ): Promise<{ sub: string; expiresAt: number }> {
    try {
      const key = await keyOf(decodeJwt(token).sub ?? "");
      if (key === null) throw new TypeError("No key is made for this name");
      const { payload } = await jwtVerify(token, key, {
        algorithms: ["HS256"],
        audience: use,
        requiredClaims: ["sub", "exp"],
        currentDate: new Date((this.#options.now ?? Date.now)()),
      });
      return { sub: payload.sub!, expiresAt: payload.exp! * 1000 };
    } catch (error) {
      throw unauthorized(
        error instanceof JWTExpired ? "This token has expired" : "This token is not valid",
      );
    }
  }
}

/**
 * Lets a request pass, or not.
 *
 * @param taskId The task that the path names.
 * @returns Who asks.
 * @throws {HttpError} 401 when nobody is known to ask, 403 when they may not.
 */
export function permit(principal: Principal | null, need: Need, taskId?: string): Principal {
  if (need === "public") return principal ?? NOBODY;
  if (principal === null) throw unauthorized("This needs a token");
  const { scopes, taskId: own } = principal;
  if (own !== null) {
    if (need === "task" && own === taskId?.toUpperCase()) return principal;
    throw new HttpError(403, "A task's token opens that task alone, and only for reading");
  }
  const scope = need === "task" ? "read" : need;
  if (scope === "any" || scopes.includes(scope)) return principal;
  throw new HttpError(403, `This needs the scope '${scope}', which the token has not`, {
    extra: { scope },
  });
}

function unauthorized(sentence: string): HttpError {
  return new HttpError(401, sentence, { headers: { "www-authenticate": "Bearer" } });
}

/** Made once for all processes of a store. Who can read the store can sign. */
async function readSecret(kv: Deno.Kv): Promise<Uint8Array<ArrayBuffer>> {
  const made = crypto.getRandomValues(new Uint8Array(32));
  await kv.atomic().check({ key: keys.secret, versionstamp: null }).set(keys.secret, made).commit();
  const { value } = await kv.get<Uint8Array<ArrayBuffer>>(keys.secret);
  return value ?? made;
}

/** A key for one use. */
function derive(master: CryptoKey, use: string): Promise<CryptoKey> {
  const info = new TextEncoder().encode(`headway ${use}`);
  return crypto.subtle.deriveKey(
    { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info },
    master,
    { name: "HMAC", hash: "SHA-256", length: 256 },
    false,
    ["sign", "verify"],
  );
}

function readCookie(header: string | null, name: string): string | null {
  for (const pair of header?.split(";") ?? []) {
    const [own, value] = pair.trim().split("=", 2);
    if (own === name && value) return value;
  }
  return null;
}
