/**
 * The package as it would be published: a copy of exactly its files.
 *
 * @module
 */

import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import "./built.ts";
import { tempDir } from "./temp_dir.ts";

const ROOT = new URL("../../", import.meta.url);

/** What `deno publish --dry-run` reports. */
export interface Publishing {
  /** Paths relative to the root, as `lib/mod.ts`. */
  files: string[];
  output: string;
  success: boolean;
}

/**
 * Has `deno publish` look for slow types and list the files, without publishing them. It checks no
 * types: `deno task check` does.
 */
export async function dryRun(): Promise<Publishing> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["publish", "--dry-run", "--allow-dirty", "--no-check"],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
  }).output();
  const output = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  const root = ROOT.href;
  const files = [...output.matchAll(/^ +(file:\S+) \(/gm)]
    .map(([, url]) => url!).filter((url) => url.startsWith(root))
    .map((url) => decodeURIComponent(url.slice(root.length)));
  return { files, output, success };
}

/** A new folder that contains only the package. Disposing of it removes it. */
export async function published(): Promise<AsyncDisposable & { path: string }> {
  await using owned = new AsyncDisposableStack();
  const { path } = owned.use(await tempDir());
  const { files } = await dryRun();
  for (const file of files) {
    await Deno.mkdir(dirname(`${path}/${file}`), { recursive: true });
    await Deno.copyFile(fileURLToPath(new URL(file, ROOT)), `${path}/${file}`);
  }
  const kept = owned.move();
  return { path, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}
