/**
 * A task process, seen from the server: started, spoken to, killed. Also the same executor run
 * inline, for where processes cannot be started.
 *
 * @module
 */

import { Executor } from "../child/executor.ts";
import { denoCommand } from "../base/deno_command.ts";
import type { Logger } from "../base/log.ts";
import { concat } from "../base/bytes.ts";
import {
  encodeBytesFrame,
  encodeFrame,
  FrameDecoder,
  type FromTasks,
  type ToTasks,
} from "../child/protocol.ts";
import type { AnyTask } from "../task/define.ts";

/** Where runs are driven. */
export interface TaskProcess {
  /** Sends a message. */
  send(message: ToTasks): void;
  /** Sends an upload's bytes. */
  sendBytes(request: number, bytes: Uint8Array): void;
  /** Ends it at once, whatever it does. Resolves when it has ended. */
  kill(): Promise<void>;
  /** Lets it end by itself: it has nothing to do any more. */
  close(): Promise<void>;
  /** The process's id; `null` inline. */
  readonly pid: number | null;
}

/** What a host tells. */
export interface TaskProcessEvents {
  /** A message came. */
  onmessage(message: FromTasks): void;
  /** It ended; not called after `kill()` or `close()`. */
  onexit(status: string): void;
}

/** How task processes are started. */
export interface TaskProcessOptions {
  /** Modules of kinds, as URLs. */
  modules: readonly string[];
  /** Deno permission flags. */
  permissions: readonly string[];
  /** Environment variables. */
  env: Record<string, string>;
  /** Where what tasks print goes. */
  log: Logger;
}

/** Milliseconds before one that could not be started is told to have ended. */
const FAILED_MS = 1000;

/** Starts a task process. One that cannot be started has ended a moment later. */
export function startTaskProcess(
  options: TaskProcessOptions,
  events: TaskProcessEvents,
): TaskProcess {
  try {
    return hostOf(spawn(options), options.log, events);
  } catch (error) {
    // No memory, or too many processes: soon there may be room.
    const told = () => events.onexit(`it could not be started: ${error}`);
    const timer = setTimeout(told, FAILED_MS);
    const end = () => Promise.resolve(clearTimeout(timer));
    return { pid: null, send() {}, sendBytes() {}, kill: end, close: end };
  }
}

function spawn({ modules, permissions, env }: TaskProcessOptions): Deno.ChildProcess {
  return new Deno.Command(denoCommand(), {
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      `--config=${new URL("../../deno.json", import.meta.url).pathname}`,
      ...permissions,
      `data:text/javascript,${encodeURIComponent(program(modules))}`,
    ],
    clearEnv: true,
    env,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/**
 * The main module of a task process. What it imports by name is loaded whatever the process may
 * read; to import it later would take the permission to read the file.
 */
function program(modules: readonly string[]): string {
  const child = new URL("../child/main.ts", import.meta.url).href;
  const imports = modules.map((url, n) => `import * as kinds${n} from ${JSON.stringify(url)};`);
  const entries = modules.map((url, n) => `[${JSON.stringify(url)}, kinds${n}]`);
  return `import { main } from ${JSON.stringify(child)};
${imports.join("\n")}
await main(new Map([${entries.join()}]));`;
}

function hostOf(child: Deno.ChildProcess, log: Logger, events: TaskProcessEvents): TaskProcess {
  let ended = false;
  const writer = child.stdin.getWriter();
  let gathered: Uint8Array[] = [];
  let writing = false;
  /** What is said while a write is under way goes out as one. */
  const write = async (frame: Uint8Array) => {
    gathered.push(frame);
    if (writing) return;
    writing = true;
    // So does what is said in one moment, as the starts of all tasks that one commit claimed.
    await Promise.resolve();
    while (gathered.length > 0) {
      const bytes = concat(gathered);
      gathered = [];
      // When it is no more, `exited` tells.
      await writer.write(bytes).catch(() => {});
    }
    writing = false;
  };
  const pid = child.pid;

  const reading = readFrames(child.stdout, (message) => {
    if (!ended) events.onmessage(message);
  }).catch((error) => {
    log.error("a task process spoke nonsense and is killed", { pid, error });
    tryKill(child);
  });
  const printing = readLines(child.stderr, (line) => log.info("printed by a task", { pid, line }));
  const exited = Promise.all([child.status, reading, printing]).then(async ([status]) => {
    if (!ended) events.onexit(status.signal ?? `exit code ${status.code}`);
    ended = true;
    // Its stdin outlives it, as a file descriptor of this process.
    await writer.abort().catch(() => {});
  });
  return {
    pid,
    send: (message) => void write(encodeFrame(message)),
    sendBytes: (request, bytes) => void write(encodeBytesFrame(request, bytes)),
    kill() {
      ended = true;
      tryKill(child);
      return exited;
    },
    async close() {
      ended = true;
      await writer.close().catch(() => {});
      await exited;
    },
  };
}

function tryKill(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch {
    // It has ended by itself.
  }
}

async function readFrames(
  stream: ReadableStream<Uint8Array>,
  take: (message: FromTasks) => void,
): Promise<void> {
  const decoder = new FrameDecoder<FromTasks>();
  for await (const chunk of stream) {
    for (const frame of decoder.push(chunk)) if ("message" in frame) take(frame.message);
  }
}

/** Characters of a printed line that are kept. */
const MAX_LINE = 8192;

async function readLines(
  stream: ReadableStream<Uint8Array>,
  take: (line: string) => void,
): Promise<void> {
  let rest = "";
  for await (
    const text of stream.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>)
  ) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!.slice(-MAX_LINE);
    for (const line of lines) if (line !== "") take(line.slice(0, MAX_LINE));
  }
  if (rest !== "") take(rest);
}

/**
 * Runs the executor in this very process. A task that never yields stalls it, and cannot be killed:
 * for where there are no processes, and for tests.
 */
export function startInline(
  kinds: ReadonlyMap<string, AnyTask>,
  events: TaskProcessEvents,
): TaskProcess {
  let ended = false;
  const later = (action: () => void) => queueMicrotask(() => ended || action());
  const executor = new Executor({
    kinds,
    send: (message) => later(() => events.onmessage(message)),
  });
  later(() => events.onmessage({ type: "ready", kinds: [...kinds.keys()] }));
  const close = () => {
    ended = true;
    executor.stopAll();
    return Promise.resolve();
  };
  return {
    pid: null,
    send: (message) => later(() => executor.receive(message)),
    sendBytes: (request, bytes) => later(() => executor.receiveBytes(request, bytes)),
    kill: close,
    close,
  };
}
