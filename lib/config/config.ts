/**
 * The configuration of a process.
 *
 * @module
 */

import type { LogLevel } from "../task/log_level.ts";
import type { Token } from "../http/tokens.ts";

/** A setting is invalid; the message names it and says what would be right. */
export class ConfigError extends Error {
  override name = "ConfigError";
}

/** The settings that variables and options share. Times are milliseconds, sizes bytes. */
export interface Settings {
  /** The address to listen on. */
  host: string;
  /** The port to listen on; 0 takes a free one. */
  port: number;
  /** The path below which everything is served, such as `/jobs`; `""` for the root of the host. */
  basePath: string;
  /** A port that answers only `/metrics`, `/healthz` and `/readyz`, in any role; `null` for none. */
  opsPort: number | null;
  /** PEM file of the certificate; `null` for plain HTTP. */
  tlsCert: string | null;
  /** PEM file of its private key. */
  tlsKey: string | null;
  /** What the process does: it answers requests (`web`), runs tasks (`worker`), or both (`all`). */
  role: "all" | "web" | "worker";
  /** Whether there are the kinds that ship with Headway. */
  shippedKinds: boolean;
  /** Task processes of each module of kinds; 0 runs tasks in the server's own process. */
  taskProcesses: number;
  /** The most tasks at once in each task process. */
  concurrency: number;
  /** How long a task process may take to load its module of kinds. */
  loadMs: number;
  /** Deno permission flags of the task processes. */
  taskPermissions: string[];
  /** Silence after which a stream sends a heartbeat; 0 for never. */
  heartbeatMs: number;
  /** How long a stream lives before its client is asked to reconnect; 0 for no limit. */
  streamLifeMs: number;
  /** How long a client is told to wait before it reconnects. */
  retryMs: number;
  /** Silence after which a process counts as dead. */
  leaseMs: number;
  /** Time that tasks and streams get when the process is told to stop. */
  drainMs: number;
  /** The most streams at once. */
  maxStreams: number;
  /** The most streams at once of one token, task or address; 0 for no limit. */
  maxStreamsPerClient: number;
  /** The most events that wait for a slow reader. */
  streamQueue: number;
  /** The largest body of a request. */
  maxBody: number;
  /** How long a body may take to arrive, and an upload may pause. */
  bodyTimeoutMs: number;
  /** The largest upload. */
  maxUpload: number;
  /** The most that all uploads may take together. */
  uploadQuota: number;
  /** The largest artifact. */
  maxArtifact: number;
  /** The most artifacts of each task. */
  maxArtifacts: number;
  /** The most that all artifacts may take together. */
  artifactQuota: number;
  /** Space that uploads and artifacts leave free on the store's disk. */
  minFree: number;
  /** The most schedules that may be made, besides those of kinds. */
  maxSchedules: number;
  /** How long finished tasks are kept. */
  retentionMs: number;
  /** How long completed tasks are kept. */
  retentionCompletedMs: number;
  /** How long failed tasks are kept. */
  retentionFailedMs: number;
  /** How long canceled tasks are kept. */
  retentionCanceledMs: number;
  /** The longest that a submit may have its task kept; 0 for no limit, which allows `"forever"`. */
  maxKeepMs: number;
  /** The most log rows kept for each task. */
  maxLog: number;
  /** The most bytes of log rows kept for each task. */
  maxLogBytes: number;
  /** The most outputs kept for each task. */
  maxOutput: number;
  /** The most bytes of outputs kept for each task. */
  maxOutputBytes: number;
  /** A file with more tokens; `null` for none. */
  tokensFile: string | null;
  /** The secrets, `whsec_…`, that sign webhooks whose target has none of its own. */
  webhookSecret: string[];
  /** Hosts and networks that webhooks may be sent to although they are private. */
  webhookAllow: string[];
  /** Whether anybody who reaches the server may do everything. */
  insecure: boolean;
  /** Host names that the server answers to, besides those of this machine. */
  hosts: string[];
  /** Other origins whose pages may use the server; `*` for any, without cookies. */
  origins: string[];
  /** Whether `X-Forwarded-For`, `-Proto` and `-Prefix` come from a proxy, not from the client. */
  trustProxy: boolean;
  /** How long a task's token lives. */
  taskTokenMs: number;
  /** How long a sign-in to the page lasts. */
  sessionMs: number;
  /** The most writes a second from one client, on average; 0 for no limit. */
  writeRate: number;
}

/** The configuration of a process: its settings, and what options give in another form. */
export interface Config extends Settings {
  /** A SQLite path, the URL of a KV Connect server, or `""` for the platform's own KV. */
  kv: string;
  /** URLs of modules with further kinds. */
  kinds: string[];
  tokens: Token[];
  log: { level: LogLevel | "off"; pretty: boolean };
}
