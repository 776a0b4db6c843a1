/**
 * A task process, seen from the server: starts it, sends it messages and kills it. Where processes
 * cannot be started, the same executor runs inline.
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
import { collectKinds, errorHookIn, loadFailure } from "../child/load_kinds.ts";
import { describeTasks } from "../task/kind.ts";

/** Where runs are driven. */
export interface TaskProcess {
  send(message: ToTasks): void;
  /** Sends an upload's bytes; resolves when they are on their way. */
  sendBytes(request: number, bytes: Uint8Array): Promise<void>;
  /** Ends it at once, whatever it does. Resolves when it has ended. */
  kill(): Promise<void>;
  /** Lets it end by itself: it has nothing to do any more. */
  close(): Promise<void>;
  /** The process's id; `null` inline. */
  readonly pid: number | null;
  /** Whether it has spans that only it can send, at its end. */
  readonly traces: boolean;
}

export interface TaskProcessEvents {
  /** A message came. What this throws is what the process did wrong: it is killed. */
  onmessage(message: FromTasks): void;
  /** A line that it printed; `run` is `null` where it does not say whose it is. */
  onprinted(line: string, run: number | null): void;
  /** It ended; not called after `kill()` or `close()`. `said` is what it printed before it was ready. */
  onexit(status: string, said: string): void;
}

/** A module of kinds, as task processes load it. */
export interface KindsModule {
  readonly url: string;
  /** What people call it. */
  readonly name: string;
  /** Flags of Deno that give it its project's configuration. */
  readonly flags: readonly string[];
  /** The `deno.json` of its project, if it has one. */
  readonly config: string | null;
  /** What it exports, where that is given as values: these run in the server's process. */
  readonly exports?: Readonly<Record<string, unknown>>;
}

export interface TaskProcessOptions {
  module: KindsModule;
  /** Deno permission flags. */
  permissions: readonly string[];
  env: Record<string, string>;
  log: Logger;
}

/** Milliseconds before one that could not be started is told to have ended. */
const FAILED_MS = 1000;

/** Milliseconds for what a process said before it ended; its own programs may live on. */
const LINGER_MS = 1000;

/** Milliseconds that one gets to end by itself. */
const CLOSE_MS = 5000;

/** Lines that are kept of what one prints before it is ready, the last ones. */
const EARLY_LINES = 100;

/** Starts a task process. One that cannot be started has ended a moment later. */
export function startTaskProcess(
  options: TaskProcessOptions,
  events: TaskProcessEvents,
): TaskProcess {
  const child = start(options);
  const line = child.stdio[CHANNEL_FD] as Duplex | undefined;
  if (child.pid !== undefined && line) {
    return taskProcessOf(child, child.pid, line, options, events);
  }
  // No memory, or too many processes: soon there may be room.
  let timer: ReturnType<typeof setTimeout> | undefined;
  let closed = false;
  child.on("error", (error) => {
    const told = () => events.onexit(`it could not be started: ${error}`, "");
    if (!closed) timer = setTimeout(told, FAILED_MS);
  });
  const end = () => {
    closed = true;
    return Promise.resolve(clearTimeout(timer));
  };
  const sendBytes = () => Promise.resolve();
  return { pid: null, traces: false, send() {}, sendBytes, kill: end, close: end };
}

/** Node's way to start a process: it makes a line for the two beside stdin, stdout and stderr. */
function start({ module, permissions, env }: TaskProcessOptions): ChildProcess {
  const args = [
    "run",
    "--quiet",
    "--no-prompt",
    ...module.flags,
    // To a Deno without any, Node's spawn() gives all permissions.
    ...(permissions.length > 0 ? permissions : ["--deny-net"]),
    `data:text/javascript,${encodeURIComponent(program(module))}`,
  ];
  return spawn(denoCommand(), args, { env, stdio: ["ignore", "pipe", "pipe", "pipe"] });
}

/**
 * The main module of a task process. What it imports by a literal name is loaded whatever the process
 * may read; a name that is only known later would take the permission to read the file.
 */
function program({ url, name }: KindsModule): string {
  const child = new URL("../child/main.ts", import.meta.url).href;
  return `import { main, prepared } from ${JSON.stringify(child)};
await prepared;
await main(${JSON.stringify(name)}, () => import(${JSON.stringify(url)}));`;
}

function taskProcessOf(
  child: ChildProcess,
  pid: number,
  line: Duplex,
  { log, env }: TaskProcessOptions,
  events: TaskProcessEvents,
): TaskProcess {
  let ended = false;
  let ready = false;
  const early: string[] = [];
  let owesAck = false;
  const channel = new Channel<FromTasks, ToTasks>(line, (frame) => {
    const message = checkFromTasks(
      "message" in frame ? frame.message : { type: "bytes", run: frame.number, bytes: frame.bytes },
    );
    if (message.type === "batch") {
      if (owesAck) throw new SyntaxError("The next batch goes after the answer to the last");
      owesAck = true;
    }
    if (message.type === "ready") {
      ready = true;
      for (const line of early.splice(0)) events.onprinted(line, null);
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
    log.error("a task process sent an invalid message and is killed", { pid, error });
    kill();
  });
  const read = [child.stdout!, child.stderr!].map((stream) =>
    readPrinted(stream, {
      online: (line, run) => {
        if (ready) return events.onprinted(line, run);
        // One that fails again and again does not fill the log.
        early.push(line);
        if (early.length > EARLY_LINES) early.shift();
      },
      onleftout: (bytes) =>
        log.warn("a task printed more than is kept: the rest was left out", { pid, bytes }),
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
    if (!ended) events.onexit(status, early.join("\n"));
    ended = true;
  });
  return {
    pid,
    traces: /^(1|true)$/i.test(env.OTEL_DENO ?? ""),
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
  load: () => Promise<Readonly<Record<string, unknown>>>,
  events: TaskProcessEvents,
): TaskProcess {
  let ended = false;
  let executor: Executor | undefined;
  // The server's own code is of no run, though a run's code has it called.
  const later = (action: () => void) =>
    currentRun.exit(() => queueMicrotask(() => ended || action()));
  const say = (message: FromTasks) => later(() => events.onmessage(message));
  load().then((exports) => {
    const kinds = collectKinds(exports);
    executor = new Executor({ kinds, send: say, onError: errorHookIn(exports) });
    say({ type: "ready", kinds: describeTasks(kinds.values()) });
  }).catch((error) => say({ type: "failed", ...loadFailure(error) }));
  const close = () => {
    ended = true;
    executor?.stopAll();
    return Promise.resolve();
  };
  return {
    pid: null,
    traces: false,
    send: (message) => later(() => executor?.receive(message)),
    sendBytes(request, bytes) {
      later(() => executor?.receiveBytes(request, bytes));
      return Promise.resolve();
    },
    kill: close,
    close,
  };
}
