/**
 * A program that reads all of a SQLite file and prints `ok`, or the first thing that is wrong. See
 * `store_check.ts`.
 *
 * @module
 */

import { DatabaseSync } from "node:sqlite";
import { startWatchdog } from "../base/watchdog.ts";

/** Returns `ok`, or the first thing that is wrong. */
export function quickCheck(path: string): string {
  try {
    using database = new DatabaseSync(path, { readOnly: true });
    const row = database.prepare("PRAGMA quick_check(1)").get();
    return String(Object.values(row ?? { no: "no answer" })[0]);
  } catch (error) {
    const { message } = error as Error;
    // Only signs of damage count: a file that cannot be read just now may be intact.
    return /malformed|not a database/.test(message) ? message : "ok";
  }
}

if (import.meta.main) {
  startWatchdog();
  await Deno.stdout.write(new TextEncoder().encode(quickCheck(Deno.args[0]!)));
  Deno.exit(0);
}
