/**
 * Collects the kinds of a module: each task definition that it exports.
 *
 * @module
 */

import { type AnyTask, isTask, KIND_PATTERN } from "../task/define.ts";
import { MAX_KINDS } from "../task/kind.ts";
import type { OnError } from "../task/on_error.ts";
import { readField } from "../task/plain.ts";
import { isError } from "../task/task_error.ts";
import { textOf } from "../task/text.ts";

/**
 * Collects the task definitions that a module exports, by kind.
 *
 * @throws {TypeError} If there is none, there are too many, or a kind is defined twice.
 */
export function collectKinds(exports: Readonly<Record<string, unknown>>): Map<string, AnyTask> {
  const kinds = new Map<string, AnyTask>();
  for (const task of Object.values(exports)) {
    if (!isTask(task)) continue;
    const { kind } = task;
    if (!KIND_PATTERN.test(kind)) throw new TypeError(`'${kind}' cannot be the name of a kind`);
    const known = kinds.get(kind);
    if (known && known !== task) throw new TypeError(`It defines the kind '${kind}' twice`);
    kinds.set(kind, task);
  }
  if (kinds.size === 0) throw new TypeError("It exports no task: export what defineTask() returns");
  if (kinds.size > MAX_KINDS) {
    throw new TypeError(`It has ${kinds.size} kinds and a module may have ${MAX_KINDS}`);
  }
  return kinds;
}

/**
 * The hook that a module exports, which is told of each attempt of its tasks that fails.
 *
 * @throws {TypeError} If its `onError` is no function.
 */
export function errorHookIn({ onError }: Readonly<Record<string, unknown>>): OnError | undefined {
  if (onError === undefined || typeof onError === "function") return onError as OnError | undefined;
  throw new TypeError("Its export 'onError' must be a function of an error and what failed");
}

/** Why a module could not be loaded: a sentence for people, its causes included, and the stack. */
export interface LoadFailure {
  readonly reason: string;
  readonly stack: string;
}

/** Characters of a reason and of a stack. */
export const MAX_REASON = 2000;
export const MAX_LOAD_STACK = 8000;

/** The place in Deno's own code that some errors name, which would make equal reasons differ. */
const OWN_PLACE = / at ext:\S+/g;

/** Reads what a module threw, which may be anything. Never throws. */
export function loadFailure(thrown: unknown): LoadFailure {
  const stack = isError(thrown) ? textOf(readField(thrown, "stack")) : "";
  const lines: string[] = [];
  let one = thrown;
  for (let depth = 0; one !== undefined && one !== null && depth < 5; depth++) {
    lines.push(textOf(one).replaceAll(OWN_PLACE, ""));
    one = isError(one) ? readField(one, "cause") : undefined;
  }
  return {
    reason: lines.join(", caused by ").slice(0, MAX_REASON) || "it threw nothing",
    stack: stack.slice(0, MAX_LOAD_STACK),
  };
}
