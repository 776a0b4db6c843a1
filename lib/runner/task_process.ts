/**
 * A task process, seen from the server: started, spoken to, killed. Also the same executor run
 * inline, for where processes cannot be started.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import type { Duplex } from "node:stream";
import { Channel, CHANNEL_FD } from "../child/channel.ts";
import { currentRun } from "../child/current_run.ts";
import { Executor } from "../child/executor.ts";
import { denoCommand } from "../base/deno_command.ts";
import { deadline } from "../base/deadline.ts";
import { checkFromTasks } from "../child/from_tasks.ts";
import type { Logger } from "../base/log.ts";
import { readPrinted } from "./printed_lines.ts";
import type { FromTasks, ToTasks } from "../child/protocol.ts";
import type { AnyTask } from "../task/define.ts";

/** Where runs are driven. */
export interface TaskProcess {
  /** Sends a message. */
  send(message: ToTasks): void;
  /** Sends an upload's bytes; resolves when they are on their way. */
  sendBytes(request: number, bytes: Uint8Array): Promise<void>;
  /** Ends it at once, whatever it does. Resolves when it has ended. */
  kill(): Promise<void>;
  /** Lets it end by itself: it has nothing to do any more. */
  close(): Promise<void>;
  /** The process's id; `null` inline. */
  readonly pid: number | null;
}

/** What a host tells. */
export interface TaskProcessEvents {
  /** A message came. What this throws is what the process did wrong: it is killed. */
  onmessage(message: FromTasks): void;
  /** A line that it printed; `run` is `null` where it does not say whose it is. */
  onprinted(line: string, run: number | null): void;
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

/** Milliseconds for what a process said before it ended; its own programs may live on. */
const LINGER_MS = 1000;

/** Milliseconds that one gets to end by itself. */
const CLOSE_MS = 5000;

/** Starts a task process. One that cannot be started has ended a moment later. */
export function startTaskProcess(
  options: TaskProcessOptions,
  events: TaskProcessEvents,
): TaskProcess {
  const child = start(options);
  const line = child.stdio[CHANNEL_FD] as Duplex | undefined;
  if (child.pid !== undefined && line) return hostOf(child, child.pid, line, options.log, events);
  // No memory, or too many processes: soon there may be room.
  let timer: ReturnType<typeof setTimeout> | undefined;
  let closed = false;
  child.on("error", (error) => {
    const told = () => events.onexit(`it could not be started: ${error}`);
    if (!closed) timer = setTimeout(told, FAILED_MS);
  });
  const end = () => {
    closed = true;
    return Promise.resolve(clearTimeout(timer));
  };
  return { pid: null, send() {}, sendBytes: () => Promise.resolve(), kill: end, close: end };
}

/** Node's way to start a process: it makes a line for the two beside stdin, stdout and stderr. */
function start({ modules, permissions, env }: TaskProcessOptions): ChildProcess {
  const args = [
    "run",
    "--quiet",
    "--no-prompt",
    `--config=${new URL("../../deno.json", import.meta.url).pathname}`,
    ...permissions,
    `data:text/javascript,${encodeURIComponent(program(modules))}`,
  ];
  return spawn(denoCommand(), args, { env, stdio: ["ignore", "pipe", "pipe", "pipe"] });
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

function hostOf(
  child: ChildProcess,
  pid: number,
  line: Duplex,
  log: Logger,
  events: TaskProcessEvents,
): TaskProcess {
  let ended = false;
  let owesAck = false;
  const channel = new Channel<FromTasks, ToTasks>(line, (frame) => {
    if (!("message" in frame)) throw new SyntaxError("Bytes go only to tasks");
    const message = checkFromTasks(frame.message);
    if (message.type === "batch") {
      if (owesAck) throw new SyntaxError("The next batch goes after the answer to the last");
      owesAck = true;
    }
    if (!ended) events.onmessage(message);
  });
  const kill = () => child.kill("SIGKILL");
  let gone = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const killIn = (ms: number) => {
    if (!gone) timer ??= setTimeout(kill, ms);
  };
  // When the line has ended nobody can speak with it: it is about to end, or must.
  const said = channel.ended.then(() => killIn(LINGER_MS), (error) => {
    log.error("a task process spoke nonsense and is killed", { pid, error });
    kill();
  });
  const read = [child.stdout!, child.stderr!].map((stream) =>
    readPrinted(stream, {
      online: (line, run) => events.onprinted(line, run),
      onleftout: (bytes) => log.warn("much was printed by a task and left out", { pid, bytes }),
    }).catch(() => {})
  );
  const exited = new Promise<string>((resolve) => {
    child.once("exit", (code, signal) => resolve(signal ?? `exit code ${code}`));
  }).then(async (status) => {
    gone = true;
    clearTimeout(timer);
    await deadline(Promise.all([said, ...read]), LINGER_MS, () => {});
    channel.destroy();
    child.stdout!.destroy();
    child.stderr!.destroy();
    if (!ended) events.onexit(status);
    ended = true;
  });
  return {
    pid,
    send(message) {
      if (message.type === "ack") owesAck = false;
      channel.send(message);
    },
    sendBytes: (request, bytes) => channel.sendBytes(request, bytes),
    kill() {
      ended = true;
      kill();
      return exited;
    },
    close() {
      ended = true;
      channel.end();
      killIn(CLOSE_MS);
      return exited;
    },
  };
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
  // The server's own code is of no run, though a run's code has it called.
  const later = (action: () => void) =>
    currentRun.exit(() => queueMicrotask(() => ended || action()));
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
    sendBytes(request, bytes) {
      later(() => executor.receiveBytes(request, bytes));
      return Promise.resolve();
    },
    kill: close,
    close,
  };
}
