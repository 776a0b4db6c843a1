/**
 * The Deno permission flags that the operator gives task processes.
 *
 * @module
 */

import { readableFolders } from "./kinds_modules.ts";

const FLAG = /^-(A|-(allow|deny)-[a-z]+(=.*)?|-allow-all|[RWNES](=.*)?)$/s;

/** Splits a command line of flags, which may be quoted; `null` if it is not one. */
export function parsePermissionFlags(text: string): string[] | null {
  const flags = words(text);
  return flags?.every((flag) => FLAG.test(flag)) ? flags : null;
}

/**
 * The default: the network, and reading the folders of the modules of kinds. It leaves out a path
 * with a comma, which no flag can name.
 */
export function defaultPermissionFlags(kinds: readonly string[]): string[] {
  const folders = readableFolders(kinds).filter((path) => !path.includes(","));
  return ["--allow-net", ...folders.length > 0 ? [`--allow-read=${folders.join()}`] : []];
}

/** The words of a command line; `null` if a quotation mark has no match. */
function words(text: string): string[] | null {
  if (!/^(?:"[^"]*"|'[^']*'|[^"'])*$/.test(text)) return null;
  return Array.from(
    text.matchAll(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g),
    ([word]) => word.replace(/"([^"]*)"|'([^']*)'/g, "$1$2"),
  );
}
