/**
 * The environment of a task process: the server's, without the server's own secrets.
 *
 * @module
 */

/** Variables that only the server may have. */
const OF_THE_SERVER = ["HEADWAY_TOKENS", "HEADWAY_WEBHOOK_SECRET", "DENO_KV_ACCESS_TOKEN"];

/** What Deno itself needs when it starts, and tasks do not. */
export const OF_DENO: readonly string[] = [
  "DENO_AUTH_TOKENS",
  "OTEL_EXPORTER_OTLP_HEADERS",
  "OTEL_EXPORTER_OTLP_LOGS_HEADERS",
  "OTEL_EXPORTER_OTLP_METRICS_HEADERS",
  "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
];

/** The environment of a task process. What it prints is for a log: it has no colors. */
export function taskEnvironment(env: Readonly<Record<string, string>>): Record<string, string> {
  const entries = Object.entries(env).filter(([name]) => !OF_THE_SERVER.includes(name));
  return { ...Object.fromEntries(entries), NO_COLOR: "1" };
}
