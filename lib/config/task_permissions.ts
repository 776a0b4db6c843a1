/**
 * The permission flags of task processes: those of the operator, and `--deny` flags that keep the
 * server's own files out of reach. Deno compares paths by name, without following symlinks.
 *
 * @module
 */

import { join, relative, resolve } from "node:path";
import { realName, type ServerFiles } from "./server_files.ts";

export interface TaskPermissions {
  /** For `deno run`. */
  flags: string[];
  /** Ways to the server's files that the flags leave open, a sentence each; usually none. */
  gaps: string[];
}

/** `values` are paths, hosts and so on; `null` when the flag is for all of them. */
interface Flag {
  verb: "allow" | "deny";
  what: string;
  values: string[] | null;
}

const SHORT: Record<string, string> = { R: "read", W: "write", N: "net", E: "env", S: "sys" };

function parse(flag: string): Flag {
  const [, name = "", list] = /^--?([^=]+)(?:=(.*))?$/s.exec(flag)!;
  const [, verb = "allow", what = name] = /^(allow|deny)-(.*)$/.exec(name) ?? [];
  const values = list === undefined ? null : list.split(",");
  if (name === "A" || what === "all") return { verb: "allow", what: "all", values: null };
  return { verb: verb as Flag["verb"], what: SHORT[what] ?? what, values };
}

/** Adds flags to the operator's that keep tasks from the server's files. */
export async function taskPermissions(
  given: readonly string[],
  { secret, code }: ServerFiles,
): Promise<TaskPermissions> {
  const flags = given.map(parse);
  const refusesAll = (what: string) =>
    flags.some((flag) => flag.verb === "deny" && flag.what === what && flag.values === null);
  const grants = (what: string) =>
    flags.filter((flag) => flag.verb === "allow" && (flag.what === what || flag.what === "all"));
  const roots = (what: string) =>
    grants(what).flatMap(({ values }) => values ?? ["/"]).map((path) => resolve(path));
  const refusals: string[] = [];
  const refused = {
    read: await withAliases(secret, roots("read")),
    write: await withAliases([...secret, ...code], roots("write")),
  };
  for (const what of ["read", "write"] as const) {
    // A flag that denies some paths would replace one that denies all.
    if (!refusesAll(what)) refusals.push(...refused[what].map((path) => denial(what, path)));
  }
  const kept = given.filter((flag) => {
    const { verb, what, values } = parse(flag);
    return !(verb === "deny" && values !== null && refusesAll(what));
  });

  const gaps: string[] = [];
  const may = (what: string) => grants(what).length > 0 && !refusesAll(what);
  if (may("run")) gaps.push("programs that tasks start may read and write what the server may");
  if (may("ffi")) gaps.push("native code that tasks load may do what the server may");
  if (may("write") && movable(refused.write, roots("write"))) {
    gaps.push(
      "tasks may move folders that the server's files are in: let them write to folders beside those",
    );
  }
  return { flags: [...kept, ...refusals], gaps };
}

/** The paths, and their names below a granted path that is a symlink. */
async function withAliases(paths: readonly string[], roots: string[]): Promise<string[]> {
  const names = new Set(paths);
  for (const root of roots) {
    const real = await realName(root);
    if (real === root) continue;
    for (const path of paths) {
      if (isWithin(path, real)) names.add(join(root, relative(real, path)));
    }
  }
  return [...names];
}

/**
 * Whether a task can rename a folder between a granted path and a denied one, and so move the denied
 * one to a path that no flag denies. A granted path itself can be moved into another one.
 */
function movable(refused: readonly string[], roots: readonly string[]): boolean {
  return refused.some((path) =>
    roots.some((root) => {
      if (!isWithin(path, root)) return false;
      const between = relative(root, path).split("/").length - 1;
      const elsewhere = (other: string) =>
        other !== root && !isWithin(other, root) && !isWithin(root, other);
      return between > 0 || roots.some(elsewhere);
    })
  );
}

function isWithin(path: string, folder: string): boolean {
  return path !== folder && path.startsWith(folder === "/" ? folder : `${folder}/`);
}

/** Flags have no escape for a comma: a path with one is denied together with its whole folder. */
function denial(what: "read" | "write", path: string): string {
  const comma = path.indexOf(",");
  const whole = comma < 0 ? path : path.slice(0, Math.max(1, path.lastIndexOf("/", comma)));
  return `--deny-${what}=${whole}`;
}
