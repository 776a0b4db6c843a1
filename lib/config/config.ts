/**
 * What a process is set up with.
 *
 * @module
 */

import type { LogLevel } from "../task/define.ts";
import type { Token } from "../http/tokens.ts";

/** A variable is not as it should be; the message names it and says what would be right. */
export class ConfigError extends Error {
  /** Tells it from other errors. */
  override name = "ConfigError";
}

/** What a process is set up with. Times are milliseconds, sizes bytes. */
export interface Config {
  /** Where it listens. */
  host: string;
  /** 0 takes a free one. */
  port: number;
  /** Answers `/metrics`, `/healthz` and `/readyz` alone, in any role; `null` for none. */
  opsPort: number | null;
  /** PEM file of the certificate it shows; `null` for plain HTTP. */
  tlsCert: string | null;
  /** PEM file of its private key. */
  tlsKey: string | null;
  /** A SQLite path, the URL of a KV Connect server, or `""` for the platform's own KV. */
  kv: string;
  /** What it does. */
  role: "all" | "web" | "worker";
  /** Modules with further kinds, as URLs. */
  kinds: string[];
  /** Task processes; 0 runs tasks in the server's own. */
  taskProcesses: number;
  /** Tasks at once in each. */
  concurrency: number;
  /** Deno permission flags of the task processes. */
  taskPermissions: string[];
  /** Silence after which a stream says that it lives; 0 for never. */
  heartbeatMs: number;
  /** How long a stream lives before the client is asked to come again; 0 for as long as it can. */
  streamLifeMs: number;
  /** What a client is told to wait before it comes again. */
  retryMs: number;
  /** Silence after which a process is taken for dead. */
  leaseMs: number;
  /** What tasks and streams get when the process is told to stop. */
  drainMs: number;
  /** Streams at once. */
  maxStreams: number;
  /** Streams at once of one client; 0 for no limit of its own. See `stream_places.ts`. */
  maxStreamsPerClient: number;
  /** Events that wait for a slow reader, at the most. */
  streamQueue: number;
  /** A request's body. */
  maxBody: number;
  /** How long a body may take to arrive, and an upload may pause. */
  bodyTimeoutMs: number;
  /** An upload. */
  maxUpload: number;
  /** All uploads together. */
  uploadQuota: number;
  /** What uploads leave free on the store's disk. */
  minFree: number;
  /** How long finished tasks are kept. */
  retentionMs: number;
  /** Log and output rows kept a task. */
  maxLog: number;
  /** Bytes they may take. */
  maxLogBytes: number;
  /** Who may do what. */
  tokens: Token[];
  /** A file with more of them; `null` for none. */
  tokensFile: string | null;
  /** Anybody who reaches it may do everything. */
  insecure: boolean;
  /** Names by which it may be asked, beside those of this machine. */
  hosts: string[];
  /** Other origins whose pages may use it; `*` for any, without cookies. */
  origins: string[];
  /** `X-Forwarded-For` and `-Proto` are a proxy's, not a client's. */
  trustProxy: boolean;
  /** How long a task's token lives. */
  taskTokenMs: number;
  /** How long a session of the page lives. */
  sessionMs: number;
  /** Writes a second from one client; 0 for any. */
  writeRate: number;
  /** What is logged. */
  log: { level: LogLevel | "off"; pretty: boolean };
}
