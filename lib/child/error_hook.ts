/**
 * Calls a user's `onError` hook, which can neither fail its caller nor hold it up for long.
 *
 * @module
 */

import { deadline } from "../base/deadline.ts";
import type { FailedAttempt, OnError } from "../task/on_error.ts";
import type { TaskError } from "../task/record.ts";
import { errorOf } from "../task/task_error.ts";
import { brief } from "../task/text.ts";
import type { RunEnd } from "./protocol.ts";

/** Milliseconds that a hook may take: the failed run keeps its slot that long. */
const HOOK_MS = 2000;

/** Calls of one hook that may be waited for: many failures must not become as many waits. */
const MAX_CALLS = 100;

export class ErrorHook {
  readonly #hook: OnError;
  readonly #ms: number;
  #calls = 0;

  /** `hook` may take `ms` milliseconds. */
  constructor(hook: OnError, ms = HOOK_MS) {
    this.#hook = hook;
    this.#ms = ms;
  }

  /** Calls the hook. Resolves when it returns or is late, with what went wrong. Never rejects. */
  async tell(error: unknown, failed: FailedAttempt): Promise<string | null> {
    if (this.#calls >= MAX_CALLS) {
      return `onError was not called: ${MAX_CALLS} calls of it have not returned`;
    }
    this.#calls++;
    try {
      const told = (async () => await this.#hook(error, failed))();
      const late = () => `onError took longer than ${this.#ms} ms`;
      return await deadline(told.then(() => null), this.#ms, late);
    } catch (thrown) {
      const { name, message } = errorOf(thrown).error;
      return brief(`onError threw ${name}: ${message}`, 1024);
    } finally {
      // Also if it never returns: later failures are passed to it all the same.
      this.#calls--;
    }
  }
}

/** What runs threw, for code in the same process. */
const thrown = new WeakMap<RunEnd, unknown>();

export function keepThrown<End extends RunEnd>(end: End, value: unknown): End {
  thrown.set(end, value);
  return end;
}

/** The value that a run of this process threw; `undefined` for a run of another process. */
export function thrownIn(end: RunEnd): unknown {
  return thrown.get(end);
}

/** An error as it was in another process, with its causes. */
export function errorFrom({ name, message, code, cause, errors }: TaskError, stack = ""): Error {
  const more = cause ? { cause: errorFrom(cause) } : {};
  const error = errors
    ? new AggregateError(errors.map((part) => errorFrom(part)), message, more)
    : new Error(message, more);
  error.name = name;
  // A stack from here would say nothing.
  error.stack = stack === "" ? `${name}: ${message}` : stack;
  return code === undefined ? error : Object.assign(error, { code });
}
