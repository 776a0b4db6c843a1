/**
 * The path below which Headway is served, such as `/jobs`; `""` if it has the host to itself.
 *
 * @module
 */

/** What one is, for errors. */
export const BASE_PATH_SHAPE =
  "a path such as /jobs, of letters, digits, '-', '.', '_' and '~' between single slashes";

const MAX_LENGTH = 200;

/** Signs that mean the same in an address, a cookie and a header; no `.` or `..`, which lead elsewhere. */
const SHAPE = /^(?:\/(?!\.{1,2}(?:\/|$))[\w.~-]+)*$/;

/** Reads one, with or without a slash at its end; `null` for what cannot be one. */
export function parseBasePath(text: string): string | null {
  const path = text.replace(/\/$/, "");
  return path.length <= MAX_LENGTH && SHAPE.test(path) ? path : null;
}

/**
 * The rest of a path, as `/tasks` of `/jobs/tasks`; `""` of the base path itself, and `null` of one
 * that is not below it.
 */
export function belowBase(base: string, path: string): string | null {
  if (!path.startsWith(base)) return null;
  const rest = path.slice(base.length);
  return rest === "" || rest.startsWith("/") ? rest : null;
}
