/**
 * The table of the configuration's variables.
 *
 * @module
 */

import { isAbsolute, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { MAX_ARTIFACTS } from "../task/artifact_list.ts";
import type { LogLevel } from "../task/log_level.ts";
import { MAX_SECRETS, parseSecrets, SECRET_SHAPE } from "../task/notify.ts";
import { ALLOW_SHAPE, parseAllowed } from "../webhooks/reach.ts";
import { BASE_PATH_SHAPE, parseBasePath } from "../http/base_path.ts";
import { parseTokens, TOKEN_SHAPE } from "../http/tokens.ts";
import { ConfigError } from "./config.ts";
import { defaultPermissionFlags, parsePermissionFlags } from "./permission_flags.ts";
import { file, flag, list, renamed, text, type Variable, whole, wrong } from "./variable.ts";

const MiB = 1024 * 1024;
const HOUR = 3600_000;
const DAY = 24 * HOUR;

const ms = { unit: "milliseconds" };

/** In the order of `--help`. */
export const VARIABLES: readonly Variable[] = [
  text("HEADWAY_HOST", "127.0.0.1", "address to listen on", (text, config) => {
    config.host = text ?? "127.0.0.1";
  }),
  whole("HEADWAY_PORT", "port", 8000, "port; 0 takes a free one and prints it", { max: 65535 }),
  text(
    "HEADWAY_BASE_PATH",
    "/",
    "path prefix of all addresses, such as /jobs",
    (text, config) => {
      const path = parseBasePath(text ?? "");
      if (path === null) throw wrong("HEADWAY_BASE_PATH", text!, BASE_PATH_SHAPE);
      config.basePath = path;
    },
  ),
  file("HEADWAY_TLS_CERT", "tlsCert", "PEM file with a certificate, to serve HTTPS and HTTP/2"),
  file("HEADWAY_TLS_KEY", "tlsKey", "PEM file with its private key"),
  text(
    "HEADWAY_OPS_PORT",
    "none",
    "a separate port for /metrics, /healthz and /readyz, in any role",
    (text, config) => {
      if (text !== undefined && !(/^\d+$/.test(text) && Number(text) <= 65535)) {
        throw wrong("HEADWAY_OPS_PORT", text, "a whole number from 0 to 65535");
      }
      config.opsPort = text === undefined ? null : Number(text);
    },
  ),
  text(
    "HEADWAY_KV",
    ".headway/headway.db",
    "SQLite path, or http(s):// URL of a KV Connect server",
    (text, config) => {
      const value = text ?? ".headway/headway.db";
      if (/^[a-z]+:\/\//.test(value) && !/^https?:\/\//.test(value)) {
        throw wrong("HEADWAY_KV", value, "a path or an http(s):// URL");
      }
      config.kv = value === ":memory:" || /^https?:/.test(value) ? value : resolve(value);
    },
  ),
  text("HEADWAY_ROLE", "all", "web, worker or all", (text, config) => {
    const role = text ?? "all";
    if (role !== "all" && role !== "web" && role !== "worker") {
      throw wrong("HEADWAY_ROLE", role, "web, worker or all");
    }
    config.role = role;
  }),
  text(
    "HEADWAY_KINDS",
    "none",
    "modules with your own kinds, separated by commas",
    (text, config) => {
      config.kinds = list(text)
        .map((path) => /^(file|https?|npm|jsr):/.test(path) ? path : fileUrl(path));
    },
  ),
  flag(
    "HEADWAY_SHIPPED_KINDS",
    "shippedKinds",
    "0 leaves out the kinds that ship with Headway",
    true,
  ),
  renamed(
    "HEADWAY_WORKERS",
    whole(
      "HEADWAY_TASK_PROCESSES",
      "taskProcesses",
      1,
      "task processes for each module; 0 runs tasks in the server process",
      {
        max: 256,
      },
    ),
  ),
  whole("HEADWAY_CONCURRENCY", "concurrency", 1000, "tasks that each of them runs at once", {
    min: 1,
    max: 100_000,
  }),
  whole("HEADWAY_LOAD_MS", "loadMs", 60_000, "how long a module of kinds may take to load", {
    ...ms,
    min: 100,
    max: 3_600_000,
  }),
  text(
    "HEADWAY_TASK_PERMISSIONS",
    "net, read",
    "Deno permission flags of the task processes",
    (text, config) => {
      const flags = text === undefined
        ? defaultPermissionFlags(config.kinds)
        : parsePermissionFlags(text);
      if (flags === null) {
        throw wrong(
          "HEADWAY_TASK_PERMISSIONS",
          text!,
          "Deno permission flags, such as '--allow-net --allow-read=data'",
        );
      }
      config.taskPermissions = flags;
    },
  ),
  whole(
    "HEADWAY_HEARTBEAT_MS",
    "heartbeatMs",
    15_000,
    "silence before a stream's heartbeat; 0 for never",
    ms,
  ),
  whole(
    "HEADWAY_STREAM_LIFE_MS",
    "streamLifeMs",
    600_000,
    "how long a stream lives, jittered; 0 for no limit",
    ms,
  ),
  whole("HEADWAY_RETRY_MS", "retryMs", 2000, "a client's wait before it reconnects, jittered", {
    ...ms,
    min: 1,
    max: 3_600_000,
  }),
  whole("HEADWAY_LEASE_MS", "leaseMs", 3000, "silence before a process counts as dead", {
    ...ms,
    min: 100,
    max: 3_600_000,
  }),
  whole(
    "HEADWAY_DRAIN_MS",
    "drainMs",
    10_000,
    "time for tasks and streams to stop on SIGTERM; 0 for none",
    {
      ...ms,
      max: 3_600_000,
    },
  ),
  whole("HEADWAY_MAX_STREAMS", "maxStreams", 10_000, "streams at once", { min: 1 }),
  text(
    "HEADWAY_MAX_STREAMS_PER_CLIENT",
    "a tenth of them, or 100",
    "streams at once of one token, task or address; 0 for no limit",
    (text, config) => {
      const value = text === undefined
        ? Math.max(100, Math.ceil(config.maxStreams / 10))
        : /^\d+$/.test(text)
        ? Number(text)
        : NaN;
      if (!Number.isSafeInteger(value)) {
        throw wrong("HEADWAY_MAX_STREAMS_PER_CLIENT", text!, "a whole number from 0");
      }
      config.maxStreamsPerClient = value;
    },
  ),
  whole("HEADWAY_STREAM_QUEUE", "streamQueue", 256, "events held for a slow reader", { min: 1 }),
  whole("HEADWAY_MAX_BODY", "maxBody", MiB, "largest body of a request", { unit: "bytes", min: 1 }),
  whole(
    "HEADWAY_BODY_TIMEOUT_MS",
    "bodyTimeoutMs",
    30_000,
    "how long a body may take, and an upload may pause",
    {
      ...ms,
      min: 1,
      max: 2 ** 31 - 1,
    },
  ),
  whole("HEADWAY_MAX_UPLOAD", "maxUpload", 100 * MiB, "largest upload", { unit: "bytes", min: 1 }),
  whole("HEADWAY_UPLOAD_QUOTA", "uploadQuota", 10 * 1024 * MiB, "all uploads together", {
    unit: "bytes",
    min: 1,
  }),
  whole("HEADWAY_MAX_ARTIFACT", "maxArtifact", 1024 * MiB, "largest artifact", {
    unit: "bytes",
    min: 1,
  }),
  whole("HEADWAY_MAX_ARTIFACTS", "maxArtifacts", MAX_ARTIFACTS, "artifacts of each task", {
    max: MAX_ARTIFACTS,
  }),
  whole("HEADWAY_ARTIFACT_QUOTA", "artifactQuota", 10 * 1024 * MiB, "all artifacts together", {
    unit: "bytes",
    min: 1,
  }),
  whole(
    "HEADWAY_MIN_FREE",
    "minFree",
    256 * MiB,
    "space that uploads and artifacts leave free on the store's disk",
    {
      unit: "bytes",
    },
  ),
  whole(
    "HEADWAY_MAX_SCHEDULES",
    "maxSchedules",
    1000,
    "schedules besides those that kinds define",
    {
      max: 10_000,
    },
  ),
  whole("HEADWAY_RETENTION_MS", "retentionMs", 7 * DAY, "how long finished tasks are kept", ms),
  retention("HEADWAY_RETENTION_COMPLETED_MS", "retentionCompletedMs", "those that completed"),
  retention("HEADWAY_RETENTION_FAILED_MS", "retentionFailedMs", "those that failed"),
  retention("HEADWAY_RETENTION_CANCELED_MS", "retentionCanceledMs", "those that were canceled"),
  whole(
    "HEADWAY_MAX_KEEP_MS",
    "maxKeepMs",
    365 * DAY,
    "longest 'keep' of a submit; 0 for no limit, and to allow 'forever'",
    ms,
  ),
  whole("HEADWAY_MAX_LOG", "maxLog", 10_000, "log rows kept for each task", { min: 1 }),
  whole("HEADWAY_MAX_LOG_BYTES", "maxLogBytes", 64 * MiB, "bytes that these rows may take", {
    unit: "bytes",
    min: 64 * 1024,
  }),
  whole("HEADWAY_MAX_OUTPUT", "maxOutput", 100_000, "outputs kept for each task", { min: 1 }),
  whole("HEADWAY_MAX_OUTPUT_BYTES", "maxOutputBytes", 64 * MiB, "bytes that these may take", {
    unit: "bytes",
    min: 64 * 1024,
  }),
  text(
    "HEADWAY_TOKENS",
    "none",
    `tokens, as ${TOKEN_SHAPE},…; scopes: admin, submit, read; secrets of 16 characters or more`,
    (text, config) => {
      try {
        config.tokens = text === undefined ? [] : parseTokens(text);
      } catch (error) {
        // Not with wrong(): the value holds secrets.
        const why = (error as Error).message;
        throw new ConfigError(
          `HEADWAY_TOKENS must be ${TOKEN_SHAPE}, separated by commas: ${why}`,
        );
      }
    },
  ),
  file("HEADWAY_TOKENS_FILE", "tokensFile", "a file with more tokens, one a line"),
  text(
    "HEADWAY_WEBHOOK_SECRET",
    "none",
    "signs webhooks: 'whsec_…', several separated by spaces while you rotate them",
    (text, config) => {
      const secrets = text === undefined ? [] : parseSecrets(text);
      // Not with wrong(): the value is secret.
      if (secrets === null) {
        throw new ConfigError(
          `HEADWAY_WEBHOOK_SECRET must be ${SECRET_SHAPE}; at most ${MAX_SECRETS}, separated by spaces`,
        );
      }
      config.webhookSecret = secrets;
    },
  ),
  text(
    "HEADWAY_WEBHOOK_ALLOW",
    "none",
    "private hosts and networks that webhooks may go to",
    (text, config) => {
      config.webhookAllow = list(text);
      if (parseAllowed(config.webhookAllow) !== null) return;
      throw wrong("HEADWAY_WEBHOOK_ALLOW", text!, `${ALLOW_SHAPE}, separated by commas`);
    },
  ),
  flag("HEADWAY_INSECURE", "insecure", "1 lets anybody in without a token, on any address"),
  text(
    "HEADWAY_HOSTS",
    "any or local",
    "host names it answers to, such as 'x.example'",
    (text, config) => {
      config.hosts = list(text).map((name) => {
        const hostname = URL.parse(`http://${name}`)?.hostname;
        if (hostname === name.toLowerCase()) return hostname;
        throw wrong("HEADWAY_HOSTS", text!, "host names without ports, separated by commas");
      });
    },
  ),
  text(
    "HEADWAY_ORIGINS",
    "none",
    "other origins whose pages may use it, such as 'https://x.example'; * for any",
    (text, config) => {
      config.origins = list(text);
      for (const origin of config.origins) {
        if (origin === "*" || isOrigin(origin)) continue;
        throw wrong(
          "HEADWAY_ORIGINS",
          text!,
          "origins such as https://x.example, separated by commas",
        );
      }
    },
  ),
  flag("HEADWAY_TRUST_PROXY", "trustProxy", "1 trusts X-Forwarded-For, -Proto and -Prefix"),
  whole("HEADWAY_TASK_TOKEN_MS", "taskTokenMs", HOUR, "how long a task's token lives", {
    ...ms,
    min: 1000,
  }),
  whole("HEADWAY_SESSION_MS", "sessionMs", 12 * HOUR, "how long a sign-in to the page lasts", {
    ...ms,
    min: 1000,
  }),
  whole(
    "HEADWAY_WRITE_RATE",
    "writeRate",
    0,
    "writes per second from one client, in bursts of up to ten seconds' worth; 0 for no limit",
  ),
  text("HEADWAY_LOG", "info", "debug, info, warn, error, off, or pretty", (text, config) => {
    const value = text ?? "info";
    if (!["debug", "info", "warn", "error", "off", "pretty"].includes(value)) {
      throw wrong("HEADWAY_LOG", value, "debug, info, warn, error, off or pretty");
    }
    config.log = value === "pretty"
      ? { level: "info", pretty: true }
      : { level: value as LogLevel, pretty: false };
  }),
];

/** How long tasks that ended in one way are kept; as long as all finished ones if not set. */
function retention(
  name: string,
  field: "retentionCompletedMs" | "retentionFailedMs" | "retentionCanceledMs",
  which: string,
): Variable {
  return text(name, "HEADWAY_RETENTION_MS", `of these, ${which}`, (text, config) => {
    if (text === undefined) config[field] = config.retentionMs;
    else whole(name, field, 0, "", ms).read(text, config);
  });
}

function isOrigin(text: string): boolean {
  // A '*' inside a name would look as if it matched something.
  return /^[^*]+$/.test(text) && text !== "null" && URL.parse(text)?.origin === text;
}

function fileUrl(path: string): string {
  return pathToFileURL(isAbsolute(path) ? path : resolve(path)).href;
}
