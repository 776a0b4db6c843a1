/**
 * A server: what routes work with, from the opening of the store to the end of the last stream. It
 * knows no routes: their handlers are passed to {@link Server.listen}.
 *
 * @module
 */

import { deadline } from "./base/deadline.ts";
import type { Logger } from "./base/log.ts";
import type { Metrics } from "./base/metrics.ts";
import { CertificateWatch } from "./config/certificate_watch.ts";
import { listenFault } from "./config/listen_fault.ts";
import type { Config } from "./config/config.ts";
import { Engine } from "./engine.ts";
import { NewestTasks } from "./feed/newest_tasks.ts";
import type { Auth } from "./http/auth.ts";
import { Listener, type ListenerOptions } from "./http/listener.ts";
import { RateLimit } from "./http/rate_limit.ts";
import { TaskCounts } from "./kv/counts.ts";
import { SlotCounts } from "./kv/slot_counts.ts";
import { isStoreFile, type OpenStore } from "./kv/open_store.ts";
import { storeFault } from "./kv/store_file.ts";
import type { Kinds } from "./runner/kinds.ts";
import { openParts, type ServerOptions, type ServerParts } from "./server_parts.ts";
import { Drain } from "./sse/drain.ts";
import type { Pulse } from "./sse/pulse.ts";
import { StreamPlaces } from "./sse/stream_places.ts";
import { delay } from "./task/delay.ts";

export type { ServerOptions } from "./server_parts.ts";

/** The handlers of the two ports. */
export interface Handlers {
  /** Without it the port is not opened: another server takes the requests. */
  web?: ListenerOptions["handler"] | undefined;
  /** At `HEADWAY_OPS_PORT`. */
  ops: ListenerOptions["handler"];
}

/** Milliseconds between two tries to start over. */
const REOPEN_MS = 500;

/** Milliseconds that the last requests get when everything else has stopped. */
const STOP_MS = 5000;

/** Milliseconds after which a {@link Server.stop} that has not ended counts as hung. */
export function longestStopMs(drainMs: number): number {
  return 1.5 * drainMs + 2 * STOP_MS;
}

/** Disposing of it stops it without a drain, and waits until it has stopped. */
export class Server implements AsyncDisposable {
  readonly version: string;
  readonly config: Config;
  readonly kinds: Kinds;
  readonly auth: Auth;
  /** Limits the writes of each client; `null` for no limit. */
  readonly writes: RateLimit | null;
  /** Limits each client's tries to log in. */
  readonly logins: RateLimit = new RateLimit({ rate: 1, burst: 10 });
  readonly pulse: Pulse;
  readonly counts: TaskCounts;
  readonly slots: SlotCounts;
  /** Limits the streams, in total and of each client. */
  readonly places: StreamPlaces;
  /** How much of its disk the store takes; `null` if it is not a file of this machine. */
  readonly storage: OpenStore["storage"];
  readonly metrics: Metrics;
  readonly cancelWaitMs: number;
  readonly log: Logger;

  readonly #parts: ServerParts;
  readonly #stopping = new AbortController();
  #engine!: Engine;
  #newest!: NewestTasks;
  #reopening: Promise<void> | undefined;
  #drain: Drain | null = null;
  #web: Listener | undefined;
  #ops: Listener | undefined;
  #certificate: CertificateWatch | undefined;
  #stopped: Promise<void> | undefined;

  private constructor(parts: ServerParts) {
    const { config, options, store, engine } = parts;
    this.#parts = parts;
    this.version = options.version;
    this.config = config;
    this.kinds = engine.kinds;
    this.auth = parts.auth;
    this.writes = config.writeRate > 0
      ? new RateLimit({ rate: config.writeRate, burst: 10 * config.writeRate })
      : null;
    this.pulse = parts.pulse;
    this.counts = new TaskCounts(store.kv);
    this.slots = new SlotCounts(store.kv);
    this.places = new StreamPlaces({ all: config.maxStreams, each: config.maxStreamsPerClient });
    this.storage = store.storage;
    this.metrics = parts.metrics;
    this.cancelWaitMs = options.cancelWaitMs ?? 2000;
    this.log = parts.log;
  }

  /**
   * Opens the store and begins to run tasks. It answers no request before {@link Server.listen}.
   *
   * @throws {ConfigError} If others could reach it and nothing kept them out.
   * @throws {FileInUseError} If another server has the SQLite file.
   * @throws {StoreOpenError} If the store cannot be opened.
   */
  static async open(config: Config, options: ServerOptions): Promise<Server> {
    try {
      await using owned = new AsyncDisposableStack();
      const parts = owned.use(await openParts(config, options));
      const server = new Server(parts);
      const { store: { check }, log } = parts;
      await check.during(server.#openEngine());
      // Tests, and programs that embed it, submit at once.
      if (options.inline) await server.kinds.loaded;
      void check.damage.then((damage) => {
        if (damage === null) return;
        log.error("the store is damaged: restore it from a backup", { damage });
      });
      owned.move();
      return server;
    } catch (error) {
      throw isStoreFile(config.kv) ? await storeFault(config.kv, error) : error;
    }
  }

  /** Replaced if this process is fenced. */
  get engine(): Engine {
    return this.#engine;
  }

  /** One for all streams that watch everything; replaced with the engine. */
  get newest(): NewestTasks {
    return this.#newest;
  }

  /** Whether it is about to stop: it begins no more tasks, and is not ready. */
  get stopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  /** Ends the streams and refuses new ones, during a stop; `null` before. */
  get drain(): Drain | null {
    return this.#drain;
  }

  /** Its address, such as `http://127.0.0.1:8000/jobs`; `""` if it does not listen, as a `worker`. */
  get url(): string {
    return this.#web ? this.#web.url + this.config.basePath : "";
  }

  /** Its address at `HEADWAY_OPS_PORT`; `""` without that. */
  get opsUrl(): string {
    return this.#ops?.url ?? "";
  }

  /**
   * Listens from now on. If it cannot, the server stops.
   *
   * @throws {Deno.errors.AddrInUse} If another program has the port.
   */
  async listen({ web, ops }: Handlers): Promise<void> {
    const { role, port, opsPort } = this.config;
    try {
      if (web && role !== "worker") this.#web = this.#listener("HEADWAY_PORT", port, web);
      if (opsPort !== null) this.#ops = this.#listener("HEADWAY_OPS_PORT", opsPort, ops);
    } catch (error) {
      this.#stopping.abort();
      await (this.#stopped ??= this.#close());
      throw error;
    }
    const { certificate: current, log } = this.#parts;
    const { tlsCert, tlsKey } = this.config;
    if (current === null) return;
    this.#certificate = new CertificateWatch({ tlsCert, tlsKey, current, log }, (renewed) => {
      this.#web?.renew(renewed);
      this.#ops?.renew(renewed);
    });
  }

  /**
   * Stops it gently: tasks may end or reach their next checkpoint first, for half of `drainMs`, and
   * streams end one after another. Resolves when it has stopped, however often it is called.
   */
  async stop(drainMs: number): Promise<void> {
    await (this.#stopped ??= this.#stop(drainMs));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop(0);
  }

  /** Ends in this order: readiness and claims, tasks, streams, writes, connections. */
  async #stop(drainMs: number): Promise<void> {
    this.#stopping.abort();
    await this.#reopening;
    const { options, store: { alone } } = this.#parts;
    const half = drainMs / 2;
    const tasks = this.#engine.stopTasks(drainMs > 0 ? half : options.graceMs ?? 5000, half);
    // If no other process runs tasks, streams have something to show until the tasks have stopped.
    if (alone) await tasks;
    this.#drain = new Drain({
      streams: this.pulse.streams,
      windowMs: alone ? half : drainMs,
      elsewhere: !alone,
      retryMs: this.config.retryMs,
    });
    await Promise.all([tasks, this.config.role !== "worker" && this.#drain.end()]);
    await this.#close();
  }

  async #close(): Promise<void> {
    this.#certificate?.[Symbol.dispose]();
    await this.#engine.close(0);
    this.#newest[Symbol.dispose]();
    const requests = Promise.all([this.#web?.shutdown(), this.#ops?.shutdown()]);
    await deadline(requests, STOP_MS, () => {});
    await this.#parts[Symbol.asyncDispose]();
  }

  #listener(variable: string, port: number, handler: ListenerOptions["handler"]): Listener {
    const { config: { host: hostname }, certificate, log } = this.#parts;
    try {
      return new Listener({ hostname, port, certificate, handler, log });
    } catch (error) {
      throw listenFault(error, variable, hostname, port);
    }
  }

  async #openEngine(): Promise<void> {
    const { engine: options, log } = this.#parts;
    let opened = false;
    let fenced = false;
    const onfenced = () => {
      fenced = true;
      this.metrics.fenced++;
      if (opened) this.#fenced();
    };
    const engine = await Engine.open({ ...options, onfenced });
    if (fenced) {
      await engine.abandon();
      throw new Error("This process was taken for dead while it started");
    }
    opened = true;
    this.#engine = engine;
    this.#newest = new NewestTasks({ hub: engine.hub, snapshots: engine.feed.snapshots, log });
  }

  #fenced(): void {
    if (!this.stopping) this.#reopening = this.#reopen();
    // Other processes run its tasks already.
    else void this.#engine.runner?.abandon();
  }

  /** Starts over after it was fenced: other processes have its tasks, and its clients reconnect. */
  async #reopen(): Promise<void> {
    this.log.error("this process was taken for dead: it starts over");
    this.pulse.endAll();
    this.#newest[Symbol.dispose]();
    await this.#engine.abandon();
    while (!this.stopping) {
      try {
        return await this.#openEngine();
      } catch (error) {
        this.log.error("starting over failed and is tried again", { error });
        await delay(REOPEN_MS, this.#stopping.signal).catch(() => {});
      }
    }
  }
}
