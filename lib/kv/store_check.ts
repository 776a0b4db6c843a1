/**
 * Reads all of a store that was not closed, beside the server that starts on it, in a process of its
 * own: so it takes no time of the start and little memory, and can be ended.
 *
 * @module
 */

import { damagedStore } from "./store_file.ts";
import { denoCommand } from "../base/deno_command.ts";

/** What {@link StoreCheck} takes. */
export interface StoreCheckOptions {
  /** The file. Deno KV has it open, and has made good what a crash left. */
  path: string;
  /** Milliseconds after which a large store is left as it is. @default {10_000} */
  deadlineMs?: number;
}

/** Milliseconds it may take: a few gigabytes are read by then. */
const DEADLINE_MS = 10_000;

/** See the module. */
export class StoreCheck implements AsyncDisposable {
  /** What is wrong with the store; `null` when nothing was found in time. */
  readonly damage: Promise<string | null>;
  readonly #path: string;
  readonly #child: Deno.ChildProcess | null;

  /** Begins. */
  constructor({ path, deadlineMs = DEADLINE_MS }: StoreCheckOptions) {
    this.#path = path;
    this.#child = spawn(path);
    this.damage = this.#read(deadlineMs);
  }

  /**
   * Waits for what a start does, unless the store turns out to be damaged before.
   *
   * @throws {StoreOpenError} If it does.
   */
  async during<T>(work: Promise<T>): Promise<T> {
    const { promise, reject } = Promise.withResolvers<never>();
    void this.damage.then((damage) => {
      if (damage !== null) reject(damagedStore(this.#path, damage));
    });
    try {
      return await Promise.race([work, promise]);
    } catch (error) {
      // Damage may be what it stumbled over.
      const damage = await this.damage;
      throw damage === null ? error : damagedStore(this.#path, damage);
    }
  }

  /** Ends it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#kill();
    await this.damage;
  }

  async #read(deadlineMs: number): Promise<string | null> {
    if (this.#child === null) return null;
    const timer = setTimeout(() => this.#kill(), deadlineMs);
    const { success, stdout } = await this.#child.output();
    clearTimeout(timer);
    const said = new TextDecoder().decode(stdout).trim().replace(/\s+/g, " ");
    return success && said !== "ok" ? said : null;
  }

  #kill(): void {
    try {
      this.#child?.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
  }
}

/** `null` where no process may or can be started: a check is not worth a start. */
function spawn(path: string): Deno.ChildProcess | null {
  try {
    return new Deno.Command(denoCommand(), {
      args: [
        "run",
        "--quiet",
        "--no-prompt",
        "--no-config",
        "--no-lock",
        `--allow-read=${path}`,
        new URL("./quick_check.ts", import.meta.url).href,
        path,
      ],
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
  } catch {
    return null;
  }
}
