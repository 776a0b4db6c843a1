/**
 * Runs schemathesis, which makes requests of what `GET /openapi.json` says, and holds the answers
 * against it. It is a program in Python, and the only part of the project that needs one.
 *
 * @module
 */

import { tempDir } from "../helpers/temp_dir.ts";

/** The one whose findings were looked at: another one may look for more. */
const VERSION = "4.32.5";

const HOOKS = new URL("hooks.py", import.meta.url).pathname;

export interface FuzzOptions {
  /** Where the server answers. */
  url: string;
  /** Of `coverage`, which tries each bound, `fuzzing` and `stateful`. */
  phases: string;
  /** Of each operation, beside those that try each bound. */
  examples: number;
  /** Makes the same requests again. @default {another one each time} */
  seed?: number;
}

/** Holds a server against its description; the output says what was found. */
export async function fuzz(
  program: string,
  { url, phases, examples, seed }: FuzzOptions,
): Promise<{ ok: boolean; output: string }> {
  const args = [
    "run",
    `${url}/openapi.json`,
    `--phases=${phases}`,
    `--max-examples=${examples}`,
    "--continue-on-failure",
    "--request-timeout=60",
    "--generation-database=none",
    "--no-color",
    ...(seed === undefined ? [] : [`--seed=${seed}`]),
  ];
  const env = { SCHEMATHESIS_HOOKS: HOOKS };
  // What it keeps for its next run stays where it was begun.
  await using folder = await tempDir();
  const command = new Deno.Command(program, { args, env, cwd: folder.path });
  const { code, stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  return { ok: code === 0, output: decoder.decode(stdout) + decoder.decode(stderr) };
}

/**
 * Settings of a server to be fuzzed: streams end soon, since each is read to its end, and the kinds
 * are those that ship.
 */
export const FUZZED: Readonly<Record<string, string>> = {
  HEADWAY_KINDS: "",
  HEADWAY_STREAM_LIFE_MS: "200",
  HEADWAY_RETRY_MS: "100",
  HEADWAY_WEBHOOK_SECRET: `whsec_${btoa("0".repeat(24))}`,
};

/**
 * Where schemathesis is: as HEADWAY_SCHEMATHESIS says, or installed into a folder of its own, which
 * the next run finds.
 *
 * @throws {Error} If it cannot be had.
 */
export async function installed(): Promise<string> {
  const named = Deno.env.get("HEADWAY_SCHEMATHESIS");
  if (named) return named;
  const folder = `${Deno.env.get("TMPDIR") ?? "/tmp"}/headway-schemathesis-${VERSION}`;
  const program = `${folder}/bin/schemathesis`;
  if (await exists(program)) return program;
  await run("python3", "-m", "venv", folder);
  await run(`${folder}/bin/pip`, "install", "--quiet", `schemathesis==${VERSION}`);
  return program;
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

async function run(program: string, ...args: string[]): Promise<void> {
  const { success } = await new Deno.Command(program, { args, stdout: "null" }).output();
  if (!success) throw new Error(`${program} ${args.join(" ")} failed`);
}
