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

/** A process that runs generators, or its stand-in within the server. */
export interface TaskProcess {
  send(message: ToTasks): void;
  /** Sends an upload's bytes; resolves when the system has taken them. */
  sendBytes(request: number, bytes: Uint8Array): Promise<void>;
  /** Kills it. Resolves when it has ended. */
  kill(): Promise<void>;
  /** Lets an idle process end by itself. Resolves when it has ended. */
  close(): Promise<void>;
  /** The process's id; `null` inline. */
  readonly pid: number | null;
  /** Whether it traces: it sends its last spans only if it may end by itself. */
  readonly traces: boolean;
}

export interface TaskProcessEvents {
  /** Called for each message. If this throws, the message was invalid and the process is killed. */
  onmessage(message: FromTasks): void;
  /** Called for each line that it printed; `run` is `null` if the line does not name its run. */
  onprinted(line: string, run: number | null): void;
  /** Called when it ended; not after `kill()` or `close()`. `said` was printed before it was ready. */
  onexit(status: string, said: string): void;
}

/** A module of kinds, as task processes load it. */
export interface KindsModule {
  readonly url: string;
  /** Its name in logs and errors. */
  readonly name: string;
  /** Deno flags that apply its project's configuration. */
  readonly flags: readonly string[];
  /** The `deno.json` of its project, if it has one. */
  readonly config: string | null;
  /** Its exports, if it was given as values: then its tasks run in the server's process. */
  readonly exports?: Readonly<Record<string, unknown>>;
}

export interface TaskProcessOptions {
  module: KindsModule;
  /** Deno permission flags. */
  permissions: readonly string[];
  env: Record<string, string>;
  log: Logger;
}

/** Milliseconds after which a failed start is reported as an end. */
const FAILED_MS = 1000;

/** Milliseconds to read the output of an ended process: its own programs may keep the pipes open. */
const LINGER_MS = 1000;

/** Milliseconds that a process gets to end by itself. */
const CLOSE_MS = 5000;

/** How many of the last lines that a process prints before it is ready are kept. */
const EARLY_LINES = 100;

/** Starts a task process. If that fails, `onexit` is called after {@link FAILED_MS}. */
export function startTaskProcess(
  options: TaskProcessOptions,
  events: TaskProcessEvents,
): TaskProcess {
  const child = start(options);
  const line = child.stdio[CHANNEL_FD] as Duplex | undefined;
  if (child.pid !== undefined && line) {
    return taskProcessOf(child, child.pid, line, options, events);
  }
  // Memory or process ids may have run out, which may pass: so it is reported late.
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

/** Uses Node's `spawn()`, which can open a channel beside stdin, stdout and stderr. */
function start({ module, permissions, env }: TaskProcessOptions): ChildProcess {
  const args = [
    "run",
    "--quiet",
    "--no-prompt",
    ...module.flags,
    // Without any, Node's `spawn()` gives a Deno process all permissions.
    ...(permissions.length > 0 ? permissions : ["--deny-net"]),
    `data:text/javascript,${encodeURIComponent(program(module))}`,
  ];
  return spawn(denoCommand(), args, { env, stdio: ["ignore", "pipe", "pipe", "pipe"] });
}

/**
 * The main module of a task process. A literal import is loaded whatever the process may read; one with
 * a computed name would need permission to read the file.
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
  // Once the channel has ended, the process is about to exit, or must.
  const said = channel.ended.then(() => killIn(LINGER_MS), (error) => {
    log.error("a task process sent an invalid message and is killed", { pid, error });
    kill();
  });
  const read = [child.stdout!, child.stderr!].map((stream) =>
    readPrinted(stream, {
      online: (line, run) => {
        if (ready) return events.onprinted(line, run);
        // Held back: a process that fails again and again would fill the log.
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
 * Runs the executor in the server's process, for tasks given as values, where there are no task
 * processes, and in tests. A task that never yields stalls the server and cannot be killed.
 */
export function startInline(
  load: () => Promise<Readonly<Record<string, unknown>>>,
  events: TaskProcessEvents,
): TaskProcess {
  let ended = false;
  let executor: Executor | undefined;
  // The server's own code must not count as part of a run, although a run's code calls it.
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
