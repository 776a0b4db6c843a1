/**
 * The configuration of a process.
 *
 * @module
 */

import type { LogLevel } from "../task/log_level.ts";
import type { Token } from "../http/tokens.ts";

/** A variable is wrong; the message names it and says what would be right. */
export class ConfigError extends Error {
  override name = "ConfigError";
}

/** What is the same as a variable and as an option. Times are milliseconds, sizes bytes. */
export interface Settings {
  /** The address to listen on. */
  host: string;
  /** 0 takes a free one. */
  port: number;
  /** The path below which all is, as `/jobs`; `""` for the root of the host. See `base_path.ts`. */
  basePath: string;
  /** A port that answers only `/metrics`, `/healthz` and `/readyz`, in any role; `null` for none. */
  opsPort: number | null;
  /** PEM file of the certificate; `null` for plain HTTP. */
  tlsCert: string | null;
  /** PEM file of its private key. */
  tlsKey: string | null;
  /** It answers requests, runs tasks, or both. */
  role: "all" | "web" | "worker";
  /** With the kinds that ship. */
  shippedKinds: boolean;
  /** Of each module of kinds; 0 runs tasks in the server's own process. */
  taskProcesses: number;
  /** Tasks at once in each task process. */
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
  /** Streams at once. */
  maxStreams: number;
  /** Streams at once of one token, task or address; 0 for no limit. */
  maxStreamsPerClient: number;
  /** The most events that wait for a slow reader. */
  streamQueue: number;
  /** The largest body of a request. */
  maxBody: number;
  /** How long a body may take to arrive, and an upload may pause. */
  bodyTimeoutMs: number;
  /** The largest upload. */
  maxUpload: number;
  /** All uploads together. */
  uploadQuota: number;
  /** The largest artifact. */
  maxArtifact: number;
  /** Artifacts of each task. */
  maxArtifacts: number;
  /** All artifacts together. */
  artifactQuota: number;
  /** Space that uploads and artifacts leave free on the store's disk. */
  minFree: number;
  /** Schedules that may be made, beside those of kinds. */
  maxSchedules: number;
  /** How long finished tasks are kept. */
  retentionMs: number;
  /** Of these, those that completed. */
  retentionCompletedMs: number;
  /** Those that failed. */
  retentionFailedMs: number;
  /** Those that were canceled. */
  retentionCanceledMs: number;
  /** The longest that a submit may have its task kept; 0 for no limit, also for ever. */
  maxKeepMs: number;
  /** Log rows kept for each task. */
  maxLog: number;
  /** The most bytes of these rows, for each task. */
  maxLogBytes: number;
  /** Outputs kept for each task. */
  maxOutput: number;
  /** The most bytes of these, for each task. */
  maxOutputBytes: number;
  /** A file with more tokens; `null` for none. */
  tokensFile: string | null;
  /** Sign webhooks whose target has no secret of its own: `whsec_…`. */
  webhookSecret: string[];
  /** Hosts and networks that webhooks may be sent to though they are not of the internet. */
  webhookAllow: string[];
  /** Anybody who reaches the server may do everything. */
  insecure: boolean;
  /** Host names that the server answers to, besides those of this machine. */
  hosts: string[];
  /** Other origins whose pages may use the server; `*` for any, without cookies. */
  origins: string[];
  /** `X-Forwarded-For` and `-Proto` come from a proxy, not from the client. */
  trustProxy: boolean;
  /** How long a task's token lives. */
  taskTokenMs: number;
  /** How long a sign-in to the page lasts. */
  sessionMs: number;
  /** Writes a second from one client; 0 for no limit. */
  writeRate: number;
}

/** The configuration of a process: its settings, and what an option says in other words. */
export interface Config extends Settings {
  /** A SQLite path, the URL of a KV Connect server, or `""` for the platform's own KV. */
  kv: string;
  /** URLs of modules with further kinds. */
  kinds: string[];
  tokens: Token[];
  log: { level: LogLevel | "off"; pretty: boolean };
}
