/**
 * Starts the program again with Deno KV, which needs a flag that no program can set for itself. A
 * checkout's `deno.json` sets it; where a package is started, there is none.
 *
 * @module
 */

/** Tells the second process that its stdin closes when the first process ends. */
const LIFELINE = "HEADWAY_LIFELINE";

/** Whether this process lacks Deno KV, and has the permission to start a process that has it. */
export function lacksKv(): boolean {
  if (typeof Deno.openKv === "function") return false;
  const { state } = Deno.permissions.querySync({ name: "run" });
  return state === "granted" && Deno.env.get("DENO_DEPLOYMENT_ID") === undefined;
}

/**
 * Runs the program with Deno KV and all permissions. Signals are passed on to it, and it ends with
 * this process, however that ends.
 *
 * @returns Its exit code.
 */
export async function runWithKv(program: string, args: readonly string[]): Promise<number> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--allow-all", "--unstable-kv", program, ...args],
    env: { [LIFELINE]: "1" },
    stdin: "piped",
  }).spawn();
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    Deno.addSignalListener(signal, () => {
      try {
        child.kill(signal);
      } catch {
        // It has ended already.
      }
    });
  }
  return (await child.status).code;
}

/** Ends the second process with the first, so that killing the first kills the server. */
export function endWithFirst(): void {
  if (!Deno.env.get(LIFELINE)) return;
  Deno.env.delete(LIFELINE);
  void Deno.stdin.readable.pipeTo(new WritableStream()).finally(() => Deno.exit(1));
}
