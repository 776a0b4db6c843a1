/**
 * Which run the current code belongs to: known through every `await`, callback and timer that the
 * code of a run begins, and for its uncaught errors.
 *
 * @module
 */

import { AsyncLocalStorage } from "node:async_hooks";

export interface CurrentRun {
  readonly number: number;
  /** Ends it, if it is not over, as if its generator had thrown; `stray` if the error was uncaught. */
  fail(error: unknown, stray: boolean): void;
}

export const currentRun: AsyncLocalStorage<CurrentRun> = new AsyncLocalStorage<CurrentRun>();

/** The uncaught error of an event; the event of a Worker comes without the error itself. */
export function uncaughtError(event: Event): unknown {
  if (event instanceof PromiseRejectionEvent) return event.reason;
  if (event instanceof ErrorEvent) return event.error ?? new Error(event.message);
  return new Error(event.type);
}

const TIMERS = ["setTimeout", "setInterval", "setImmediate"] as const;

let known = false;

/**
 * What a timer's callback throws is reported outside of its run. From now on it is an unhandled
 * rejection within the run. Timers that no run sets stay as they are.
 */
export function keepRunInTimers(): void {
  if (known) return;
  known = true;
  const timers = globalThis as unknown as Record<string, (...args: unknown[]) => unknown>;
  for (const name of TIMERS) {
    const begin = timers[name]!;
    const kept = (callback: unknown, ...rest: unknown[]) =>
      begin(
        typeof callback === "function" && currentRun.getStore() ? rejecting(callback) : callback,
        ...rest,
      );
    timers[name] = Object.defineProperties(kept, Object.getOwnPropertyDescriptors(begin));
  }
}

// deno-lint-ignore ban-types -- whatever a timer takes
function rejecting(callback: Function) {
  return function (this: unknown, ...args: unknown[]): unknown {
    try {
      return Reflect.apply(callback, this, args);
    } catch (error) {
      void Promise.reject(error);
      return undefined;
    }
  };
}
