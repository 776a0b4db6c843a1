/**
 * A process's session: the lease under which it writes. Every commit checks it, so that a process
 * that was declared dead writes nothing more.
 *
 * @module
 */

import type { Journal } from "../store/journal.ts";
import { keys } from "../kv/keys.ts";
import type { SessionInfo } from "../kv/sessions.ts";
import type { Part, Write, WriteResult } from "../store/write.ts";

export class Session implements Write, Disposable {
  /** The session's id, which names the process. */
  readonly sid: string;
  /** After other writes a renewal could come too late. */
  readonly urgent = true;
  readonly #info: SessionInfo;
  readonly #leaseMs: number;
  readonly #now: () => number;
  #versionstamp: string;
  #unfolded: () => string | null = () => null;
  #timer: ReturnType<typeof setInterval> | undefined;

  private constructor(
    sid: string,
    info: SessionInfo,
    leaseMs: number,
    now: () => number,
    versionstamp: string,
  ) {
    this.sid = sid;
    this.#info = info;
    this.#leaseMs = leaseMs;
    this.#now = now;
    this.#versionstamp = versionstamp;
  }

  /** Registers a session. It lapses `leaseMs` after its last renewal. */
  static async open(
    kv: Deno.Kv,
    sid: string,
    info: SessionInfo,
    leaseMs: number,
    now: () => number = Date.now,
  ): Promise<Session> {
    // This process has written nothing yet, so nothing of it is unfolded.
    const { versionstamp } = await kv.set(keys.session(sid), { ...info, unfolded: null });
    return new Session(sid, info, leaseMs, now, versionstamp);
  }

  /** The check that each commit includes. */
  check(): Deno.AtomicCheck {
    return { key: keys.session(this.sid), versionstamp: this.#versionstamp };
  }

  /**
   * Renews the lease every third of it, through the journal, so that a hanging store renews nothing.
   * `unfolded` returns the oldest journal entry that is not folded, or any older one.
   */
  keep(journal: Journal, unfolded: () => string): void {
    this.#unfolded = unfolded;
    this.#timer = setInterval(() => journal.touch(this), this.#leaseMs / 3);
  }

  render(): Part {
    const renewed_at = new Date(this.#now()).toISOString();
    const info = { ...this.#info, renewed_at, unfolded: this.#unfolded() };
    return { sets: [[keys.session(this.sid), info, 256]] };
  }

  onresult(result: WriteResult): void {
    if (result.ok) this.#versionstamp = result.versionstamp;
  }

  /**
   * The key has another versionstamp than we know: the store's client lost the answer to a renewal and
   * repeated it. Nobody else writes this key, and a reaper only removes it.
   */
  renewed(versionstamp: string): void {
    this.#versionstamp = versionstamp;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
