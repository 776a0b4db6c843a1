/**
 * Headway as a program of its own: a server with the environment as its options, which ends with
 * the process.
 *
 * @module
 */

import { createLogger } from "../lib/base/log.ts";
import { deadline } from "../lib/base/deadline.ts";
import { ConfigError } from "../lib/config/config.ts";
import { namedByFlag, requireFiles } from "../lib/config/flags.ts";
import { readConfig } from "../lib/config/read_config.ts";
import { FileInUseError } from "../lib/kv/file_lock.ts";
import { SchemaError } from "../lib/kv/migrations.ts";
import { StoreOpenError } from "../lib/kv/store_file.ts";
import { longestStopMs } from "../lib/server.ts";
import { unbuiltFolder } from "../routes/static_file.ts";
import { buildPage } from "./build_page.ts";
import type { Embedded } from "./embedded.ts";
import { open } from "./open.ts";

type Settings = Readonly<Record<string, string>>;

// deno-lint-ignore no-console -- what a person reads at a terminal
const print = console.log;

/**
 * Starts the server. It drains on SIGTERM, and stops at once on SIGINT.
 *
 * @param settings Settings that override the environment's.
 */
export async function serve(settings: Settings): Promise<void> {
  const jobs = await openByEnvironment(settings).catch((error) => {
    throw namedByFlag(error, settings);
  });
  const { server } = jobs;
  // Files that are open stay so; no other file can be written from now on.
  await Deno.permissions.revoke({ name: "write" });
  // An orchestrator sends SIGTERM. SIGINT comes from a person at a terminal, who does not want to wait.
  Deno.addSignalListener("SIGTERM", () => void closeAndExit(jobs, server.config.drainMs));
  Deno.addSignalListener("SIGINT", () => void closeAndExit(jobs, 0));
  await server.kinds.loaded;
  // Last: whoever reads this may at once send a signal, or a task of any kind.
  if (server.opsUrl) print(`Metrics are at ${server.opsUrl}/metrics`);
  print(server.url ? `Headway is at ${server.url}` : "Headway runs tasks from its store");
}

/** Prints what the operator can fix as one sentence, anything else in full, and exits with 1. */
export function exitWith(error: unknown): never {
  const known = error instanceof ConfigError || error instanceof FileInUseError ||
    error instanceof StoreOpenError || error instanceof SchemaError ||
    error instanceof TypeError || error instanceof Deno.errors.AddrInUse;
  // deno-lint-ignore no-console -- the log may not exist yet
  console.error(known ? `headway: ${(error as Error).message}` : error);
  Deno.exit(1);
}

async function openByEnvironment(settings: Settings): Promise<Embedded> {
  const warnings: string[] = [];
  const config = readConfig(
    (name) => settings[name] ?? Deno.env.get(name),
    (sentence) => warnings.push(sentence),
  );
  if (settings.HEADWAY_KINDS !== undefined) await requireFiles(config.kinds);
  if (config.role !== "worker") warnings.push(...await buildPage(await unbuiltFolder()));
  const log = createLogger(config.log);
  for (const sentence of warnings) log.warn(sentence);
  const deployed = Deno.env.get("DENO_DEPLOYMENT_ID") !== undefined;
  // Deno Deploy kills five seconds after its SIGINT.
  const options = { log, ownsProcess: true };
  const jobs = await open(config, deployed ? { ...options, graceMs: 2000 } : options);
  if (jobs.server.auth.required && Deno.env.get("OTEL_DENO") === "true") {
    log.warn(
      "Deno's traces hold whole addresses, '?token=' included: have the collector drop url.full and url.query",
    );
  }
  return jobs;
}

async function closeAndExit(jobs: Embedded, drainMs: number): Promise<void> {
  await deadline(jobs.close({ drainMs }), longestStopMs(drainMs), () => Deno.exit(1));
  Deno.exit(0);
}
