import denoJson from "../../deno.json" with { type: "json" };
import { type ServerProcess, startServer } from "../helpers/server.ts";
import { timePasses } from "../helpers/deadline.ts";
import { eventually } from "../helpers/eventually.ts";
import { childrenOf } from "../helpers/processes.ts";
import { tempDir } from "../helpers/temp_dir.ts";
import type { FeedWatcher } from "./feed_watcher.ts";
import { HOOK_SECRET, HookReceiver } from "./hook_receiver.ts";
import { Broken, holds } from "./invariants.ts";
import { MAX_LOG, MODULES } from "./reference.ts";
import type { TaskWatcher } from "./task_watcher.ts";

/** Milliseconds without a sign of life after which the server counts as dead. */
export const LEASE_MS = 500;

/** An answer; `null` when there was none. */
export type Answer = { status: number; body: Record<string, unknown> | null } | null;

/** The figures of a run of the model test. */
export interface Figures {
  histories: number;
  commands: number;
  /** Servers killed. */
  kills: number;
  /** Servers stopped with SIGTERM. */
  stops: number;
  /** Times that the task processes were killed. */
  deaths: number;
  /** Tasks taken in. */
  tasks: number;
  /** Connections to streams. */
  connections: number;
}

const HERE = new URL("./", import.meta.url).href;

const BROKEN = "broken_kinds.ts";

/** Preloads the clock into the server, which loads no module of kinds itself. */
const ARGS = denoJson.tasks.start.command.split(" ").slice(1)
  .toSpliced(-1, 0, `--preload=${HERE}shifted_clock.ts`);

/** What a world begins with. */
export interface WorldOptions {
  figures: Figures;
  /** A store with a crowd, to copy; `null` for an empty one. */
  crowd: string | null;
  /** Whether one of the modules of kinds cannot be loaded. */
  broken: boolean;
  /** Whether to wait at the end until files are swept, which takes seconds. */
  swept: boolean;
}

/** The real system: a server process on a real file, its clock, and its clients. */
export class World implements AsyncDisposable {
  /** Clients that each follow one task. */
  readonly watchers: TaskWatcher[] = [];
  /** Clients that follow all tasks. */
  readonly feeds: FeedWatcher[] = [];
  readonly figures: Figures;
  readonly file: string;
  /** Whether its store began with a crowd. */
  readonly crowded: boolean;
  /** Lines that tasks printed, by the log, since the last audit. */
  readonly printed: { line: string; id?: string }[] = [];
  /** Whether files are swept at the end. */
  readonly swept: boolean;
  readonly hooks: HookReceiver;
  /** When servers were started, by the test's own clock. */
  readonly began: number[] = [];
  readonly #modules: readonly string[];
  /** Lines of the server's log that were read. */
  #read = 0;
  readonly #clock: string;
  readonly #resources: AsyncDisposableStack;
  #server: ServerProcess | null = null;
  /** Why the last request that got no answer got none. */
  trouble: unknown = null;

  private constructor(
    directory: string,
    { crowd, broken, swept, figures }: WorldOptions,
    resources: AsyncDisposableStack,
    hooks: HookReceiver,
  ) {
    this.hooks = hooks;
    this.file = `${directory}/model.db`;
    this.crowded = crowd !== null;
    this.swept = swept;
    this.#modules = [...Object.keys(MODULES), ...broken ? [BROKEN] : []];
    this.#clock = `${directory}/clock`;
    this.figures = figures;
    this.#resources = resources;
  }

  /** Starts a server. */
  static async open(options: WorldOptions): Promise<World> {
    const { crowd } = options;
    await using resources = new AsyncDisposableStack();
    const { path } = resources.use(await tempDir());
    const hooks = resources.use(new HookReceiver());
    const world = new World(path, options, resources.move(), hooks);
    if (crowd !== null) await Deno.copyFile(crowd, world.file);
    await world.setClock(0);
    await world.start();
    return world;
  }

  /** Where the server is; `null` while it is down. */
  get url(): string | null {
    return this.#server?.url ?? null;
  }

  /** Sets the server's clock ahead of the test's by `shift` milliseconds. */
  async setClock(shift: number): Promise<void> {
    await Deno.writeTextFile(`${this.#clock}.new`, String(shift));
    await Deno.rename(`${this.#clock}.new`, this.#clock);
  }

  /** Starts the server. */
  async start(): Promise<void> {
    this.#read = 0;
    this.began.push(Date.now());
    this.#server = await startServer({
      kv: this.file,
      kinds: this.#modules.map((name) => HERE + name).join(),
      args: ARGS,
      env: {
        HEADWAY_TEST_CLOCK: this.#clock,
        HEADWAY_WEBHOOK_SECRET: HOOK_SECRET,
        HEADWAY_WEBHOOK_ALLOW: new URL(this.hooks.url).hostname,
        HEADWAY_TASK_PERMISSIONS: "--allow-read --allow-env=HEADWAY_TEST_CLOCK --allow-run=echo",
        // At this level the log tells what tasks print.
        HEADWAY_LOG: "info",
        HEADWAY_LEASE_MS: String(LEASE_MS),
        HEADWAY_MAX_LOG: String(MAX_LOG),
        HEADWAY_STREAM_LIFE_MS: "2000",
        HEADWAY_STREAM_QUEUE: "8",
        HEADWAY_HEARTBEAT_MS: "200",
      },
    }).catch((error) => {
      throw new Broken("I14", String(error));
    });
  }

  /** Ends the server by a signal. */
  async end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    const server = this.#server!;
    this.#server = null;
    if (signal === "SIGKILL") { for (const feed of this.feeds) feed.noteKill(); }
    const { code } = await server.kill(signal);
    if (signal === "SIGTERM") {
      holds("I14", code === 0, () => `it stopped with ${code}: ${server.stderr.join("\n")}`);
      this.figures.stops++;
    } else {
      this.figures.kills++;
    }
    this.#checkLog(server);
  }

  /** The task processes of a module. */
  async taskProcesses(module: string): Promise<number[]> {
    const pids = await childrenOf(this.#server!.process.pid);
    const commands = await Promise.all(
      pids.map((pid) => Deno.readTextFile(`/proc/${pid}/cmdline`).catch(() => "")),
    );
    const name = encodeURIComponent(`/${module}"`);
    return pids.filter((_, n) => commands[n]!.includes(name));
  }

  /** Kills task processes. */
  killTasks(pids: readonly number[]): void {
    for (const pid of pids) {
      try {
        Deno.kill(pid, "SIGKILL");
      } catch {
        // It has already ended.
      }
    }
  }

  /** Suspends the server for as long as `during` takes. */
  async freeze<T>(during: () => Promise<T>): Promise<T> {
    const { pid } = this.#server!.process;
    Deno.kill(pid, "SIGSTOP");
    try {
      return await during();
    } finally {
      for (const feed of this.feeds) feed.noteThaw();
      Deno.kill(pid, "SIGCONT");
    }
  }

  /** Sends a request; `null` if the server is down, or goes down before it answers. */
  async ask(
    method: string,
    path: string,
    { body, headers = {} }: { body?: unknown; headers?: Record<string, string> } = {},
  ): Promise<Answer> {
    return await this.#send(path, {
      method,
      headers: body === undefined ? headers : { "content-type": "application/json", ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  /** Uploads `size` bytes, and returns the upload's id; `null` if there was no answer. */
  async upload(size: number): Promise<string | null> {
    const answer = await this.#send("/uploads", { method: "POST", body: new Uint8Array(size) });
    if (answer === null || answer.status === 503) return null;
    holds("I14", answer.status === 201, () => `an upload: ${JSON.stringify(answer)}`);
    return String(answer.body!.upload_id);
  }

  /** Reads the bytes at a path. */
  async download(path: string): Promise<Uint8Array> {
    const response = await fetch(this.#server!.url + path);
    const bytes = await response.bytes();
    holds("I22", response.ok, () => `GET ${path}: ${response.status}`);
    return bytes;
  }

  async #send(path: string, init: RequestInit): Promise<Answer> {
    while (this.#server !== null) {
      try {
        const response = await fetch(this.#server.url + path, init);
        const text = await response.text();
        const answer = { status: response.status, body: text === "" ? null : JSON.parse(text) };
        if (answer.status !== 503) return answer;
        // No process that knows the kind or its schema is ready yet: nothing was done, and one will be.
        const early = /^(kind|input)$/.test(answer.body?.field);
        // With the same key the request is not carried out twice.
        const safe = new Headers(init.headers).has("idempotency-key");
        if (!early && !safe) return answer;
      } catch (error) {
        this.trouble = error;
        if (error instanceof TypeError || error instanceof SyntaxError) return null;
        throw error;
      }
      await timePasses(100);
    }
    return null;
  }

  /** Asserts that the modules are loaded, and that the broken one is reported. */
  async checkModules(): Promise<void> {
    await this.until(async () => {
      const { kinds } = await this.get<{ kinds: Record<string, string> }>("/readyz");
      for (const name of this.#modules) {
        const state = Object.entries(kinds).find(([module]) => module.endsWith(`/${name}`))?.[1];
        const right = name === BROKEN ? state?.endsWith("Error: as told") : state === "ready";
        holds("I14", right ?? false, () => JSON.stringify(kinds));
      }
    });
  }

  /** Sends a GET request, which must be answered with 200. */
  async get<T>(path: string): Promise<T> {
    const answer = await this.ask("GET", path);
    holds("I14", answer?.status === 200, () => {
      const log = this.#server?.stderr.slice(-15).join("\n");
      return `GET ${path}: ${JSON.stringify(answer ?? Deno.inspect(this.trouble))}\n${log}`;
    });
    return answer!.body as T;
  }

  /** Every entry of the database, read from a copy while the server is down. */
  async stored(): Promise<Deno.KvEntry<unknown>[]> {
    await using copy = await tempDir();
    const path = `${copy.path}/copy.db`;
    await Deno.copyFile(this.file, path);
    await Deno.copyFile(`${this.file}-wal`, `${path}-wal`).catch(() => {});
    using kv = await Deno.openKv(path);
    return await Array.fromAsync(kv.list({ prefix: [] }, { batchSize: 500 }));
  }

  /** Asserts that the server has logged no unexpected error. */
  checkLog(): void {
    if (this.#server) this.#checkLog(this.#server);
  }

  #checkLog({ stderr }: ServerProcess): void {
    for (; this.#read < stderr.length; this.#read++) {
      const line = stderr[this.#read]!;
      const { level, message, module, reason = "", ...more } = read(line);
      if (message === "printed by a task") this.printed.push(more as { line: string });
      if (level === "info" || level === "warn") continue;
      // Killed task processes and the broken module are logged as errors, as they should be.
      const killed = message === "a task process ended by itself" || reason.includes("(SIGKILL)");
      const right = (killed && this.figures.deaths > 0) || module?.endsWith(BROKEN);
      holds("I14", right ?? false, () => line);
    }
  }

  /** Waits until an assertion passes. */
  async until(assertion: () => void | Promise<void>): Promise<void> {
    await eventually(assertion, { interval: 15 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.watchers, ...this.feeds].map((watcher) => watcher.drop()));
    for (const { connections } of [...this.watchers, ...this.feeds]) {
      this.figures.connections += connections;
    }
    await this.#server?.kill();
    await this.#resources.disposeAsync();
  }
}

/** Parses a line of the log; a line that is not JSON gives an empty record. */
function read(line: string): Record<string, string> {
  try {
    return JSON.parse(line);
  } catch {
    return {};
  }
}
