/**
 * Makes commits wait while another process writes into the same SQLite file for a moment, such as
 * the one that shrinks it. Deno KV waits by itself, but not if a commit has checks: it then reads
 * before it writes, and SQLite refuses at once.
 *
 * @module
 */

import { delay } from "../task/delay.ts";

/** Milliseconds of the first wait; each is longer than the last. */
const FIRST_MS = 1;

/** Tries to commit, in all: they take about a second. */
const TRIES = 40;

/** Changes `kv`, and returns it. */
export function patientKv(kv: Deno.Kv): Deno.Kv {
  const atomic = kv.atomic.bind(kv);
  kv.atomic = () => {
    const operation = atomic();
    const commit = operation.commit.bind(operation);
    operation.commit = async () => {
      for (let tries = 1;; tries++) {
        try {
          return await commit();
        } catch (error) {
          // Nothing was written.
          if (tries === TRIES || !/database is locked/.test(String(error))) throw error;
        }
        // Randomized, or two that wait would collide again and again.
        await delay(FIRST_MS * tries * (0.5 + Math.random()));
      }
    };
    return operation;
  };
  return kv;
}
