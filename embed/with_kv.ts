/**
 * Deno KV is behind a flag that no program can set for itself. A checkout's `deno.json` sets it; a
 * package has none where it is started, so the program starts itself again, with the flag.
 *
 * @module
 */

/** Tells the second process that its stdin ends with the first one. */
const LIFELINE = "HEADWAY_LIFELINE";

/** Whether this process has no Deno KV, and may start one that has: with all permissions, as its own. */
export function lacksKv(): boolean {
  if (typeof Deno.openKv === "function") return false;
  const { state } = Deno.permissions.querySync({ name: "run" });
  return state === "granted" && Deno.env.get("DENO_DEPLOYMENT_ID") === undefined;
}

/**
 * Runs the program with Deno KV. Signals are passed on, and it ends with this process, however that
 * ends.
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
        // It has ended by itself.
      }
    });
  }
  return (await child.status).code;
}

/** In the second process: who kills the first one kills the server. */
export function endWithFirst(): void {
  if (!Deno.env.get(LIFELINE)) return;
  Deno.env.delete(LIFELINE);
  void Deno.stdin.readable.pipeTo(new WritableStream()).finally(() => Deno.exit(1));
}
