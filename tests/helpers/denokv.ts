/**
 * A KV Connect server for the tests: `denokv`, from the Rust crate of that name, if it is installed.
 *
 * @module
 */

import { eventually } from "./eventually.ts";
import { tempDir } from "./temp_dir.ts";

/** All servers share one token, since Deno takes it from the environment. */
const TOKEN = "a-token-for-the-tests";

/** A running denokv. Disposing of it kills it. */
export interface Denokv extends AsyncDisposable {
  /** The value for `HEADWAY_KV`. */
  readonly url: string;
  /** The environment variables that a process needs to use it. */
  readonly env: Record<string, string>;
  /** Kills it with SIGKILL. */
  kill(): Promise<void>;
  /** Starts it again, on the same file and port. */
  restart(): Promise<void>;
}

/** The path of denokv; `null` if there is none: the tests that need it are left out then. */
export const DENOKV: string | null = await find();

/**
 * Starts denokv on a file of its own.
 *
 * @param host The address it listens on. It must be reachable at 127.0.0.1, too.
 * @throws {Error} When this machine has no denokv.
 */
export async function startDenokv(host = "127.0.0.1"): Promise<Denokv> {
  const command = DENOKV;
  if (command === null) throw new Error("There is no denokv: run 'deno task denokv'");
  // For the databases that this process opens itself.
  Deno.env.set("DENO_KV_ACCESS_TOKEN", TOKEN);
  await using resources = new AsyncDisposableStack();
  const { path } = resources.use(await tempDir());
  const port = freePort();
  const url = `http://127.0.0.1:${port}`;
  let child: Deno.ChildProcess | undefined;
  const kill = async () => {
    child?.kill("SIGKILL");
    await child?.status;
    child = undefined;
  };
  const restart = async () => {
    await kill();
    child = new Deno.Command(command, {
      args: ["--sqlite-path", `${path}/kv.db`, "serve", "--addr", `${host}:${port}`],
      env: { DENO_KV_ACCESS_TOKEN: TOKEN },
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    await eventually(async () => {
      using _ = await Deno.connect({ hostname: "127.0.0.1", port });
    });
  };
  resources.defer(kill);
  await restart();
  const owned = resources.move();
  return {
    url,
    env: { HEADWAY_KV: url, DENO_KV_ACCESS_TOKEN: TOKEN },
    kill,
    restart,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

let told = false;

/** A test that needs a KV Connect server. Without denokv it is left out, with one warning for all. */
export function testOnDenokv(name: string, fn: () => Promise<void>): void {
  // deno-lint-ignore no-console -- a test that is left out must be seen
  if (DENOKV === null && !told) console.warn("Left out: denokv is not found ('deno task denokv')");
  told = true;
  Deno.test({ name: `cluster: ${name}`, ignore: DENOKV === null, fn });
}

/** A port that nobody listens on at this moment. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

async function find(): Promise<string | null> {
  const home = Deno.env.get("CARGO_HOME") ?? `${Deno.env.get("HOME")}/.cargo`;
  const places = [
    Deno.env.get("DENOKV_PATH"),
    ...(Deno.env.get("PATH") ?? "").split(":").map((path) => `${path}/denokv`),
    `${home}/bin/denokv`,
  ];
  for (const path of places) {
    if (path && await Deno.stat(path).then((info) => info.isFile, () => false)) return path;
  }
  return null;
}
