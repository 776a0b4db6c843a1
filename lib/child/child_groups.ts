/**
 * Asks the server to make the children of runs, and for their outcomes when they have ended: some
 * at a time.
 *
 * @module
 */

import { unlessAborted } from "../base/unless_aborted.ts";
import { type ChildPlan, MAX_CHILDREN, MAX_RESULTS } from "../task/child.ts";
import type { ChildOutcome } from "../task/children_error.ts";
import type { ChildrenYield, GivenChild } from "../task/children_yield.ts";
import { KIND_PATTERN } from "../task/define.ts";
import { toJson } from "../task/json_value.ts";
import { brief, textOf } from "../task/text.ts";
import {
  type EndedChild,
  type FromTasks,
  MAX_NEW_CHILDREN,
  type NewChild,
  type ToTasks,
} from "./protocol.ts";
import type { RunSpan } from "./run_span.ts";
import type { RunStop } from "./run_stop.ts";

/** Characters of inputs sent at once. */
const MAX_INPUTS = 256 * 1024;

/** Requests under way at once: while one commit is written, the next one fills up. */
const AT_ONCE = 3;

interface ParentRun {
  readonly number: number;
  readonly stop: RunStop;
  readonly span: RunSpan | null;
}

type Answer = Extract<ToTasks, { type: "made" | "ended" }>;

/**
 * What to store of a group.
 *
 * @throws {TypeError} If an option is not as described.
 * @throws {RangeError} If there are too many.
 */
export function planOf({ name, entries, options }: ChildrenYield): ChildPlan {
  const { concurrency, onFailure = "fail" } = options;
  const what = `Cannot run children '${name}'`;
  if (!Array.isArray(entries)) throw new TypeError(`${what} as they must be an array`);
  if (entries.length > MAX_CHILDREN) {
    throw new RangeError(
      `${what} as there are ${entries.length} and a task may have ${MAX_CHILDREN}`,
    );
  }
  if (concurrency !== undefined && !(Number.isSafeInteger(concurrency) && concurrency >= 1)) {
    throw new TypeError(
      `${what} as 'concurrency' must be a whole number from 1: current value is ${
        brief(textOf(concurrency), 100)
      }`,
    );
  }
  if (onFailure !== "fail" && onFailure !== "continue" && onFailure !== "cancel") {
    throw new TypeError(
      `${what} as 'onFailure' must be "fail", "continue" or "cancel": current value is ${
        brief(textOf(onFailure), 100)
      }`,
    );
  }
  return { total: entries.length, concurrency: concurrency ?? null, on_failure: onFailure };
}

export class ChildGroups {
  readonly #send: (message: FromTasks) => void;
  readonly #asked = new Map<number, (answer: Answer) => void>();
  #request = 0;

  constructor(send: (message: FromTasks) => void) {
    this.#send = send;
  }

  receive(answer: Answer): void {
    this.#asked.get(answer.request)?.(answer);
  }

  /**
   * Has those children made that do not exist yet.
   *
   * @throws {TypeError} If one cannot be made.
   * @throws {RangeError} If there are too many, or they are nested too deep.
   */
  async make(run: ParentRun, name: string, children: readonly GivenChild[]): Promise<void> {
    const traceparent = run.span?.traceparent;
    const traced = traceparent === undefined ? {} : { traceparent };
    const under: Promise<Answer>[] = [];
    let from = 0;
    while (from < children.length || under.length > 0) {
      if (from === children.length || under.length === AT_ONCE) {
        const made = await under.shift()!;
        if (made.type !== "made" || !made.refused) continue;
        const { index, message, range } = made.refused;
        throw new (range ? RangeError : TypeError)(
          `Cannot run child ${index} of '${name}': ${message}`,
        );
      }
      const entries: NewChild[] = [];
      for (
        let size = 0;
        from + entries.length < children.length && entries.length < MAX_NEW_CHILDREN &&
        size < MAX_INPUTS;
      ) {
        const entry = newChild(name, from + entries.length, children[from + entries.length]);
        size += entry.input?.length ?? 0;
        entries.push(entry);
      }
      const made = this.#ask(run, { type: "children", name, from, entries, ...traced });
      // A failure is thrown when this one is awaited.
      made.catch(() => {});
      under.push(made);
      from += entries.length;
    }
  }

  /**
   * The outcomes of all children of a group, in order.
   *
   * @throws {RangeError} If their results are too large together.
   */
  async outcomes(run: ParentRun, name: string, total: number): Promise<ChildOutcome[]> {
    const outcomes: ChildOutcome[] = [];
    let size = 0;
    while (outcomes.length < total) {
      const from = outcomes.length;
      const ended = await this.#ask(run, { type: "outcomes", name, from });
      if (ended.type !== "ended" || ended.outcomes.length === 0) {
        throw new Error(`Cannot read the outcomes of children '${name}'`);
      }
      for (const { result, ...outcome } of ended.outcomes as EndedChild[]) {
        size += result?.length ?? 0;
        outcomes.push({ ...outcome, result: result === null ? null : JSON.parse(result) });
      }
      if (size <= MAX_RESULTS) continue;
      throw new RangeError(
        `Cannot give the results of '${name}' as they are larger than ${MAX_RESULTS} bytes of ` +
          "JSON together: have children return less, and put the rest elsewhere",
      );
    }
    return outcomes;
  }

  async #ask(
    { number: run, stop }: ParentRun,
    asked:
      | Omit<Extract<FromTasks, { type: "children" }>, "request" | "run">
      | Omit<Extract<FromTasks, { type: "outcomes" }>, "request" | "run">,
  ): Promise<Answer> {
    const request = ++this.#request;
    const { promise, resolve } = Promise.withResolvers<Answer>();
    this.#asked.set(request, resolve);
    this.#send({ ...asked, request, run });
    try {
      return await unlessAborted(promise, stop.signal);
    } finally {
      this.#asked.delete(request);
    }
  }
}

/** @throws {TypeError} If it is not a child. */
function newChild(name: string, index: number, child: unknown): NewChild {
  const { kind, input } = (child ?? {}) as { kind?: unknown; input?: unknown };
  const called = typeof kind === "object" && kind !== null
    ? (kind as { kind?: unknown }).kind
    : kind;
  if (typeof called !== "string" || !KIND_PATTERN.test(called)) {
    throw new TypeError(
      `Cannot run child ${index} of '${name}' as its 'kind' must be a task's definition, ` +
        `or the name of a kind: current value is ${brief(textOf(called), 100)}`,
    );
  }
  const use = { what: `child ${index} of '${name}'`, root: "input", exact: false };
  return { kind: called, input: input === undefined ? null : toJson(input, use) };
}
