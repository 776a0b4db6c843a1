/**
 * The modules of kinds: where each is, which configuration it loads with, and what to do about one
 * that cannot be loaded.
 *
 * @module
 */

import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { PROJECT } from "./project.ts";

const OWN_CONFIG = PROJECT && join(PROJECT, "deno.json");

/** Flags for a module that has no project. */
const NO_PROJECT = ["--no-config", "--no-lock"];

const [, PACKAGE, VERSION] =
  /^https:\/\/jsr\.io\/(@[^/]+\/[^/]+)\/([^/]+)\//.exec(import.meta.url) ??
    [];
/** The package as a user's project imports it; `null` if it was not loaded from JSR. */
const PUBLISHED = PACKAGE ? `jsr:${PACKAGE}@^${VERSION}` : null;

/** The entries that the import map of a user's project needs. */
export const IMPORTS: Readonly<Record<"headway" | "zod", string>> = {
  headway: PUBLISHED ?? placeOf("lib/mod.ts"),
  zod: "npm:zod@^4.0.0",
};

/** The main module, for `deno run`. */
export const PROGRAM: string = PUBLISHED ? `${PUBLISHED}/main` : placeOf("main.ts");

/** Flags for a lone file without Headway's configuration: its imports mean the same as with that. */
const LONE_FILE = [
  ...NO_PROJECT,
  `--import-map=data:application/json,${
    encodeURIComponent(JSON.stringify({ imports: { ...IMPORTS, headway: placeOf("lib/mod.ts") } }))
  }`,
];

/** The name, in messages, of the tasks that a program gives as values. */
const IN_PROCESS = "this program";

/** A module, as task processes load it. */
export interface KindsModuleSource {
  readonly url: string;
  /** Its name in messages. */
  readonly name: string;
  /** Flags of Deno that give it its project's configuration. */
  readonly flags: readonly string[];
  /** The `deno.json` of its project, if it has one. */
  readonly config: string | null;
  /** What it exports, if no process has to load it. */
  readonly exports?: Readonly<Record<string, unknown>>;
}

/** A module whose exports the program has already. */
export function kindsInProcess(exports: Readonly<Record<string, unknown>>): KindsModuleSource {
  return { url: IN_PROCESS, name: IN_PROCESS, flags: [], config: OWN_CONFIG, exports };
}

/** The module of the kinds that ship with Headway, which imports nothing beyond Headway's lock. */
export const SHIPPED_MODULE: KindsModuleSource = {
  url: new URL("../kinds/mod.ts", import.meta.url).href,
  name: "headway",
  flags: OWN_CONFIG === null ? NO_PROJECT : [`--config=${OWN_CONFIG}`, "--frozen"],
  config: OWN_CONFIG,
};

/**
 * A module of the user's: it gets the nearest `deno.json` above it and that project's lock, or else
 * Headway's configuration, to whose lock it adds nothing.
 */
export async function kindsModule(url: string): Promise<KindsModuleSource> {
  const path = url.startsWith("file:") ? fileURLToPath(url) : null;
  const config = path === null ? OWN_CONFIG : await nearestConfig(dirname(path)) ?? OWN_CONFIG;
  const flags = config === null
    ? LONE_FILE
    : [`--config=${config}`, ...config === OWN_CONFIG ? ["--no-lock"] : []];
  return { url, name: path === null ? url : shownPath(path), flags, config };
}

async function nearestConfig(folder: string): Promise<string | null> {
  for (const name of ["deno.json", "deno.jsonc"]) {
    const path = join(folder, name);
    if (await Deno.stat(path).then(({ isFile }) => isFile, () => false)) return path;
  }
  const parent = dirname(folder);
  return parent === folder ? null : await nearestConfig(parent);
}

/** A file of Headway's: its path, or its URL if it is not a file of this machine. */
function placeOf(name: string): string {
  return PROJECT === null ? new URL(`../../${name}`, import.meta.url).href : join(PROJECT, name);
}

/** A path as one would type it in the current folder. */
function shownPath(path: string): string {
  const short = relative(Deno.cwd(), path);
  return short.startsWith("..") ? path : `./${short}`;
}

/** The folders that tasks may read by default: this project, and those of the modules of kinds. */
export function readableFolders(kinds: readonly string[]): string[] {
  const files = kinds.filter((url) => url.startsWith("file:"));
  const folders = [
    ...PROJECT === null ? [] : [PROJECT],
    ...files.map((url) => fileURLToPath(new URL("./", url))),
  ];
  return [...new Set(folders.map((path) => path.replace(/(?<=.)\/$/, "")))];
}

/** Why a module could not be loaded, in one line, and what to do about it if that is known. */
export function explainFailure(
  { config }: Pick<KindsModuleSource, "config">,
  permissions: readonly string[],
  failure: string,
): string {
  const reason = failure.replace(/\s+/g, " ").trim();
  const access = /Requires (\w+) access(?: to "([^"]*)")?/.exec(reason);
  if (access) {
    const [, what = "", value] = access;
    const flags = withPermission(permissions, `--allow-${what}`, value).map(quoted).join(" ");
    return `${reason}: set HEADWAY_TASK_PERMISSIONS="${flags}"`;
  }
  const [, name] =
    /"(headway|@headway\/server)"\)? (?:not a dependency|not prefixed)/.exec(reason) ??
      [];
  if (name !== undefined) {
    const line = `"${name}": ${JSON.stringify(IMPORTS.headway)}`;
    return `${reason}: add ${line} to the "imports" of ${config ?? "a deno.json beside it"}`;
  }
  return reason;
}

/** The flags with one more value in one of them. */
function withPermission(flags: readonly string[], name: string, value?: string): string[] {
  const known = flags.find((flag) => flag.startsWith(`${name}=`));
  const flag = value === undefined ? name : known ? `${known},${value}` : `${name}=${value}`;
  return [...flags.filter((flag) => flag !== known && flag !== name), flag];
}

function quoted(flag: string): string {
  return /\s/.test(flag) ? `'${flag}'` : flag;
}
