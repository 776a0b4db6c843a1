/**
 * Puts all of Headway together: a server, its routes, and what calls them without HTTP. It serves
 * the program (`main.ts`), programs that Headway is part of (`headway()`), and tests.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import denoJson from "../deno.json" with { type: "json" };
import { collectKinds } from "../lib/child/load_kinds.ts";
import { type Config, ConfigError } from "../lib/config/config.ts";
import { inOptions, readOptions } from "../lib/config/read_options.ts";
import type { Headway, HeadwayOptions, KindsGiven } from "../lib/headway.ts";
import { Server, type ServerOptions } from "../lib/server.ts";
import { isTask } from "../lib/task/define.ts";
import { createLocal } from "../routes/local.ts";
import { createHandler, OPS_ROUTES, ROUTES } from "../routes/mod.ts";
import { pageProblem, unbuiltFolder } from "../routes/static_file.ts";
import { Embedded } from "./embedded.ts";

/** The options of a server, besides its configuration. */
export interface StartOptions extends Omit<ServerOptions, "version" | "environment"> {
  /** Reads the environment of which task processes get a part. @default {that of this process} */
  environment?: () => Record<string, string>;
  /** Whether it listens at the port of its configuration. @default {true} */
  listens?: boolean;
  /**
   * The address at which another server takes its requests, if that is known.
   * @default {that of its configuration}
   */
  mountedAt?: string | undefined;
}

/**
 * Starts a server, within a program or as one of its own.
 *
 * @throws {ConfigError} If others could reach it and nothing keeps them out.
 * @throws {FileInUseError} If another server has the SQLite file.
 * @throws {StoreOpenError} If the store cannot be opened.
 * @throws {Deno.errors.AddrInUse} If another program has the port.
 */
export async function open(
  config: Config,
  { listens = true, mountedAt, ...options }: StartOptions = {},
): Promise<Embedded> {
  const environment = () => Deno.env.toObject();
  const server = await Server.open(config, { version: denoJson.version, environment, ...options });
  const handler = createHandler(server);
  const mounted = mountedAt === undefined
    ? handler
    : createHandler(server, ROUTES, config.basePath, mountedAt);
  await server.listen({
    web: listens ? handler : undefined,
    ops: createHandler(server, OPS_ROUTES, ""),
  });
  return new Embedded(server, mounted, createLocal(server));
}

/** As {@link open}, but returns the server alone. */
export async function start(config: Config, options: StartOptions = {}): Promise<Server> {
  return (await open(config, options)).server;
}

/** Implements `headway()`. */
export async function openHeadway(options: HeadwayOptions): Promise<Headway> {
  const { kinds, kv, path, authorize, onError, ...settings } = options;
  const { modules, tasks } = sorted(kinds);
  const handle = isHandle(kv) ? { kv } : {};
  try {
    if (authorize !== undefined && typeof authorize !== "function") {
      throw new ConfigError("'authorize' must be a function of a request");
    }
    if (onError !== undefined && typeof onError !== "function") {
      throw new ConfigError("'onError' must be a function of an error and what failed");
    }
    const config = readOptions({
      ...settings,
      shippedKinds: settings.shippedKinds ?? false,
      kinds: modules,
      path,
      kv: isHandle(kv) ? ":memory:" : kv instanceof URL ? locationOf(kv) : kv,
    }, platform);
    // Another server that takes our requests may listen at any address. Unless something else says who
    // may ask, requests must come from this machine.
    const guarded = authorize || config.tokens.length > 0 || config.tokensFile || config.insecure;
    const listens = settings.port !== undefined;
    const anywhere = settings.host === undefined && guarded && !listens;
    const mountedAt = anywhere ? "0.0.0.0" : undefined;
    const jobs = await open(config, { tasks, authorize, onError, listens, mountedAt, ...handle });
    const unbuilt = await unbuiltFolder();
    if (unbuilt !== null) jobs.server.log.warn(pageProblem(unbuilt));
    // Definitions load at once, unlike modules.
    if (modules.length === 0 && !config.shippedKinds) await jobs.server.kinds.loaded;
    return jobs;
  } catch (error) {
    if (error instanceof Error) error.message = inOptions(error.message);
    throw error;
  }
}

/** Sorts kinds into modules, as text, and definitions, as a module would export them. */
function sorted(
  kinds: KindsGiven | undefined,
): { modules: string[]; tasks: Record<string, unknown> | undefined } {
  if (kinds === undefined) return { modules: [], tasks: undefined };
  if (isModule(kinds)) return { modules: [String(kinds)], tasks: undefined };
  const given: unknown[] = Array.isArray(kinds) ? kinds : isTask(kinds) ? [kinds] : [];
  const modules = given.filter(isModule).map(String);
  const values = given.length > 0 ? given.filter((one) => !isModule(one)) : Object.values(kinds);
  if (values.length === 0) return { modules, tasks: undefined };
  if (given.length > 0 && !values.every(isTask)) {
    throw new ConfigError("'kinds' must be URLs or paths of modules, or values of defineTask()");
  }
  const tasks = { ...values };
  try {
    collectKinds(tasks);
  } catch (error) {
    throw new ConfigError(`'kinds' cannot be used: ${(error as Error).message}`);
  }
  return { modules, tasks };
}

function isModule(value: unknown): value is string | URL {
  return typeof value === "string" || value instanceof URL;
}

function isHandle(kv: HeadwayOptions["kv"]): kv is Deno.Kv {
  return typeof kv === "object" && !(kv instanceof URL);
}

function locationOf(kv: URL): string {
  return kv.protocol === "file:" ? fileURLToPath(kv) : kv.href;
}

/** A variable of the environment, if this program may read it without being asked. */
function platform(variable: string): string | undefined {
  const { state } = Deno.permissions.querySync({ name: "env", variable });
  return state === "granted" ? Deno.env.get(variable) : undefined;
}
