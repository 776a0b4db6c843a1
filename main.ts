/**
 * Headway: durable background tasks with live progress. This module puts a server together; run as
 * a program it reads the environment, drains on SIGTERM, and stops on SIGINT.
 *
 * @module
 */

import { Auth } from "./lib/http/auth.ts";
import { readCertificate } from "./lib/config/certificate.ts";
import { type Config, ConfigError } from "./lib/config/config.ts";
import { configHelp, readConfig } from "./lib/config/read_config.ts";
import { Drain } from "./lib/sse/drain.ts";
import { Engine } from "./lib/engine.ts";
import { FileInUseError, lockFile } from "./lib/kv/file_lock.ts";
import { FreeSpace } from "./lib/kv/free_space.ts";
import { GiveBack } from "./lib/kv/give_back.ts";
import denoJson from "./deno.json" with { type: "json" };
import { loadKinds, SHIPPED_KINDS } from "./lib/child/load_kinds.ts";
import { Listener } from "./lib/http/listener.ts";
import { createLogger, type Logger } from "./lib/base/log.ts";
import { Metrics } from "./lib/base/metrics.ts";
import { NewestTasks } from "./lib/feed/newest_tasks.ts";
import { isLoopback } from "./lib/http/origin.ts";
import { RateLimit } from "./lib/http/rate_limit.ts";
import { openSchema, SchemaError } from "./lib/kv/migrations.ts";
import { diskOf } from "./lib/kv/disk.ts";
import { StoreCheck } from "./lib/kv/store_check.ts";
import { prepareStoreFile, storeFault, StoreOpenError } from "./lib/kv/store_file.ts";
import { StorePages } from "./lib/kv/store_pages.ts";
import { Pulse } from "./lib/sse/stream.ts";
import { serverFiles } from "./lib/config/server_files.ts";
import { StreamPlaces } from "./lib/sse/stream_places.ts";
import { TaskCounts } from "./lib/kv/counts.ts";
import { taskEnvironment } from "./lib/child/task_environment.ts";
import { taskPermissions } from "./lib/config/task_permissions.ts";
import {
  startInline,
  startTaskProcess,
  type TaskProcessEvents,
} from "./lib/runner/task_process.ts";
import type { App } from "./routes/app.ts";
import { readTokens } from "./lib/http/tokens.ts";
import { createHandler, OPS_ROUTES } from "./routes/mod.ts";

export type { Config } from "./lib/config/config.ts";
export { configHelp, readConfig } from "./lib/config/read_config.ts";

/** A running server. Disposing of it stops it at once and waits until it has. */
export interface Server extends App, AsyncDisposable {
  /** Where it answers, as `http://127.0.0.1:8000`; `""` in a `worker` process. */
  readonly url: string;
  /** Where it answers for whoever watches it: `""` without `HEADWAY_OPS_PORT`. */
  readonly opsUrl: string;
  /** Resolves when it has stopped. */
  readonly stopped: Promise<void>;
  /**
   * Stops it with regard to all who use it: tasks may come to their end or next checkpoint first, for
   * half of `drainMs`, and streams end one after another.
   */
  stop(drainMs: number): Promise<void>;
}

/** What {@link start} takes beside the configuration. */
export interface StartOptions {
  /** A handle to use, which stays open: for tests, and several servers in one process. */
  kv?: Deno.Kv;
  /** Runs tasks in this process instead of in task processes. @default {false} */
  inline?: boolean;
  /** Where it logs. @default {a logger as configured} */
  log?: Logger;
  /** Milliseconds between asking a task to stop and killing its process. @default {10_000} */
  killAfterMs?: number;
  /** Milliseconds tasks get that are asked to stop because the server does. @default {5000} */
  graceMs?: number;
  /** Milliseconds the answer to a cancel waits for the task's end. @default {2000} */
  cancelWaitMs?: number;
}

/** Milliseconds between two tries to begin anew. */
const REOPEN_MS = 500;

/** Milliseconds that the last requests get when everything else has stopped. */
const STOP_MS = 5000;

/**
 * Starts a server.
 *
 * @example
 * ```ts
 * import { readConfig, start } from "../main.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const settings: Record<string, string> = { HEADWAY_KV: ":memory:", HEADWAY_PORT: "0", HEADWAY_LOG: "off" };
 * await using server = await start(readConfig((name) => settings[name]), { inline: true });
 * const response = await fetch(`${server.url}/healthz`);
 * assertEquals(await response.json(), { status: "ok" });
 * ```
 *
 * @throws {FileInUseError} If another server has the SQLite file.
 * @throws {ConfigError} If others could reach it and nothing kept them out.
 */
export async function start(config: Config, options: StartOptions = {}): Promise<Server> {
  try {
    return await begin(config, options);
  } catch (error) {
    throw isFile(config.kv) ? await storeFault(config.kv, error) : error;
  }
}

async function begin(config: Config, options: StartOptions): Promise<Server> {
  const log = options.log ?? createLogger(config.log);
  const modules = [SHIPPED_KINDS, ...config.kinds];
  const kinds = await loadKinds(modules);
  const tokens = await readTokens(config.tokens, config.tokensFile);
  const listens = config.role !== "worker" || config.opsPort !== null;
  if (listens && tokens.length === 0 && !config.insecure && !isLoopback(config.host)) {
    throw new ConfigError(
      `Others can reach ${config.host}: set HEADWAY_TOKENS or HEADWAY_TOKENS_FILE, or ` +
        "HEADWAY_INSECURE=1 to let anybody do anything",
    );
  }
  const certificate = await readCertificate(config.tlsCert, config.tlsKey);
  await using parts = new AsyncDisposableStack();

  const local = config.kv !== "" && !/^https?:/.test(config.kv);
  const alone = local && !options.kv;
  const path = alone && isFile(config.kv) ? config.kv : null;
  if (path !== null) parts.use(await lockFile(path));
  const unclean = path !== null && await prepareFile(path, log);
  const kv = options.kv ?? parts.adopt(await openStore(config.kv), (kv) => kv.close());
  const check = unclean ? parts.use(new StoreCheck({ path })) : null;

  const pages = path === null ? null : parts.use(new StorePages(path));
  if (path !== null && pages !== null) parts.use(new GiveBack({ path, pages, log }));
  const space = pages === null ? undefined : await freeSpace(config, pages, log);

  const inline = options.inline || config.taskProcesses === 0;
  if (!inline && Deno.build.os === "windows") {
    throw new ConfigError("Windows has no task processes: HEADWAY_TASK_PROCESSES must be 0 there");
  }
  const metrics = parts.use(new Metrics({ version: denoJson.version, role: config.role }));
  const checked = <T>(work: Promise<T>) => check?.during(work) ?? work;
  await checked(openSchema(kv));
  const permissions = inline ? [] : await sealedPermissions(config, log);
  const env = inline ? {} : taskEnvironment(Deno.env.toObject());
  const openEngine = (onfenced: () => void) =>
    Engine.open({
      kv,
      alone,
      role: config.role,
      kinds,
      startProcess: (events: TaskProcessEvents) =>
        inline
          ? startInline(kinds, events)
          : startTaskProcess({ modules, permissions, env, log }, events),
      processes: Math.max(1, config.taskProcesses),
      concurrency: config.concurrency,
      leaseMs: config.leaseMs,
      retentionMs: config.retentionMs,
      maxLog: config.maxLog,
      maxLogBytes: config.maxLogBytes,
      uploadQuota: config.uploadQuota,
      space,
      ...(options.killAfterMs === undefined ? {} : { killAfterMs: options.killAfterMs }),
      onfenced,
      metrics,
      log,
    });
  const newestOf = ({ hub, snapshots }: Engine) => new NewestTasks({ hub, snapshots, log });
  let reopening: Promise<void> | undefined;
  /** Taken for dead, it begins anew: its tasks have gone to others, its clients come again. */
  const reopen = async () => {
    log.error("this process was taken for dead and begins anew");
    metrics.fenced++;
    app.pulse.endAll();
    app.newest[Symbol.dispose]();
    await app.engine.abandon();
    while (!app.stopping) {
      try {
        app.engine = await openEngine(onfenced);
        app.newest = newestOf(app.engine);
        return;
      } catch (error) {
        log.error("beginning anew failed and is tried again", { error });
        await new Promise((resolve) => setTimeout(resolve, REOPEN_MS));
      }
    }
  };
  const onfenced = () => {
    if (!app.stopping) reopening = reopen();
    // What it runs others run already.
    else void app.engine.runner?.abandon();
  };
  const engine = await checked(openEngine(onfenced));
  void check?.damage.then((damage) => {
    if (damage !== null) log.error("the store is damaged: restore it from a backup", { damage });
  });
  const beat = Math.min(
    1000,
    ...[config.heartbeatMs, config.streamLifeMs].filter((ms) => ms > 0).map((ms) => ms / 10),
  );
  const app = {
    version: denoJson.version,
    config,
    engine,
    auth: parts.use(await Auth.open({ ...config, kv, alone, tokens, log })),
    writes: config.writeRate > 0
      ? new RateLimit({ rate: config.writeRate, burst: 10 * config.writeRate })
      : null,
    logins: new RateLimit({ rate: 1, burst: 10 }),
    kinds,
    pulse: parts.use(new Pulse(Math.max(10, beat))),
    newest: newestOf(engine),
    counts: new TaskCounts(kv),
    places: new StreamPlaces({ all: config.maxStreams, each: config.maxStreamsPerClient }),
    storage: pages && (() => storageOf(config.kv, pages)),
    metrics,
    cancelWaitMs: options.cancelWaitMs ?? 2000,
    stopping: false,
    drain: null as Drain | null,
    log,
  };

  const listen = (port: number, routes?: typeof OPS_ROUTES) => {
    const handler = createHandler(app, routes);
    return new Listener({ hostname: config.host, port, certificate, handler, log });
  };
  let server: Listener | undefined;
  let ops: Listener | undefined;
  try {
    if (config.role !== "worker") server = listen(config.port);
    if (config.opsPort !== null) ops = listen(config.opsPort, OPS_ROUTES);
  } catch (error) {
    await server?.shutdown();
    await engine.close(0);
    throw error;
  }
  const finished = Promise.withResolvers<void>();
  const resources = parts.move();
  const stop = async (drainMs: number) => {
    if (app.stopping) return await finished.promise;
    // In this order: not ready, claim nothing more; let tasks end and streams; write what there is;
    // take no connections; close the store.
    app.stopping = true;
    await reopening;
    const half = drainMs / 2;
    const tasks = app.engine.stopTasks(drainMs > 0 ? half : options.graceMs ?? 5000, half);
    // Where nobody else runs tasks, streams have something to show until these have stopped.
    if (alone) await tasks;
    app.drain = new Drain({
      streams: app.pulse.streams,
      windowMs: alone ? half : drainMs,
      elsewhere: !alone,
      retryMs: config.retryMs,
    });
    await Promise.all([tasks, server && app.drain.end()]);
    await app.engine.close(0);
    app.newest[Symbol.dispose]();
    await within(STOP_MS, Promise.all([server?.shutdown(), ops?.shutdown()]));
    await resources.disposeAsync();
    finished.resolve();
  };
  return Object.assign(app, {
    url: server?.url ?? "",
    opsUrl: ops?.url ?? "",
    stopped: finished.promise,
    stop,
    [Symbol.asyncDispose]: () => stop(0),
  });
}

/** Whether a store is a file of this machine. */
function isFile(kv: string): boolean {
  return kv !== "" && kv !== ":memory:" && !/^https?:/.test(kv);
}

/** What uploads may still take of the store's disk: what is free there, and within the file. */
async function freeSpace(config: Config, pages: StorePages, log: Logger): Promise<FreeSpace> {
  const { kv, minFree: floor } = config;
  if (floor > 0 && await diskOf(kv) === null) {
    log.warn(
      "nobody tells how full the store's disk is: HEADWAY_MIN_FREE needs --allow-sys=statfs",
    );
  }
  return new FreeSpace({
    floor,
    async freeBytes(): Promise<number | null> {
      const disk = await diskOf(kv);
      return disk && disk.free + pages.size().free;
    },
  });
}

/** The permissions of task processes, without the server's own files; says what they leave open. */
async function sealedPermissions(config: Config, log: Logger): Promise<string[]> {
  const { flags, gaps } = await taskPermissions(config.taskPermissions, await serverFiles(config));
  for (const gap of gaps) {
    log.warn(`HEADWAY_TASK_PERMISSIONS lets tasks reach the store and the tokens: ${gap}`);
  }
  return flags;
}

/** What a file takes of its disk. */
async function storageOf(path: string, pages: StorePages) {
  const { file, free } = pages.size();
  const log = (await Deno.stat(`${path}-wal`).catch(() => null))?.size ?? 0;
  return { used: file - free, free, log, disk: (await diskOf(path))?.free ?? null };
}

/** Makes a file ready to be opened; says whether it was not closed. */
async function prepareFile(path: string, log: Logger): Promise<boolean> {
  const { loose: files, unclean } = await prepareStoreFile(path);
  const advice =
    "others on this machine can read the store: give it to its owner alone (chmod 600)";
  if (files.length > 0) log.warn(advice, { files });
  return unclean;
}

/** Opens the store, or says in one sentence why that cannot be. */
async function openStore(kv: string): Promise<Deno.Kv> {
  try {
    return await Deno.openKv(kv === "" ? undefined : kv);
  } catch (error) {
    throw new StoreOpenError(kv || "of the platform", error);
  }
}

/** Waits for a promise, but not longer than `ms`. */
async function within(ms: number, promise: Promise<unknown>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => timer = setTimeout(resolve, ms));
  await Promise.race([promise, late]);
  clearTimeout(timer);
}

async function main(): Promise<void> {
  // deno-lint-ignore no-console -- what a person reads at a terminal
  const print = console.log;
  if (Deno.args.includes("--help") || Deno.args.includes("-h")) {
    print(
      `Headway: durable background tasks with live progress\n\nSettings (environment):\n${configHelp()}`,
    );
    return;
  }
  let server: Server;
  try {
    const deployed = Deno.env.get("DENO_DEPLOYMENT_ID") !== undefined;
    const warnings: string[] = [];
    const config = readConfig((name) => Deno.env.get(name), (sentence) => warnings.push(sentence));
    const log = createLogger(config.log);
    for (const sentence of warnings) log.warn(sentence);
    // Deno Deploy kills five seconds after its SIGINT.
    server = await start(config, deployed ? { log, graceMs: 2000 } : { log });
  } catch (error) {
    const known = error instanceof ConfigError || error instanceof FileInUseError ||
      error instanceof StoreOpenError || error instanceof SchemaError ||
      error instanceof TypeError || error instanceof Deno.errors.AddrInUse;
    // deno-lint-ignore no-console -- the last word before it ends
    console.error(known ? `headway: ${(error as Error).message}` : error);
    Deno.exit(1);
  }
  if (server.auth.required && Deno.env.get("OTEL_DENO") === "true") {
    server.log.warn(
      "Deno's traces hold whole addresses, '?token=' included: have the collector drop url.full and url.query",
    );
  }
  // Open files stay open; no other can be written from here on.
  await Deno.permissions.revoke({ name: "write" });
  // An orchestrator asks for the one; a person at a terminal, who does not want to wait, for the other.
  for (const [signal, drainMs] of [["SIGTERM", server.config.drainMs], ["SIGINT", 0]] as const) {
    Deno.addSignalListener(signal, () => {
      setTimeout(() => Deno.exit(1), 1.5 * drainMs + 2 * STOP_MS);
      void server.stop(drainMs).then(() => Deno.exit(0));
    });
  }
  // Whoever reads this may send a signal at once.
  if (server.opsUrl) print(`Figures are at ${server.opsUrl}/metrics`);
  print(server.url ? `Headway is at ${server.url}` : "Headway runs tasks for others on its store");
}

if (import.meta.main) await main();
