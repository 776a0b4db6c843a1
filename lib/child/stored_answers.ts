/**
 * Asks the server for the stored answers of runs, and has new ones stored.
 *
 * @module
 */

import { unlessAborted } from "../base/unless_aborted.ts";
import type { Answer, AnswerType } from "../task/answer.ts";
import type { StepRow } from "../task/record.ts";
import type { SteppingRun } from "./do_step.ts";
import type { FromTasks, RunEnd, RunEvent, ToTasks } from "./protocol.ts";

/** What answers need of their run. */
export interface AnsweringRun extends SteppingRun {
  readonly number: number;
  /** When its attempt began, as the record has it. */
  readonly attemptAt: string | null;
  /** How often its task has stored an answer. */
  answers: number;
  /** The names that it has used. */
  readonly names: Set<string>;
  /** What it must return to wait for; `null` for nothing. */
  waits: Extract<RunEnd, { how: "waits" }> | null;
}

export interface AnswersOptions {
  send(message: FromTasks): void;
  push(event: RunEvent): void;
  /** Milliseconds since the epoch. */
  now(): number;
}

export type Found = Pick<Extract<ToTasks, { type: "answer" }>, "answer" | "signal">;

export const NOTHING: Found = { answer: null, signal: null };

export class StoredAnswers {
  readonly #options: AnswersOptions;
  readonly #asked = new Map<number, (found: Found) => void>();
  readonly #keeping = new Map<number, () => void>();
  #request = 0;

  constructor(options: AnswersOptions) {
    this.#options = options;
  }

  receive(message: Extract<ToTasks, { type: "answer" | "kept" }>): void {
    const { request } = message;
    if (message.type === "answer") this.#asked.get(request)?.(message);
    else this.#keeping.get(request)?.();
  }

  /** What is stored under a name, and the signal of this name that came. */
  async ask(
    run: AnsweringRun,
    name: string,
    more: { closes?: true } = {},
  ): Promise<Found> {
    const request = ++this.#request;
    const { promise, resolve } = Promise.withResolvers<Found>();
    this.#asked.set(request, resolve);
    this.#options.send({ type: "ask", request, run: run.number, name, ...more });
    try {
      return await unlessAborted(promise, run.stop.signal);
    } finally {
      this.#asked.delete(request);
    }
  }

  /** Stores an answer. Resolves when that is durable. */
  async keep(
    run: AnsweringRun,
    name: string,
    answer: Answer,
    more: { row: string; takes?: boolean },
  ): Promise<void> {
    const request = ++this.#request;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#keeping.set(request, resolve);
    this.push(run, name, answer, more, request);
    try {
      await unlessAborted(promise, run.stop.signal);
    } finally {
      this.#keeping.delete(request);
    }
  }

  push(
    run: AnsweringRun,
    name: string,
    answer: Answer,
    { row, takes = false }: { row: string; takes?: boolean },
    request: number | null = null,
  ): void {
    run.answers++;
    this.#options.push([run.number, "answer", { request, name, answer, row, takes }]);
  }

  /** Sends a row that says how far one is. */
  tell(run: AnsweringRun, row: string): void {
    this.#options.push([run.number, "step", row]);
  }

  row(
    type: AnswerType,
    name: string,
    status: StepRow["status"],
    more: Partial<StepRow> = {},
  ): string {
    const time = new Date(this.#options.now()).toISOString();
    return JSON.stringify({ name, type, status, time, ...more } satisfies StepRow);
  }
}
