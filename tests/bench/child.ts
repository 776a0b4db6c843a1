import { treeUsage } from "./process_tree.ts";

export interface ChildOptions {
  args: string[];
  env?: Record<string, string>;
  cwd?: string;
}

/** Milliseconds that a process may take to stop before it is killed. */
const STOP_MS = 15_000;

const alive = new Set<Deno.ChildProcess>();

/** Kills every child and its descendants at once, when the bench itself is told to stop. */
export function killChildren(): void {
  for (const pid of treeUsage([...alive].map(({ pid }) => pid)).pids) {
    try {
      Deno.kill(pid, "SIGKILL");
    } catch {
      // It has already ended.
    }
  }
}

/** A server process of the bench. The end of its standard error is kept. */
export class Child implements AsyncDisposable {
  #process: Deno.ChildProcess;
  #words = "";
  #listening: Promise<void>;
  #ended = false;

  constructor(command: string, options: ChildOptions) {
    this.#process = new Deno.Command(command, {
      ...options,
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    this.#listening = this.#listen();
    alive.add(this.#process);
    this.#process.status.then(() => {
      this.#ended = true;
      alive.delete(this.#process);
    });
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Whether it has ended. */
  get ended(): boolean {
    return this.#ended;
  }

  /** The end of what it wrote to standard error. */
  get words(): string {
    return this.#words;
  }

  /** Kills it at once, as a power cut would, and waits until it is gone. */
  async kill(): Promise<void> {
    if (!this.#ended) this.#process.kill("SIGKILL");
    await this.#process.status;
    await this.#listening;
  }

  /** Sends SIGTERM, and SIGKILL if it has not stopped after {@link STOP_MS}. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#ended) this.#process.kill("SIGTERM");
    const timer = setTimeout(() => this.#ended || this.#process.kill("SIGKILL"), STOP_MS);
    await this.#process.status;
    clearTimeout(timer);
    await this.#listening;
  }

  async #listen(): Promise<void> {
    for await (const text of this.#process.stderr.pipeThrough(new TextDecoderStream())) {
      this.#words = (this.#words + text).slice(-4000);
    }
  }
}

/** Whether a program is in the `PATH`. */
export async function isInstalled(command: string): Promise<boolean> {
  // Deno adds itself to the PATH as `node` where no node is installed.
  const folders = (Deno.env.get("PATH") ?? "").split(":")
    .filter((folder) => !folder.endsWith("/node_compat_bin"));
  const found = await Promise.all(
    folders.map((folder) =>
      Deno.stat(`${folder}/${command}`).then(({ isFile }) => isFile, () => false)
    ),
  );
  return found.includes(true);
}

/** The names of the programs that are not installed; `undefined` if none is missing. */
export async function missing(commands: readonly string[]): Promise<string | undefined> {
  const absent: string[] = [];
  for (const command of commands) if (!await isInstalled(command)) absent.push(command);
  return absent.length > 0 ? absent.join(" and ") : undefined;
}

/** A port of 127.0.0.1 that was free a moment ago. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/**
 * Resolves as soon as `GET path` is answered with 200.
 *
 * @throws {Error} With the end of the process's standard error, if it ends before, or after 30 s.
 */
export async function answering(child: Child, port: number, path: string): Promise<void> {
  const request = new TextEncoder().encode(
    `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`,
  );
  const buffer = new Uint8Array(4096);
  const deadline = performance.now() + 30_000;
  while (!child.ended && performance.now() < deadline) {
    try {
      using connection = await Deno.connect({ hostname: "127.0.0.1", port });
      await connection.write(request);
      const length = await connection.read(buffer) ?? 0;
      if (new TextDecoder().decode(buffer.subarray(0, length)).startsWith("HTTP/1.1 200")) return;
    } catch {
      // Not listening yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  throw new Error(`Cannot start a server: ${child.words || "no answer within 30 s"}`);
}
