/**
 * Finds out who sends a request: by the operator's tokens, the page's sessions, and short-lived
 * signed tokens for one task or for the tasks of an owner.
 *
 * @module
 */

import { Guesses } from "./guesses.ts";
import { ULID } from "../task/ulid.ts";
import type { Logger } from "../base/log.ts";
import { type PageSession, Revocations } from "./revocations.ts";
import { SessionCookie } from "./session_cookie.ts";
import { ANYBODY, NOBODY, type Principal, unauthorized } from "./principal.ts";
import { askLogin, type Authorize } from "./authorize.ts";
import { signToken, type Subject, verifyToken } from "./signed_token.ts";
import { openSigningKeys, type SigningKeys } from "./signing_keys.ts";
import { TaskTokens } from "./task_tokens.ts";
import { type Can, digestOf, findToken, type Token } from "./tokens.ts";

const SIGNED = /^eyJ[\w-]+\.eyJ[\w-]+\.[\w-]*$/;

export interface AuthOptions {
  /** Holds the secret that all processes share. */
  kv: Deno.Kv;
  /** No other process can have this store open. */
  alone: boolean;
  /** The operator's tokens. Without any, everybody may do everything. */
  tokens: readonly Token[];
  /** The login of the program that Headway is part of, in place of tokens. */
  authorize?: Authorize | undefined;
  /** Milliseconds that this login may take. @default {10_000} */
  authorizeMs?: number | undefined;
  /** Milliseconds that a signed token for tasks is valid. */
  taskTokenMs: number;
  /** Milliseconds that a session of the page lasts. */
  sessionMs: number;
  log: Logger;
  /** Milliseconds since the epoch. @default {Date.now} */
  now?: () => number;
}

/** What a request shows of who sent it. */
export interface Credentials {
  authorization: string | null;
  /** `?token=`, on routes that take it: signed tokens, separated by commas. */
  query: string | null;
  /** From {@link SessionCookie.read}. */
  sessions: readonly string[];
  /** The whole request, for the program's own login. */
  request: Request;
}

interface Keys {
  readonly tasks: TaskTokens;
  /** Sign sessions, by the name of the operator's token. */
  readonly sessions: SigningKeys["sessions"];
  readonly revocations: Revocations;
}

export class Auth implements AsyncDisposable {
  readonly cookie: SessionCookie;
  readonly #options: AuthOptions;
  readonly #keys: Keys | null;
  readonly #guesses = new Guesses();

  private constructor(options: AuthOptions, cookie: SessionCookie, keys: Keys | null) {
    this.#options = options;
    this.cookie = cookie;
    this.#keys = keys;
  }

  /** Reads the secret that signs, or makes it; if there are no tokens, none is needed. */
  static async open(options: AuthOptions): Promise<Auth> {
    const { kv, tokens, authorize, now = Date.now } = options;
    if (tokens.length === 0 && !authorize) {
      return new Auth(options, new SessionCookie("open"), null);
    }
    const keys = await openSigningKeys(kv, tokens);
    const tasks = new TaskTokens({ keys, lifeMs: options.taskTokenMs, now });
    const revocations = await Revocations.open({ ...options, now });
    const { sessions } = keys;
    return new Auth(options, new SessionCookie(keys.cookie), { tasks, sessions, revocations });
  }

  get required(): boolean {
    return this.#keys !== null;
  }

  /** Whether people sign in with the program that Headway is part of. */
  get elsewhere(): boolean {
    return this.#options.authorize !== undefined;
  }

  /**
   * Says who sent a request. The first credential counts: header, then query, then cookie.
   *
   * @param client The client's address.
   * @returns `null` for a request without credentials.
   * @throws {HttpError} 401 when a credential is not valid or has expired; 429 after too many wrong
   *   tokens.
   */
  async authenticate(shown: Credentials, client = ""): Promise<Principal | null> {
    if (!this.required) return ANYBODY;
    const { authorization, query } = shown;
    if (this.elsewhere) return await this.#ofElsewhere(shown);
    if (authorization !== null) {
      const token = bearerOf(authorization);
      if (token === undefined) throw unauthorized("'Authorization' must be 'Bearer' and a token");
      return await this.#ofHeader(token, client);
    }
    // Never an operator's token: addresses end up in logs and histories.
    if (query !== null) return await this.#keys!.tasks.read(query.split(","));
    return shown.sessions.length === 0 ? null : await this.#ofSessions(shown.sessions);
  }

  /** A token that may read one task; `null` when no token is needed. */
  async taskToken(id: string): Promise<string | null> {
    return (await this.signFor({ task: id }, ["read"]))?.token ?? null;
  }

  /** A token that may do these things with some tasks; `null` when no token is needed. */
  async signFor(
    subject: Subject,
    can: readonly Can[],
  ): Promise<{ token: string; expiresAt: number } | null> {
    return await this.#keys?.tasks.sign(subject, can) ?? null;
  }

  /**
   * Starts a session of the page.
   *
   * @returns What the cookie holds: not the token, and useless once the operator removes the token.
   * @throws {HttpError} 401 when the operator has no such token.
   */
  async signIn(secret: string): Promise<{ cookie: string; principal: Principal; ms: number }> {
    const principal = this.#ofToken(secret);
    if (principal === null) throw unauthorized("There is no such token");
    const { sessions, revocations } = this.#keys!;
    const { name } = principal;
    const ms = this.#options.sessionMs;
    const claims = { sub: name, jti: revocations.newId(name) };
    const until = this.#now() + ms;
    const { token: cookie } = await signToken(sessions.get(name)!, "session", claims, until);
    return { cookie, principal, ms };
  }

  /**
   * Ends sessions of the page and their streams: here at once, in other processes as soon as they
   * hear of it. Ignores cookies that hold no session of this store.
   *
   * @throws {Error} When the store did not take it: then a restart may bring the sessions back.
   */
  async signOut(cookies: readonly string[]): Promise<void> {
    if (this.#keys === null) return;
    const { revocations } = this.#keys;
    const read = await Promise.allSettled(cookies.map((cookie) => this.#readSession(cookie)));
    const sessions = read.flatMap((it) => it.status === "fulfilled" ? [it.value] : []);
    await Promise.all(sessions.map((session) => revocations.end(session)));
  }

  /** Calls `listener` when the principal's session is ended. Returns a function that stops that. */
  onSignOut({ session }: Principal, listener: () => void): () => void {
    if (session === null) return () => {};
    return this.#keys!.revocations.listen(session, listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#keys?.revocations[Symbol.asyncDispose]();
  }

  /** The program's login comes first: the Authorization header may be its own. */
  async #ofElsewhere({ request, query, authorization }: Credentials): Promise<Principal | null> {
    if (query !== null) return await this.#keys!.tasks.read(query.split(","));
    const { authorize, authorizeMs } = this.#options;
    const principal = await askLogin(authorize!, request, authorizeMs);
    const token = bearerOf(authorization ?? "");
    if (principal !== null || token === undefined) return principal;
    return await this.#keys!.tasks.read([token]);
  }

  #now(): number {
    return (this.#options.now ?? Date.now)();
  }

  /** Reads an operator's token, which somebody may try to guess, or a signed one. */
  async #ofHeader(secret: string, client: string): Promise<Principal> {
    const token = findToken(this.#options.tokens, digestOf(secret));
    if (token) {
      this.#guesses.right(client, token);
      return principalOf(token);
    }
    // A signature cannot be guessed.
    if (!SIGNED.test(secret)) this.#guesses.wrong(client);
    return await this.#keys!.tasks.read([secret]);
  }

  #ofToken(secret: string): Principal | null {
    const token = findToken(this.#options.tokens, digestOf(secret));
    return token && principalOf(token);
  }

  /** One valid session is enough: other cookies may be old, or planted. */
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
    const token = this.#options.tokens.find((token) => token.name === name)!;
    return { ...principalOf(token), expiresAt, session };
  }

  /** Reads a session whether it was ended or not. */
  async #readSession(cookie: string): Promise<PageSession> {
    const { sessions } = this.#keys!;
    const keyOf = (name: string) => sessions.get(name) ?? null;
    const { sub, jti, expiresAt } = await verifyToken(cookie, "session", keyOf, this.#now());
    if (!ULID.test(jti)) throw unauthorized("This token is not valid");
    return { id: jti, token: sub, expiresAt };
  }
}

function bearerOf(authorization: string): string | undefined {
  return /^Bearer +(\S+) *$/i.exec(authorization)?.[1];
}

function principalOf({ name, scopes, owner }: Token): Principal {
  return { ...NOBODY, name, scopes, owner: owner ?? null };
}
