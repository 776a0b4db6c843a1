/**
 * Keeps a server running after uncaught errors. An error of a task that runs here ends that task's
 * run. Any other is logged, with the module of kinds that it came from if its stack names one. The
 * server's own are logged as well, and it goes on: each commit is complete in itself, so an error
 * leaves no half-made change in the store, and a restart would cut off every stream and every task.
 *
 * @module
 */

import type { Logger } from "./base/log.ts";
import { currentRun, uncaughtError } from "./child/current_run.ts";
import { RateLimit } from "./http/rate_limit.ts";

export interface OutliveOptions {
  /** Modules of kinds that are loaded here, as URLs. */
  modules: readonly string[];
  /** Whether to handle errors of tasks only: the rest is left to the program that owns the process. */
  tasksOnly: boolean;
  log: Logger;
}

/** Log records a second, and at once: an error may come again and again. */
const RATE = { rate: 1, burst: 100 };

const TYPES = ["unhandledrejection", "error"] as const;

/** Handles errors that nothing caught, until it is disposed of. */
export function outliveErrors({ modules, tasksOnly, log }: OutliveOptions): Disposable {
  const limit = new RateLimit(RATE);
  let leftOut = 0;
  const tell = (error: unknown) => {
    if (limit.take("") > 0) return void leftOut++;
    const module = moduleOf(error, modules);
    const more = { ...(module ? { module } : {}), ...(leftOut > 0 ? { left_out: leftOut } : {}) };
    log.error("an error that nobody caught", { error, ...more });
    leftOut = 0;
  };
  const hear = (event: Event) => {
    // Two servers in one process both get the event.
    if (event.defaultPrevented) return;
    const run = currentRun.getStore();
    if (!run && tasksOnly) return;
    event.preventDefault();
    const error = uncaughtError(event);
    if (run) run.fail(error, true);
    else tell(error);
  };
  for (const type of TYPES) globalThis.addEventListener(type, hear);
  return {
    [Symbol.dispose]() {
      for (const type of TYPES) globalThis.removeEventListener(type, hear);
    },
  };
}

function moduleOf(error: unknown, modules: readonly string[]): string | undefined {
  const stack = error instanceof Error ? String(error.stack) : "";
  return modules.find((url) => stack.includes(url));
}
