/**
 * Pauses and resumes kinds, for all processes: no task of a paused kind starts.
 *
 * The commit of each claim checks that no kind was paused or resumed since this process last
 * looked, so no claim lands after the commit of a pause, whichever process makes it. `watch()` only
 * saves claims that would fail.
 *
 * @module
 */

import { ulid } from "@std/ulid";
import type { Logger } from "../base/log.ts";
import { type AuditEntry, auditSet } from "../kv/audit.ts";
import { KeyWatch } from "../kv/key_watch.ts";
import { type Key, keys } from "../kv/keys.ts";
import { type Pause, readPausedKinds } from "../kv/paused_kinds.ts";
import type { Store } from "../store/store.ts";
import { decideAgain, stillHeld } from "../store/store_error.ts";

export interface PausesOptions {
  store: Pick<Store, "kv" | "journal" | "now" | "requireStore">;
  log: Logger;
}

/** About the most bytes that a pause takes in the store. */
const SIZE = 2048;

function changed(): [Key, unknown, number] {
  return [keys.pausedHead, ulid(), 32];
}

export class Pauses implements AsyncDisposable {
  /** The paused kinds were read again: some may have been resumed. */
  onchange: (() => void) | undefined;
  readonly #options: PausesOptions;
  #version: string | null | undefined;
  #pauses: ReadonlyMap<string, Pause> = new Map();
  #check: Deno.AtomicCheck = { key: keys.pausedHead, versionstamp: null };
  #reading: Promise<void> | undefined;
  #watch: KeyWatch | undefined;

  private constructor(options: PausesOptions) {
    this.#options = options;
  }

  static async open(options: PausesOptions): Promise<Pauses> {
    const pauses = new Pauses(options);
    await pauses.read();
    pauses.#watch = new KeyWatch({
      kv: options.store.kv,
      key: keys.pausedHead,
      onchange: () => pauses.read(),
      failed: "the watch for paused kinds failed and is restarted",
      log: options.log,
    });
    return pauses;
  }

  /** The pause of a kind, as far as this process knows: see {@link Pauses.check}. */
  get(kind: string): Pause | undefined {
    return this.#pauses.get(kind);
  }

  /** The paused kinds, as far as this process knows. */
  get kinds(): Iterable<string> {
    return this.#pauses.keys();
  }

  /** Holds while what this process knows is up to date; the same object until a change is read. */
  get check(): Deno.AtomicCheck {
    return this.#check;
  }

  /** Reads the paused kinds; when it resolves, everything committed before the call is known. */
  async read(): Promise<void> {
    while (this.#reading) await this.#reading;
    this.#reading = this.#read().finally(() => this.#reading = undefined);
    await this.#reading;
  }

  /**
   * Lets no more tasks of a kind start. If the kind is paused already, only the reason and who gave it
   * change.
   *
   * @throws {StoreError} If the store does not take it.
   */
  async pause(kind: string, { by, reason }: Omit<Pause, "since">): Promise<Pause> {
    const { now } = this.#options.store;
    const told = { action: "pause", by, ...(reason === null ? {} : { reason }) };
    const change = (was: Pause | null) => ({ since: was?.since ?? now(), by, reason });
    return await this.#change(kind, change, told) as Pause;
  }

  /** Lets tasks of a kind start again. @throws {StoreError} If the store does not take it. */
  async resume(kind: string, by: string): Promise<void> {
    await this.#change(kind, () => null, { action: "resume", by });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#watch?.[Symbol.asyncDispose]();
    await this.#reading?.catch(() => {});
  }

  async #change(
    kind: string,
    change: (was: Pause | null) => Pause | null,
    told: Omit<AuditEntry, "at">,
  ): Promise<Pause | null> {
    const { store } = this.#options;
    store.requireStore();
    const key = keys.pausedKind(kind);
    const { pause } = await decideAgain(async () => {
      const { value, versionstamp } = await store.kv.get<Pause>(key);
      const pause = change(value);
      if (pause === null && value === null) return { pause };
      const at = new Date(store.now()).toISOString();
      const changes = [changed(), auditSet(kind, { ...told, at })];
      const held = await stillHeld(store.journal.write({
        checks: [{ key, versionstamp }],
        sets: pause ? [[key, pause, SIZE], ...changes] : changes,
        deletes: pause ? [] : [key],
      }));
      if (!held) return undefined;
      await this.read();
      return { pause };
    });
    return pause;
  }

  async #read(): Promise<void> {
    const read = await readPausedKinds(this.#options.store.kv, this.#version);
    if (!read) return;
    const { version, pauses } = read;
    this.#version = version;
    this.#pauses = pauses;
    this.#check = { key: keys.pausedHead, versionstamp: version };
    this.onchange?.();
  }
}
