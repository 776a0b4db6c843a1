/**
 * How much space is free on the disk of a file.
 *
 * @module
 */

import { statfs } from "node:fs/promises";
import { dirname, resolve } from "node:path";

/** Sizes are bytes. */
export interface Disk {
  /** Where it is mounted. */
  mount: string;
  /** What this process may still write. */
  free: number;
  size: number;
}

/** The disk of a file, or of the folder where it would be; `null` if the system does not tell. */
export async function diskOf(path: string): Promise<Disk | null> {
  try {
    // Without the permission, Deno would prompt at the terminal.
    const may = await Deno.permissions.query({ name: "sys", kind: "statfs" });
    if (may.state !== "granted") return null;
    const mount = await mountOf(resolve(path));
    const { bavail, blocks, bsize } = await statfs(mount);
    return { mount, free: bavail * bsize, size: blocks * bsize };
  } catch {
    return null;
  }
}

/** The topmost folder on the same device. */
async function mountOf(path: string): Promise<string> {
  let at = await Deno.realPath(path).catch(() => dirname(path));
  const { dev } = await Deno.stat(at);
  while (dirname(at) !== at && (await Deno.stat(dirname(at))).dev === dev) at = dirname(at);
  return at;
}
