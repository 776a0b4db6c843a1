/**
 * A process that works on the SQLite file of the store beside Deno KV: it holds nothing up, and can
 * be ended at any moment.
 *
 * @module
 */

import { denoCommand } from "../base/deno_command.ts";

/** Disposing of it ends it. */
export class StoreProcess implements AsyncDisposable {
  /** What it printed; `null` when it failed, was ended, or could not be started. */
  readonly said: Promise<string | null>;
  readonly #child: Deno.ChildProcess | null;

  /**
   * Starts it.
   *
   * @param program A module beside this one, called with the file.
   * @param path The file.
   * @param writes Whether it may write there.
   */
  constructor(program: string, path: string, writes: boolean) {
    this.#child = spawn(program, path, writes);
    this.said = this.#read();
  }

  kill(): void {
    try {
      this.#child?.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
  }

  /** Ends it, and waits until it has. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.kill();
    await this.said;
  }

  async #read(): Promise<string | null> {
    if (this.#child === null) return null;
    const { success, stdout } = await this.#child.output();
    return success ? new TextDecoder().decode(stdout).trim().replace(/\s+/g, " ") : null;
  }
}

/** `null` if no process may or can be started: the server does without it. */
function spawn(program: string, path: string, writes: boolean): Deno.ChildProcess | null {
  try {
    return new Deno.Command(denoCommand(), {
      args: [
        "run",
        "--quiet",
        "--no-prompt",
        "--no-config",
        "--no-lock",
        `--allow-read=${path}`,
        ...writes ? [`--allow-write=${path}`] : [],
        new URL(program, import.meta.url).href,
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
