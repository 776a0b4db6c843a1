/**
 * Links to a task's artifacts.
 *
 * @module
 */

import type { Token } from "../client.d.ts";
import { bearer, serverUrl } from "../requests.ts";

/** A link to a file of a task, by its name. */
export function artifactLink(
  base: string | undefined,
  id: string,
  name: string,
): HTMLAnchorElement {
  const link = document.createElement("a");
  const server = serverUrl(base, import.meta.url);
  link.href = `${server}/tasks/${id}/artifacts/${encodeURIComponent(name)}`;
  link.textContent = name;
  link.className = "artifact";
  link.setAttribute("part", "artifact");
  link.dir = "auto";
  return link;
}

/** An address with a token in it, for a browser that opens it by itself and sends no header. */
export async function withToken(url: string, token: Token): Promise<string> {
  const { authorization } = await bearer(token);
  if (authorization === undefined) return url;
  return `${url}?${new URLSearchParams({ token: authorization.slice("Bearer ".length) })}`;
}
