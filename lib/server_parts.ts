/**
 * The parts of a server, opened before it runs: the store, who may use it, and what starts tasks.
 *
 * @module
 */

import { createLogger, type Logger } from "./base/log.ts";
import { Metrics } from "./base/metrics.ts";
import { currentRun, keepRunInTimers } from "./child/current_run.ts";
import { guardExit } from "./child/exit_guard.ts";
import { collectKinds } from "./child/load_kinds.ts";
import { taskEnvironment } from "./child/task_environment.ts";
import { type Certificate, readCertificate } from "./config/certificate.ts";
import { type Config, ConfigError } from "./config/config.ts";
import {
  explainFailure,
  kindsInProcess,
  kindsModule,
  readableFolders,
  SHIPPED_MODULE,
} from "./config/kinds_modules.ts";
import { serverFiles } from "./config/server_files.ts";
import { taskPermissions } from "./config/task_permissions.ts";
import type { EngineOptions } from "./engine_parts.ts";
import { Auth } from "./http/auth.ts";
import type { Authorize } from "./http/authorize.ts";
import { isLoopback } from "./http/origin.ts";
import { outliveErrors } from "./outlive_errors.ts";
import { readTokens } from "./http/tokens.ts";
import { type OpenStore, openStore } from "./kv/open_store.ts";
import * as shippedKinds from "./kinds/mod.ts";
import { Kinds, ModuleOfKinds } from "./runner/kinds.ts";
import { startInline, startTaskProcess } from "./runner/task_process.ts";
import type { OnError } from "./task/on_error.ts";
import { Pulse } from "./sse/pulse.ts";
import type { PostOptions } from "./webhooks/post.ts";
import { parseAllowed, Reach } from "./webhooks/reach.ts";

/** What {@link Server.open} takes beside the configuration. */
export interface ServerOptions {
  /** Headway's version. */
  version: string;
  /** Reads the environment of this process, of which task processes get a part. */
  environment: () => Record<string, string>;
  /** Whether the process is the server's alone: then uncaught errors do not end it. @default {false} */
  ownsProcess?: boolean;
  /** A handle to use, which stays open: for tests, and several servers in one process. */
  kv?: Deno.Kv;
  /** Runs tasks in this process instead of in task processes. @default {false} */
  inline?: boolean;
  /** Definitions of tasks, which run in this process. */
  tasks?: Readonly<Record<string, unknown>> | undefined;
  /** The login of the program that embeds it, in place of tokens. */
  authorize?: Authorize | undefined;
  /** Called for each attempt that fails in this process. */
  onError?: OnError | undefined;
  /** @default {a logger as configured} */
  log?: Logger;
  /** Milliseconds between asking a task to stop and killing its process. @default {10_000} */
  killAfterMs?: number;
  /** Milliseconds that tasks get to reach their next checkpoint at a stop without a drain. @default {5000} */
  graceMs?: number;
  /** How webhooks are sent, for tests with host names and certificate authorities of their own. */
  webhooks?: Partial<PostOptions>;
  /** Milliseconds since the epoch, for tests. @default {Date.now} */
  now?: () => number;
  /** Milliseconds the answer to a cancel waits for the task's end. @default {2000} */
  cancelWaitMs?: number;
}

/** Disposing of them closes them, the store last. */
export interface ServerParts extends AsyncDisposable {
  readonly config: Config;
  readonly options: ServerOptions;
  readonly log: Logger;
  readonly certificate: Certificate | null;
  readonly store: OpenStore;
  readonly engine: Omit<EngineOptions, "onfenced">;
  readonly metrics: Metrics;
  readonly auth: Auth;
  readonly pulse: Pulse;
}

/** See {@link Server.open} for what it throws. */
export async function openParts(config: Config, options: ServerOptions): Promise<ServerParts> {
  const { version, kv: given, log = createLogger(config.log) } = options;
  const { tasks, authorize } = options;
  const inline = options.inline || config.taskProcesses === 0;
  await using owned = new AsyncDisposableStack();
  if (inline || tasks || options.ownsProcess) {
    const tasksOnly = !options.ownsProcess;
    owned.use(outliveErrors({ modules: config.kinds, tasksOnly, log }));
  }
  if (inline || tasks) {
    guardExit(() => currentRun.getStore() !== undefined);
    keepRunInTimers();
  }
  const kinds = await kindsOf(config, tasks, log);
  const tokens = await readTokens(config.tokens, config.tokensFile);
  if (tokens.length > 0 && authorize) {
    throw new ConfigError(
      "HEADWAY_TOKENS must not be set together with 'authorize', which replaces tokens",
    );
  }
  if (tokens.length === 0 && !authorize) requireUnreachable(config);
  const certificate = await readCertificate(config.tlsCert, config.tlsKey);
  const starts = !inline && kinds.modules.some(({ module }) => module.exports === undefined);
  if (starts && Deno.build.os === "windows") {
    throw new ConfigError("Windows has no task processes: HEADWAY_TASK_PROCESSES must be 0 there");
  }
  const { minFree } = config;
  const store = owned.use(await openStore({ location: config.kv, kv: given, minFree, log }));
  const metrics = owned.use(new Metrics({ version, role: config.role }));
  const { kv, alone } = store;
  const auth = owned.use(await Auth.open({ ...config, kv, alone, tokens, authorize, log }));
  const engine: ServerParts["engine"] = {
    kv,
    alone,
    role: config.role,
    kinds,
    startProcess: await startingOf(config, options, starts, log),
    explain: (module, reason) => explainFailure(module, config.taskPermissions, reason),
    processes: Math.max(1, config.taskProcesses),
    concurrency: config.concurrency,
    loadMs: config.loadMs,
    leaseMs: config.leaseMs,
    retentionMs: {
      completed: config.retentionCompletedMs,
      failed: config.retentionFailedMs,
      canceled: config.retentionCanceledMs,
    },
    rowBounds: {
      log: { rows: config.maxLog, bytes: config.maxLogBytes },
      output: { rows: config.maxOutput, bytes: config.maxOutputBytes },
    },
    artifactBounds: { bytes: config.maxArtifact, count: config.maxArtifacts },
    uploadQuota: config.uploadQuota,
    artifactQuota: config.artifactQuota,
    maxSchedules: config.maxSchedules,
    space: store.space,
    webhooks: {
      secrets: config.webhookSecret,
      reach: new Reach(parseAllowed(config.webhookAllow) ?? undefined),
      ...options.webhooks,
    },
    ...(options.killAfterMs === undefined ? {} : { killAfterMs: options.killAfterMs }),
    ...(options.now === undefined ? {} : { now: options.now }),
    metrics,
    onError: options.onError,
    log,
  };
  const pulse = owned.use(new Pulse(beatMs(config)));
  const parts = { config, options, log, certificate, store, engine, metrics, auth, pulse };
  const resources = owned.move();
  return { ...parts, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}

/** The modules of kinds. Only the one that ships is imported here. */
async function kindsOf(config: Config, tasks: ServerOptions["tasks"], log: Logger): Promise<Kinds> {
  const shipped = new ModuleOfKinds(SHIPPED_MODULE, collectKinds(shippedKinds));
  const sources = await Promise.all(Array.from(new Set(config.kinds), kindsModule));
  if (tasks) sources.unshift(kindsInProcess(tasks));
  const modules = sources.map((source) => new ModuleOfKinds(source));
  return new Kinds(config.shippedKinds ? [shipped, ...modules] : modules, log);
}

/**
 * Requires that a server without a login cannot be reached, unless `insecure` allows it.
 *
 * @throws {ConfigError} If others than this machine can reach it.
 */
function requireUnreachable({ role, opsPort, insecure, host }: Config): void {
  const listens = role !== "worker" || opsPort !== null;
  if (!listens || insecure || isLoopback(host)) return;
  throw new ConfigError(
    `Others can reach ${host}: set HEADWAY_TOKENS or HEADWAY_TOKENS_FILE, or ` +
      "HEADWAY_INSECURE=1 to let anybody do anything",
  );
}

/** How modules start: in task processes, or here if they are given as values or all run here. */
async function startingOf(
  config: Config,
  { environment }: ServerOptions,
  starts: boolean,
  log: Logger,
): Promise<EngineOptions["startProcess"]> {
  const outside = starts ? await processStarter(config, environment(), log) : null;
  return (module, events) => {
    const { url, exports } = module;
    if (exports) return startInline(() => Promise.resolve(exports), events);
    return outside?.(module, events) ?? startInline(() => import(url), events);
  };
}

/** Keeps task processes from the server's own files; the log says which ways are left to them. */
async function processStarter(
  config: Config,
  environment: Record<string, string>,
  log: Logger,
): Promise<EngineOptions["startProcess"]> {
  const files = await serverFiles(config);
  const { flags: permissions, gaps } = await taskPermissions(config.taskPermissions, files);
  for (const gap of gaps) {
    log.warn(`HEADWAY_TASK_PERMISSIONS lets tasks reach the store and the tokens: ${gap}`);
  }
  for (const folder of readableFolders(config.kinds)) {
    if (folder.includes(",")) log.warn("tasks cannot read a folder with a comma in it", { folder });
  }
  const env = taskEnvironment(environment);
  return (module, events) => startTaskProcess({ module, permissions, env, log }, events);
}

/** Milliseconds between two ticks for the streams: ten in the shortest time they measure. */
function beatMs({ heartbeatMs, streamLifeMs }: Config): number {
  const times = [heartbeatMs, streamLifeMs].filter((ms) => ms > 0).map((ms) => ms / 10);
  return Math.max(10, Math.min(1000, ...times));
}
