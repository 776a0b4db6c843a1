/**
 * Runs schemathesis, which makes requests from the description at `GET /openapi.json`, and checks the
 * answers against it. It is a program in Python, which nothing else in the project needs.
 *
 * @module
 */

import { tempDir } from "../helpers/temp_dir.ts";

/** The version whose findings were reviewed: another one may check more. */
const VERSION = "4.32.5";

const HOOKS = new URL("hooks.py", import.meta.url).pathname;

export interface FuzzOptions {
  /** The server's origin. */
  url: string;
  /** Some of `coverage`, which tries each bound, `fuzzing` and `stateful`, with commas. */
  phases: string;
  /** Examples of each operation, besides those that try each bound. */
  examples: number;
  /** Makes the same requests for the same seed. @default {another one each time} */
  seed?: number;
}

/** Checks a server against its description; the output says what was found. */
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
  // It stores data for its next run in its working directory.
  await using folder = await tempDir();
  const command = new Deno.Command(program, { args, env, cwd: folder.path });
  const { code, stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  return { ok: code === 0, output: decoder.decode(stdout) + decoder.decode(stderr) };
}

/**
 * Settings of a server to be fuzzed: streams end soon, since each is read to its end, and only the
 * shipped kinds are loaded.
 */
export const FUZZED: Readonly<Record<string, string>> = {
  HEADWAY_KINDS: "",
  HEADWAY_STREAM_LIFE_MS: "200",
  HEADWAY_RETRY_MS: "100",
  HEADWAY_WEBHOOK_SECRET: `whsec_${btoa("0".repeat(24))}`,
};

/**
 * The path of schemathesis: HEADWAY_SCHEMATHESIS, or installed into a folder of its own, where the
 * next run finds it.
 *
 * @throws {Error} If it cannot be installed.
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
