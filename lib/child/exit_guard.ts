/**
 * Keeps the code of tasks from ending the process that others share. A call is refused with an error,
 * wherever it comes from: many libraries call `process.exit()` where they should throw.
 *
 * @module
 */

import process from "node:process";

/** Ends this process, as only its program may. */
export const exitProcess: (code: number) => never = Deno.exit;

/** From now on only {@link exitProcess} ends the process; each other call is told, and throws. */
export function guardExit(onrefused: (error: Error) => void): void {
  const refuse = (call: string): never => {
    const error = new Error(
      `${call} was called, but a task's process is not its own: a task ends by return or throw`,
    );
    error.name = "ExitError";
    onrefused(error);
    throw error;
  };
  // `process.exit()` comes here, too.
  Deno.exit = (code) => refuse(`exit(${code ?? ""})`);
  process.abort = () => refuse("abort()");
  const { kill } = Deno;
  Deno.kill = (pid, signal) => pid === Deno.pid ? refuse(`kill() of itself`) : kill(pid, signal);
  const { kill: nodeKill } = process;
  process.kill = (pid, signal) =>
    // With 0 it only asks.
    pid === Deno.pid && signal !== 0 ? refuse(`kill() of itself`) : nodeKill(pid, signal);
}
