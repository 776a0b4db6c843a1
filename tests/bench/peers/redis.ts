/**
 * What the peers on Redis share: the server's options, and the packages of npm.
 *
 * @module
 */

/** When Redis flushes its append-only file: each second, or before it answers a write. */
export type Fsync = "everysec" | "always";

/** npm installs these when the bench runs, so that the project does not depend on them. */
const PACKAGES = ["bullmq@6.7.0", "ioredis@5.11.1"];

/** The programs that a peer on Redis needs. */
export const REDIS_NEEDS = ["node", "npm", "redis-server"];

/** A redis-server that keeps everything in an append-only file. */
export function redisArguments(port: number, directory: string, fsync: Fsync): string[] {
  const options = {
    port,
    bind: "127.0.0.1",
    dir: directory,
    appendonly: "yes",
    appendfsync: fsync,
    save: "",
    // Each blocking read needs a connection of its own.
    maxclients: 5000,
  };
  return Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
}

/** The folder of the packages, which are installed on first use. */
export async function install(): Promise<string> {
  const base = Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME")}/.cache`;
  const directory = `${base}/headway-bench/${PACKAGES.join("+")}`;
  try {
    await Deno.stat(`${directory}/installed`);
  } catch {
    await Deno.mkdir(directory, { recursive: true });
    const { success, stderr } = await new Deno.Command("npm", {
      args: ["install", "--silent", "--ignore-scripts", "--prefix", directory, ...PACKAGES],
    }).output();
    if (!success) {
      throw new Error(`Cannot install the peer: ${new TextDecoder().decode(stderr)}`);
    }
    await Deno.writeTextFile(`${directory}/installed`, "");
  }
  return directory;
}
