/**
 * Reads all of a store that was not closed properly, in a process of its own, to check it. It first
 * waits until the server should have started, so as not to slow that down, and uses little memory.
 *
 * @module
 */

import { damagedStore } from "./store_file.ts";
import { StoreProcess } from "./store_process.ts";

export interface StoreCheckOptions {
  /** The file, which Deno KV has open and has recovered after a crash; `null` to check nothing. */
  path: string | null;
  /** Milliseconds until the check begins; it begins at once if something fails. @default {2000} */
  afterMs?: number;
  /** Milliseconds after which the check of a large store is given up. @default {10_000} */
  deadlineMs?: number;
}

/** Milliseconds within which a server starts if nothing is wrong. */
const START_MS = 2000;

/** Milliseconds that a check may take: enough to read a few gigabytes. */
const DEADLINE_MS = 10_000;

export class StoreCheck implements AsyncDisposable {
  /** What is wrong with the store; `null` when nothing was found in time. */
  readonly damage: Promise<string | null>;
  readonly #options: StoreCheckOptions;
  readonly #begun = Promise.withResolvers<StoreProcess | null>();
  #over = false;
  readonly #waiting: ReturnType<typeof setTimeout>;

  constructor(options: StoreCheckOptions) {
    this.#options = options;
    this.#waiting = setTimeout(() => this.#begin(), options.afterMs ?? START_MS);
    if (options.path === null) this.#begin();
    this.damage = this.#read();
  }

  /**
   * Waits for a step of the start, and fails early if the store turns out to be damaged.
   *
   * @throws {StoreOpenError} If the store is damaged.
   */
  async during<T>(work: Promise<T>): Promise<T> {
    const { promise, reject } = Promise.withResolvers<never>();
    void this.damage.then((damage) => {
      if (damage !== null) reject(damagedStore(this.#options.path!, damage));
    });
    try {
      return await Promise.race([work, promise]);
    } catch (error) {
      // Damage may be the cause.
      this.#begin();
      const damage = await this.damage;
      throw damage === null ? error : damagedStore(this.#options.path!, damage);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#waiting);
    this.#over = true;
    // This changes nothing if the check has begun.
    this.#begun.resolve(null);
    (await this.#begun.promise)?.kill();
    await this.damage;
  }

  #begin(): void {
    clearTimeout(this.#waiting);
    if (this.#over) return;
    this.#over = true;
    const { path } = this.#options;
    this.#begun.resolve(path === null ? null : new StoreProcess("./quick_check.ts", path, false));
  }

  async #read(): Promise<string | null> {
    const process = await this.#begun.promise;
    if (process === null) return null;
    const deadline = setTimeout(() => process.kill(), this.#options.deadlineMs ?? DEADLINE_MS);
    const said = await process.said;
    clearTimeout(deadline);
    return said === "ok" ? null : said;
  }
}
