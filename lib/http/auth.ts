/**
 * Who asks, and what that opens: tokens of the operator, sessions of the page, and short-lived
 * tokens for one task each.
 *
 * @module
 */

import { decodeJwt, jwtVerify, SignJWT } from "jose";
import { JWTExpired } from "jose/errors";
import { HttpError } from "./errors.ts";
import { Guesses } from "./guesses.ts";
import { ULID } from "../kv/keys.ts";
import { keys } from "../kv/keys.ts";
import type { Logger } from "../base/log.ts";
import { type PageSession, Revocations } from "./revocations.ts";
import { SessionCookie } from "./session_cookie.ts";
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
  /** The session of the page by which they came. */
  readonly session: PageSession | null;
}

/** Who may ask for what needs no token. */
const NOBODY: Principal = { name: "", scopes: [], taskId: null, expiresAt: null, session: null };

/** What a JWT looks like. */
const SIGNED = /^eyJ[\w-]+\.eyJ[\w-]+\.[\w-]*$/;

/** Whoever asks, where no token is needed. */
const ANYBODY: Principal = { ...NOBODY, scopes: SCOPES };

/** What {@link Auth.open} takes. */
export interface AuthOptions {
  /** The handle, for the secret that all processes share. */
  kv: Deno.Kv;
  /** No other process has this store. */
  alone: boolean;
  /** Those of the operator; without any, everybody may do everything. */
  tokens: readonly Token[];
  /** Milliseconds a task's token lives. */
  taskTokenMs: number;
  /** Milliseconds a session of the page lives. */
  sessionMs: number;
  /** Where trouble is told. */
  log: Logger;
  /** Milliseconds since the epoch. @default {Date.now} */
  now?: () => number;
}

/** What a request shows. */
export interface Credentials {
  /** The `Authorization` header. */
  authorization: string | null;
  /** `?token=`, where a route takes it. */
  query: string | null;
  /** What the session's cookie holds, see {@link SessionCookie.read}. */
  sessions: readonly string[];
}

/** What signs, and what takes back. */
interface Keys {
  /** For tasks' tokens. */
  task: CryptoKey;
  /** By the token's name, for sessions: made of its digest, so that they end with the token. */
  sessions: ReadonlyMap<string, CryptoKey>;
  revocations: Revocations;
}

/** See the module. */
export class Auth implements AsyncDisposable {
  /** The cookie with the page's session. */
  readonly cookie: SessionCookie;
  readonly #options: AuthOptions;
  readonly #keys: Keys | null;
  readonly #guesses = new Guesses();

  private constructor(options: AuthOptions, cookie: SessionCookie, keys: Keys | null) {
    this.#options = options;
    this.cookie = cookie;
    this.#keys = keys;
  }

  /** Reads, or makes, the secret that signs; none where no token is needed. */
  static async open(options: AuthOptions): Promise<Auth> {
    const { kv, tokens, now = Date.now } = options;
    if (tokens.length === 0) return new Auth(options, new SessionCookie("open"), null);
    const secret = await readSecret(kv);
    const uses: KeyUsage[] = ["deriveKey", "deriveBits"];
    const master = await crypto.subtle.importKey("raw", secret, "HKDF", false, uses);
    const sessions = new Map<string, CryptoKey>();
    for (const { name, digest } of tokens) {
      sessions.set(name, await derive(master, `session ${digest.toHex()}`));
    }
    const name = await crypto.subtle.deriveBits(hkdf("cookie"), master, 32);
    return new Auth(options, new SessionCookie(new Uint8Array(name).toHex()), {
      task: await derive(master, "task"),
      sessions,
      revocations: await Revocations.open({ ...options, now }),
    });
  }

  /** Whether anything needs a token. */
  get required(): boolean {
    return this.#keys !== null;
  }

  /**
   * Who asks. What is shown first counts: header, query, cookie.
   *
   * @param client Its address.
   * @throws {HttpError} 401 when a token is shown that is none, or is one no more; 429 when that was
   *   too often.
   */
  async authenticate(shown: Credentials, client = ""): Promise<Principal | null> {
    if (!this.required) return ANYBODY;
    const { authorization, query } = shown;
    if (authorization !== null) {
      const [, token] = /^Bearer +(\S+) *$/i.exec(authorization) ?? [];
      if (token === undefined) throw unauthorized("'Authorization' must be 'Bearer' and a token");
      return await this.#ofHeader(token, client);
    }
    // Never one of the operator's: addresses end up in logs and histories.
    if (query !== null) return await this.#ofTask(query);
    return shown.sessions.length === 0 ? null : await this.#ofSessions(shown.sessions);
  }

  /** A token to read one task with; `null` where none is needed. */
  async taskToken(id: string): Promise<string | null> {
    if (this.#keys === null) return null;
    return await this.#sign(this.#keys.task, "task", { sub: id }, this.#options.taskTokenMs);
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
    const { sessions, revocations } = this.#keys!;
    const { name } = principal;
    const ms = this.#options.sessionMs;
    const claims = { sub: name, jti: revocations.newId(name) };
    return { cookie: await this.#sign(sessions.get(name)!, "session", claims, ms), principal, ms };
  }

  /**
   * Ends sessions of the page, and the streams that came by them: here at once, in other processes
   * as soon as they hear of it. What is no session of ours is passed over.
   *
   * @throws {StoreError} When the store did not take it: then they may come back with a restart.
   */
  async signOut(cookies: readonly string[]): Promise<void> {
    if (this.#keys === null) return;
    const { revocations } = this.#keys;
    const read = await Promise.allSettled(cookies.map((cookie) => this.#readSession(cookie)));
    const sessions = read.flatMap((it) => it.status === "fulfilled" ? [it.value] : []);
    await Promise.all(sessions.map((session) => revocations.end(session)));
  }

  /** Calls `listener` when the session by which somebody came is ended; returns how to stop. */
  onSignOut({ session }: Principal, listener: () => void): () => void {
    if (session === null) return () => {};
    return this.#keys!.revocations.listen(session, listener);
  }

  /** Lets go of the store. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#keys?.revocations[Symbol.asyncDispose]();
  }

  /** One of the operator's, which can be guessed, or one of a task. */
  async #ofHeader(secret: string, client: string): Promise<Principal> {
    const token = findToken(this.#options.tokens, digestOf(secret));
    if (token) {
      this.#guesses.right(client, token);
      return principalOf(token);
    }
    // Nobody guesses a signature.
    if (!SIGNED.test(secret)) this.#guesses.wrong(client);
    return await this.#ofTask(secret);
  }

  #ofToken(secret: string): Principal | null {
    const token = findToken(this.#options.tokens, digestOf(secret));
    return token && principalOf(token);
  }

  async #ofTask(token: string): Promise<Principal> {
    const { sub, expiresAt } = await this.#verify(token, "task", () => this.#keys!.task);
    return { ...NOBODY, taskId: sub, expiresAt };
  }

  /** One good session will do: others may be old, or planted. */
  async #ofSessions(cookies: readonly string[]): Promise<Principal> {
    let refused: unknown;
    for (const cookie of cookies) {
      try {
        return await this.#ofSession(cookie);
      } catch (error) {
        refused = error;
      }
    }
    throw refused;
  }

  async #ofSession(cookie: string): Promise<Principal> {
    const session = await this.#readSession(cookie);
    if (this.#keys!.revocations.has(session)) {
      throw unauthorized("This session was ended: sign in again");
    }
    const { token: name, expiresAt } = session;
    const { scopes } = this.#options.tokens.find((token) => token.name === name)!;
    return { name, scopes, taskId: null, expiresAt, session };
  }

  /** A session as it was signed, ended or not. */
  async #readSession(cookie: string): Promise<PageSession> {
    const { sessions } = this.#keys!;
    const { sub, jti, expiresAt } = await this.#verify(
      cookie,
      "session",
      (name) => sessions.get(name) ?? null,
    );
    if (!ULID.test(jti)) throw unauthorized("This token is not valid");
    return { id: jti, token: sub, expiresAt };
  }

  async #sign(
    key: CryptoKey,
    use: string,
    claims: { sub: string; jti?: string },
    ms: number,
  ): Promise<string> {
    const now = (this.#options.now ?? Date.now)();
    return await new SignJWT(claims)
      .setProtectedHeader({ alg: "HS256" })
      .setAudience(use)
      .setExpirationTime(Math.ceil((now + ms) / 1000))
      .sign(key);
  }

  async #verify(
    token: string,
    use: string,
    keyOf: (sub: string) => CryptoKey | null,
  ): Promise<{ sub: string; jti: string; expiresAt: number }> {
    try {
      const key = keyOf(decodeJwt(token).sub ?? "");
      if (key === null) throw new TypeError("No key is made for this name");
      const { payload } = await jwtVerify(token, key, {
        algorithms: ["HS256"],
        audience: use,
        requiredClaims: ["sub", "exp"],
        currentDate: new Date((this.#options.now ?? Date.now)()),
      });
      return { sub: payload.sub!, jti: payload.jti ?? "", expiresAt: payload.exp! * 1000 };
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

function principalOf({ name, scopes }: Token): Principal {
  return { ...NOBODY, name, scopes };
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
