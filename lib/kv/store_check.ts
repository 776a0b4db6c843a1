/**
 * Reads all of a store that was not closed, beside the server that starts on it: so it takes no time
 * of the start and little memory.
 *
 * @module
 */

import { damagedStore } from "./store_file.ts";
import { StoreProcess } from "./store_process.ts";

/** What {@link StoreCheck} takes. */
export interface StoreCheckOptions {
  /** The file. Deno KV has it open, and has repaired what a crash left. `null`: nothing is read. */
  path: string | null;
  /** Milliseconds after which a large store is left as it is. @default {10_000} */
  deadlineMs?: number;
}

/** Milliseconds it may take: a few gigabytes are read by then. */
const DEADLINE_MS = 10_000;

/** See the module. */
export class StoreCheck implements AsyncDisposable {
  /** What is wrong with the store; `null` when nothing was found in time. */
  readonly damage: Promise<string | null>;
  readonly #path: string | null;
  readonly #process: StoreProcess | null;

  /** Begins. */
  constructor({ path, deadlineMs = DEADLINE_MS }: StoreCheckOptions) {
    this.#path = path;
    const process = this.#process = path === null
      ? null
      : new StoreProcess("./quick_check.ts", path, false);
    const timer = setTimeout(() => process?.kill(), deadlineMs);
    this.damage = (process?.said ?? Promise.resolve(null)).then((said) => {
      clearTimeout(timer);
      return said === "ok" ? null : said;
    });
  }

  /**
   * Waits for what a start does, unless the store turns out to be damaged before.
   *
   * @throws {StoreOpenError} If it does.
   */
  async during<T>(work: Promise<T>): Promise<T> {
    const { promise, reject } = Promise.withResolvers<never>();
    void this.damage.then((damage) => {
      if (damage !== null) reject(damagedStore(this.#path!, damage));
    });
    try {
      return await Promise.race([work, promise]);
    } catch (error) {
      // Damage may be what it stumbled over.
      const damage = await this.damage;
      throw damage === null ? error : damagedStore(this.#path!, damage);
    }
  }

  /** Ends it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process?.[Symbol.asyncDispose]();
  }
}
