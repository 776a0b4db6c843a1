/**
 * Answers the steps, sleeps, signals and children of runs: each once, and the answer is stored
 * before the generator goes on.
 *
 * @module
 */

import { type Answer, MAX_ANSWERS } from "../task/answer.ts";
import { type ChildPlan, readPlan } from "../task/child.ts";
import type { ChildrenYield } from "../task/children_yield.ts";
import { ChildrenError } from "../task/children_error.ts";
import { waiting } from "../task/delay.ts";
import { toJson } from "../task/json_value.ts";
import { schemaText } from "../task/kind.ts";
import type { SleepYield } from "../task/sleep.ts";
import type { StandardSchema } from "../task/standard_schema.ts";
import type { StepYield } from "../task/step.ts";
import { errorOf } from "../task/task_error.ts";
import { brief } from "../task/text.ts";
import type { SignalYield } from "../task/wait_for.ts";
import { type AnsweredYield, log } from "../task/yield.ts";
import { YIELD } from "../task/marker.ts";
import { issueText, validated } from "./check_input.ts";
import { logJson } from "./log_row.ts";
import type { ToTasks } from "./protocol.ts";
import { doStep } from "./do_step.ts";
import {
  type AnsweringRun,
  type AnswersOptions,
  type Found,
  NOTHING,
  StoredAnswers,
} from "./stored_answers.ts";
import { ChildGroups, planOf } from "./child_groups.ts";

/** A task that sleeps for more milliseconds is not kept in memory. */
const HELD_MS = 10_000;

export class Answers {
  readonly #options: AnswersOptions;
  readonly #stored: StoredAnswers;
  readonly #groups: ChildGroups;

  constructor(options: AnswersOptions) {
    this.#options = options;
    this.#stored = new StoredAnswers(options);
    this.#groups = new ChildGroups((message) => options.send(message));
  }

  receive(message: Extract<ToTasks, { type: "answer" | "kept" | "made" | "ended" }>): void {
    if (message.type === "made" || message.type === "ended") this.#groups.receive(message);
    else this.#stored.receive(message);
  }

  /**
   * Answers what was yielded, or sets what the run waits for.
   *
   * @throws What the generator should see.
   */
  async take(run: AnsweringRun, yielded: AnsweredYield): Promise<void> {
    const { name, [YIELD]: type } = yielded;
    noteName(run, name);
    run.stop.signal.throwIfAborted();
    // A signal may have come before anything was stored.
    const asks = run.answers > 0 || type === "signal";
    const found = asks ? await this.#stored.ask(run, name) : NOTHING;
    const before = found.answer?.type ?? type;
    if (before !== type) {
      throw new TypeError(
        `Cannot do ${type} '${name}' as this task used the name for ${before} before: use another one`,
      );
    }
    switch (yielded[YIELD]) {
      case "step":
        return await this.#step(run, yielded as StepYield, found);
      case "sleep":
        return await this.#sleep(run, yielded as SleepYield, found);
      case "signal":
        return await this.#signal(run, yielded as SignalYield, found);
      case "children":
        return await this.#children(run, yielded as ChildrenYield, found);
    }
  }

  async #step(run: AnsweringRun, yielded: StepYield, { answer }: Found): Promise<void> {
    const { name } = yielded;
    if (answer?.done) {
      yielded.answer = valueOf(answer.json);
      return;
    }
    const began = this.#options.now();
    const took = () => ({ duration_ms: this.#options.now() - began });
    this.#stored.tell(run, this.#stored.row("step", name, "running"));
    let json: string | null;
    try {
      const work = () =>
        doStep(run, yielded, (message, data) => {
          const { push, now } = this.#options;
          push([run.number, "log", logJson(log(message, { ...data, level: "warn" }), now())]);
        });
      const value = await (run.span ? run.span.step(name, work) : work());
      json = value === undefined
        ? null
        : toJson(value, { what: `step '${name}'`, root: "answer", exact: true });
    } catch (error) {
      const { error: { name: kind, message } } = errorOf(error);
      const told = { name: kind, message: brief(message, 1024) };
      this.#stored.tell(run, this.#stored.row("step", name, "failed", { ...took(), error: told }));
      throw error;
    }
    await this.#stored.keep(run, name, { type: "step", done: true, until: null, json }, {
      row: this.#stored.row("step", name, "done", took()),
    });
    yielded.answer = valueOf(json);
  }

  async #sleep(run: AnsweringRun, { name, time }: SleepYield, { answer }: Found): Promise<void> {
    if (answer?.done) return;
    const { now } = this.#options;
    const until = answer?.until ?? (typeof time === "number" ? now() + time : time.getTime());
    const kept: Answer = { type: "sleep", done: false, until, json: null };
    const row = this.#stored.row("sleep", name, "waiting", {
      until: new Date(until).toISOString(),
    });
    const left = until - now();
    if (left > HELD_MS) {
      if (answer === null) this.#stored.push(run, name, kept, { row });
      run.waits = { how: "waits", type: "sleep", name, until };
      return;
    }
    if (left > 0) {
      if (answer === null) await this.#stored.keep(run, name, kept, { row });
      // The clock may have been set back since it was looked at.
      await waiting.by(Math.min(left, until - now()), run.stop.signal);
    }
    this.#stored.push(run, name, { ...kept, done: true }, {
      row: this.#stored.row("sleep", name, "done"),
    });
  }

  async #signal(run: AnsweringRun, yielded: SignalYield, found: Found): Promise<void> {
    const { name, schema, timeoutMs } = yielded;
    const { answer, signal } = found;
    const { now, push } = this.#options;
    if (answer?.done) {
      const value = valueOf(answer.json);
      const read = answer.json === null ? { value } : await readSignal(schema, value, run);
      if ("issue" in read) throw new TypeError(`Cannot go on from signal '${name}': ${read.issue}`);
      yielded.answer = read.value;
      return;
    }
    const until = answer ? answer.until : timeoutMs === null ? null : now() + timeoutMs;
    const done = { type: "signal" as const, done: true, until };
    const row = this.#stored.row("signal", name, "done");
    let takes = false;
    if (signal !== null) {
      const read = await readSignal(schema, valueOf(signal), run);
      if (!("issue" in read)) {
        await this.#stored.keep(run, name, { ...done, json: signal }, { row, takes: true });
        yielded.answer = read.value;
        return;
      }
      takes = true;
      const message = `Signal '${name}' was dropped as it does not fit: ${read.issue}`;
      push([run.number, "log", logJson(log(message, { level: "warn" }), now())]);
    }
    if (until !== null && until <= now()) {
      // A signal may have come just now, and whoever sent it was told that it was accepted.
      const last = signal === null ? await this.#stored.ask(run, name, { closes: true }) : NOTHING;
      if (last.signal !== null) return await this.#signal(run, yielded, last);
      return await this.#stored.keep(run, name, { ...done, json: null }, { row, takes: true });
    }
    const json = schema ? schemaText(schema) : null;
    const waits = this.#stored.row("signal", name, "waiting", {
      ...(until === null ? {} : { until: new Date(until).toISOString() }),
    });
    if (answer === null || answer.json !== json || takes) {
      this.#stored.push(run, name, { ...done, done: false, json }, { row: waits, takes });
    }
    run.waits = { how: "waits", type: "signal", name, until };
  }

  async #children(run: AnsweringRun, yielded: ChildrenYield, { answer }: Found): Promise<void> {
    const { name, entries } = yielded;
    const plan = planOf(yielded);
    const known = readPlan(answer?.json ?? null);
    if (known?.ended && !isTriedAgain(run, known)) {
      const outcomes = await this.#groups.outcomes(run, name, known.total);
      if (known.on_failure === "continue") yielded.answer = outcomes;
      else if (known.ended.failed > 0) throw new ChildrenError(name, outcomes);
      else yielded.answer = outcomes.map(({ result }) => result);
      return;
    }
    if (entries.length === 0) {
      yielded.answer = [];
      return;
    }
    const json = JSON.stringify(plan);
    // Once this is stored, the children are looked after, whatever happens to this run.
    if (answer?.json !== json) {
      await this.#stored.keep(run, name, { type: "children", done: false, until: null, json }, {
        row: this.#stored.row("children", name, "waiting"),
      });
    }
    await this.#groups.make(run, name, entries);
    run.waits = { how: "waits", type: "children", name, until: null };
  }
}

function noteName(run: AnsweringRun, name: string): void {
  if (run.waits) {
    throw new Error(`Cannot go on with '${name}' as the task is about to wait for another`);
  }
  if (run.names.has(name)) {
    throw new TypeError(`Cannot use the name '${name}' twice in a run: each needs its own name`);
  }
  if (run.names.size === MAX_ANSWERS) {
    throw new RangeError(`Cannot use another name as a task may have at most ${MAX_ANSWERS}`);
  }
  run.names.add(name);
}

/** Whether another attempt retries the failed children: not if the task goes on with their outcomes. */
function isTriedAgain(
  { attemptAt }: AnsweringRun,
  { on_failure, ended }: ChildPlan,
): boolean {
  return on_failure !== "continue" && ended !== undefined && ended.failed > 0 &&
    ended.attempt_at !== attemptAt;
}

function valueOf(json: string | null): unknown {
  return json === null ? undefined : JSON.parse(json);
}

/** The value of a signal as its schema parses it, or why it does not fit. */
async function readSignal(
  schema: StandardSchema | undefined,
  value: unknown,
  { stop }: AnsweringRun,
): Promise<{ value: unknown } | { issue: string }> {
  if (!schema) return { value };
  const result = await validated(schema, value, stop.signal);
  return result.issues ? { issue: issueText("signal", result.issues[0]) } : { value: result.value };
}
