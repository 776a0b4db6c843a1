/**
 * Keeps the code of tasks from ending a process that it shares with others. Each call to do so
 * throws: many libraries call `process.exit()` where they should throw.
 *
 * @module
 */

import process from "node:process";
import { currentRun } from "./current_run.ts";

/** Ends this process, as only Headway's own code may. */
export const exitProcess: (code?: number) => never = Deno.exit;

let guarded = false;

/**
 * From now on, a call that would end the process throws, and ends the run whose code makes it.
 *
 * @param refuses Whether a call is refused: in the server's process, only one of a run is.
 */
export function guardExit(refuses: () => boolean): void {
  if (guarded) return;
  guarded = true;
  const refuse = (call: string): never => {
    const error = new Error(
      `${call} was called, but a task shares its process with others: end the task by return or throw`,
    );
    error.name = "ExitError";
    currentRun.getStore()?.fail(error, false);
    throw error;
  };
  const { abort, kill: nodeKill } = process;
  const { kill } = Deno;
  // `process.exit()` comes here, too.
  Deno.exit = (code) => refuses() ? refuse(`exit(${code ?? ""})`) : exitProcess(code);
  process.abort = () => refuses() ? refuse("abort()") : abort();
  Deno.kill = (pid, signal) =>
    pid === Deno.pid && refuses() ? refuse(`kill() of itself`) : kill(pid, signal);
  process.kill = (pid, signal) =>
    // Signal 0 only asks whether a process lives.
    pid === Deno.pid && signal !== 0 && refuses()
      ? refuse(`kill() of itself`)
      : nodeKill(pid, signal);
}
