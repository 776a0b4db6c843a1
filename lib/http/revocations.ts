/**
 * The page's sessions that were ended early: in memory, where each request looks, and in the store,
 * where other processes watch one key and read again when it changes.
 *
 * @module
 */

import { decodeTime, ulid } from "@std/ulid";
import { KeyWatch } from "../kv/key_watch.ts";
import { keys, nameIn } from "../kv/keys.ts";
import { deadline } from "../base/deadline.ts";
import type { Logger } from "../base/log.ts";
import { isRevoked, merged, NONE, type Revoked } from "./revoked.ts";

export interface PageSession {
  /** A ULID. */
  readonly id: string;
  /** The name of the token that it started with. */
  readonly token: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

export interface RevocationsOptions {
  kv: Deno.Kv;
  /** No other process can have this store: there is nothing to watch. */
  alone: boolean;
  log: Logger;
  /** Milliseconds since the epoch. */
  now: () => number;
}

/** Most tries of a write, when other processes write at the same time. */
const TRIES = 20;

/** Milliseconds that a sign-out waits for the store. */
const WRITE_MS = 10_000;

export class Revocations implements AsyncDisposable {
  readonly #options: RevocationsOptions;
  readonly #byToken = new Map<string, Revoked>();
  readonly #listeners = new Map<() => void, PageSession>();
  #watch: KeyWatch | undefined;
  #saving: Promise<void> = Promise.resolve();

  private constructor(options: RevocationsOptions) {
    this.#options = options;
  }

  /** Reads what was ended before. */
  static async open(options: RevocationsOptions): Promise<Revocations> {
    const it = new Revocations(options);
    await it.#read();
    if (options.alone) return it;
    it.#watch = new KeyWatch({
      kv: options.kv,
      key: keys.revokedHead,
      onchange: () => it.#read(),
      failed: "the watch for ended sessions failed and is restarted",
      log: options.log,
    });
    return it;
  }

  /** An id for a session that starts now. */
  newId(token: string): string {
    const { before } = this.#byToken.get(token) ?? NONE;
    // Above the bound, even if that was set by a clock ahead of ours.
    const least = before === "" ? 0 : decodeTime(before) + 1;
    return ulid(Math.max(this.#options.now(), least));
  }

  has({ id, token }: PageSession): boolean {
    const revoked = this.#byToken.get(token);
    return revoked !== undefined && isRevoked(revoked, id);
  }

  /** Calls `listener` when a session is ended, at once if it was. Returns a function that stops that. */
  listen(session: PageSession, listener: () => void): () => void {
    if (this.has(session)) listener();
    else this.#listeners.set(listener, session);
    return () => void this.#listeners.delete(listener);
  }

  /**
   * Ends a session: here at once, and in the store when this resolves; other processes follow soon.
   *
   * @throws {Error} When the store does not take it in time. It may still take it later.
   */
  async end(session: PageSession): Promise<void> {
    const { id, token, expiresAt } = session;
    this.#add(token, { before: "", ids: { [id]: expiresAt } });
    this.#notify();
    // One at a time: the first write stores what all of them end.
    const saving = this.#saving.then(() => this.#save(session));
    this.#saving = saving.catch(() => {});
    await deadline(saving, WRITE_MS, () => {
      throw new Error("The store did not record the end of a session in time");
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#watch?.[Symbol.asyncDispose]();
  }

  async #save({ id, token }: PageSession): Promise<void> {
    const { kv } = this.#options;
    const key = keys.revoked(token);
    for (let tries = 0; tries < TRIES; tries++) {
      const { value, versionstamp } = await kv.get<Revoked>(key);
      if (value && isRevoked(value, id)) return;
      const at = this.#options.now();
      const next = merged(value ?? NONE, this.#byToken.get(token) ?? NONE, at);
      // The session has expired by now.
      if (!isRevoked(next, id)) return;
      // The list can go when everything in it has expired; a bound stays.
      const expireIn = Math.max(...Object.values(next.ids)) - at;
      const { ok } = await kv.atomic()
        .check({ key, versionstamp })
        .set(key, next, next.before === "" ? { expireIn } : {})
        .set(keys.revokedHead, id)
        .commit();
      if (ok) return;
    }
    throw new Error("Other processes kept ending sessions of this token at the same time");
  }

  async #read(): Promise<void> {
    const list = this.#options.kv.list<Revoked>({ prefix: keys.revokeds }, { batchSize: 20 });
    for await (const { key, value } of list) this.#add(nameIn(key), value);
    this.#notify();
  }

  #add(token: string, more: Revoked): void {
    const known = this.#byToken.get(token) ?? NONE;
    this.#byToken.set(token, merged(known, more, this.#options.now()));
  }

  #notify(): void {
    for (const [listener, session] of this.#listeners) {
      if (!this.has(session)) continue;
      this.#listeners.delete(listener);
      listener();
    }
  }
}
