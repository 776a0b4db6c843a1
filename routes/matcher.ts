/**
 * Finds the route of a path.
 *
 * @module
 */

import { byteLength } from "../lib/base/bytes.ts";
import type { RouteContext } from "./app.ts";
import type { Methods, RouteTable } from "./route.ts";

/** Bytes of what is named in a path: no name has more, and a key of the store takes about twice as many. */
const MAX_PARAM = 1024;

/** The entry of the table that a path fits. */
export interface Match {
  path: string;
  methods: Methods;
  params: RouteContext["params"];
}

/** Paths without parameters are looked up; the others are matched in order. */
export function matcher(routes: RouteTable): (path: string) => Match | null {
  const entries = routes.map(([path, methods]) => ({ path, methods, parts: path.split("/") }));
  const patterns = entries.filter(({ path }) => path.includes(":"));
  const fixed = new Map(entries.map((entry) => [entry.path, { ...entry, params: {} }]));
  for (const { path } of patterns) fixed.delete(path);
  return (path) => {
    const found = fixed.get(path);
    if (found) return found;
    const parts = path.split("/");
    for (const pattern of patterns) {
      const params = matchParts(pattern.parts, parts);
      if (params) return { ...pattern, params };
    }
    return null;
  };
}

function matchParts(
  pattern: readonly string[],
  parts: readonly string[],
): RouteContext["params"] | null {
  if (pattern.length !== parts.length) return null;
  const params: RouteContext["params"] = {};
  for (const [n, part] of pattern.entries()) {
    if (part.startsWith(":")) {
      const param = decode(parts[n]!);
      if (byteLength(param) > MAX_PARAM) return null;
      params[part.slice(1)] = param;
    } else if (part !== parts[n]) return null;
  }
  return params;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
