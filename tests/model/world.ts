import denoJson from "../../deno.json" with { type: "json" };
import { type ServerProcess, startServer } from "../helpers/server.ts";
import { eventually } from "../helpers/eventually.ts";
import { childrenOf } from "../helpers/processes.ts";
import { tempDir } from "../helpers/temp_dir.ts";
import type { FeedWatcher } from "./feed_watcher.ts";
import { Broken, holds } from "./invariants.ts";
import { MAX_LOG } from "./reference.ts";
import type { TaskWatcher } from "./task_watcher.ts";

/** Milliseconds after which the server counts as dead. */
export const LEASE_MS = 500;

/** An answer; `null` when there was none. */
export type Answer = { status: number; body: Record<string, unknown> | null } | null;

/** What a run came to. */
export interface Figures {
  /** Histories. */
  histories: number;
  /** Commands, all told. */
  commands: number;
  /** Servers killed. */
  kills: number;
  /** Servers stopped with SIGTERM. */
  stops: number;
  /** Times that the task processes were killed. */
  deaths: number;
  /** Tasks taken in. */
  tasks: number;
  /** Connections of streams. */
  connections: number;
}

/** What a server says of a task process that was killed, at work or before it had loaded its kinds. */
const KILLED = /a task process ended by itself|its process ended \(SIGKILL\)/;

const KINDS = new URL("./kinds.ts", import.meta.url).href;

/** The server loads no module of kinds: its clock comes before its program. */
const ARGS = denoJson.tasks.start.command.split(" ").slice(1)
  .toSpliced(-1, 0, `--preload=${new URL("./shifted_clock.ts", import.meta.url).href}`);

/** The real thing: a server process on a real file, its clock, and its clients. */
export class World implements AsyncDisposable {
  /** Clients of a task each. */
  readonly watchers: TaskWatcher[] = [];
  /** Clients of all tasks. */
  readonly feeds: FeedWatcher[] = [];
  /** What happened. */
  readonly figures: Figures;
  /** The store. */
  readonly file: string;
  /** Whether a crowd was in it from the first on. */
  readonly crowded: boolean;
  readonly #clock: string;
  readonly #resources: AsyncDisposableStack;
  #server: ServerProcess | null = null;
  /** Why the last request that got no answer got none. */
  #trouble: unknown = null;

  private constructor(
    directory: string,
    crowded: boolean,
    figures: Figures,
    resources: AsyncDisposableStack,
  ) {
    this.file = `${directory}/model.db`;
    this.crowded = crowded;
    this.#clock = `${directory}/clock`;
    this.figures = figures;
    this.#resources = resources;
  }

  /** Starts a server on an empty store, or on a copy of one with a crowd. */
  static async open(figures: Figures, crowd: string | null): Promise<World> {
    await using resources = new AsyncDisposableStack();
    const { path } = resources.use(await tempDir());
    const world = new World(path, crowd !== null, figures, resources.move());
    if (crowd !== null) await Deno.copyFile(crowd, world.file);
    await world.setClock(0);
    await world.start();
    return world;
  }

  /** Where the server is; `null` while it is down. */
  get url(): string | null {
    return this.#server?.url ?? null;
  }

  /** Has the server's clock go so far ahead of ours. */
  async setClock(shift: number): Promise<void> {
    await Deno.writeTextFile(`${this.#clock}.new`, String(shift));
    await Deno.rename(`${this.#clock}.new`, this.#clock);
  }

  /** Starts the server. */
  async start(): Promise<void> {
    this.#server = await startServer({
      kv: this.file,
      kinds: KINDS,
      args: ARGS,
      env: {
        HEADWAY_TEST_CLOCK: this.#clock,
        HEADWAY_TASK_PERMISSIONS: "--allow-read --allow-env=HEADWAY_TEST_CLOCK",
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
    const { code } = await server.kill(signal);
    if (signal === "SIGTERM") {
      holds("I14", code === 0, () => `it stopped with ${code}: ${server.stderr.join("\n")}`);
      this.figures.stops++;
    } else {
      this.figures.kills++;
    }
    this.#checkLog(server);
  }

  /** Kills the task processes. */
  async killTasks(): Promise<void> {
    const pids = await childrenOf(this.#server!.process.pid);
    for (const pid of pids) {
      try {
        Deno.kill(pid, "SIGKILL");
      } catch {
        // It has ended by itself.
      }
    }
    this.figures.deaths++;
  }

  /** Stops the server for as long as `during` takes. */
  async freeze<T>(during: () => Promise<T>): Promise<T> {
    const { pid } = this.#server!.process;
    Deno.kill(pid, "SIGSTOP");
    try {
      return await during();
    } finally {
      Deno.kill(pid, "SIGCONT");
    }
  }

  /** Asks the server; `null` when it is not there, or goes before it answers. */
  async ask(
    method: string,
    path: string,
    { body, headers = {} }: { body?: unknown; headers?: Record<string, string> } = {},
  ): Promise<Answer> {
    if (this.#server === null) return null;
    try {
      const response = await fetch(this.#server.url + path, {
        method,
        headers: body === undefined ? headers : { "content-type": "application/json", ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      return { status: response.status, body: text === "" ? null : JSON.parse(text) };
    } catch (error) {
      this.#trouble = error;
      if (error instanceof TypeError || error instanceof SyntaxError) return null;
      throw error;
    }
  }

  /** Reads; the server must be there. */
  async get<T>(path: string): Promise<T> {
    const answer = await this.ask("GET", path);
    holds("I14", answer?.status === 200, () => {
      const log = this.#server?.stderr.slice(-15).join("\n");
      return `GET ${path}: ${JSON.stringify(answer ?? Deno.inspect(this.#trouble))}\n${log}`;
    });
    return answer!.body as T;
  }

  /** Everything in the store of a server that is down. */
  async stored(): Promise<Deno.KvEntry<unknown>[]> {
    await using copy = await tempDir();
    const path = `${copy.path}/copy.db`;
    await Deno.copyFile(this.file, path);
    await Deno.copyFile(`${this.file}-wal`, `${path}-wal`).catch(() => {});
    using kv = await Deno.openKv(path);
    return await Array.fromAsync(kv.list({ prefix: [] }, { batchSize: 500 }));
  }

  /** Asserts that the log of the server has no error. */
  checkLog(): void {
    if (this.#server) this.#checkLog(this.#server);
  }

  #checkLog({ stderr }: ServerProcess): void {
    // What we kill is told as an error, as it should be.
    const killed = this.figures.deaths > 0 ? KILLED : /^$/;
    const errors = stderr.filter((line) => !line.includes('"level":"warn"') && !killed.test(line));
    holds("I14", errors.length === 0, () => errors.slice(0, 5).join("\n"));
  }

  /** Waits until something is so. */
  async until(assertion: () => void | Promise<void>): Promise<void> {
    await eventually(assertion, { interval: 15 });
  }

  /** Ends everything. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.watchers, ...this.feeds].map((watcher) => watcher.drop()));
    for (const { connections } of [...this.watchers, ...this.feeds]) {
      this.figures.connections += connections;
    }
    await this.#server?.kill();
    await this.#resources.disposeAsync();
  }
}
