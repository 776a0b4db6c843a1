/**
 * The path below which Headway is served, such as `/jobs`; `""` if it has the host to itself.
 *
 * @module
 */

/** What a base path is, for error messages. */
export const BASE_PATH_SHAPE =
  "a path such as /jobs, of letters, digits, '-', '.', '_' and '~' between single slashes";

const MAX_LENGTH = 200;

/** Characters that mean the same in URLs, cookies and headers; no `.` or `..`, which lead elsewhere. */
const SHAPE = /^(?:\/(?!\.{1,2}(?:\/|$))[\w.~-]+)*$/;

/** Reads a base path, with or without a slash at its end; `null` if it is not valid. */
export function parseBasePath(text: string): string | null {
  const path = text.replace(/\/$/, "");
  return path.length <= MAX_LENGTH && SHAPE.test(path) ? path : null;
}

/**
 * The rest of a path, such as `/tasks` of `/jobs/tasks`; `""` for the base path itself, and `null` for
 * a path that is not below it.
 */
export function belowBase(base: string, path: string): string | null {
  if (!path.startsWith(base)) return null;
  const rest = path.slice(base.length);
  return rest === "" || rest.startsWith("/") ? rest : null;
}
