import type { StepRow, TaskRecord } from "../../lib/task/record.ts";
import type { Check, Fate } from "./trace.ts";

/** Milliseconds by which a timer may be early, since the clocks differ. */
const EARLY_MS = 10;

/** The part of a {@link ./trace.ts Trace} that knows steps, sleeps, signals and children. */
export class AnswersTrace {
  readonly #fate: Pick<Fate, "script" | "jumped">;
  /** The result of its step. */
  #drew: string | null = null;
  /** The value of its signal; `null` if none came in time. */
  #went: unknown;
  /** By name, the end of each wait. */
  readonly #until = new Map<string, string | undefined>();
  /** Names of the steps, sleeps and signals that are done. */
  readonly #done = new Set<string>();

  /** Begins before the task's first row. */
  constructor(fate: Pick<Fate, "script" | "jumped">) {
    this.#fate = fate;
  }

  /** Takes a `step` row, stored while the task was in `state`. */
  step({ name, type, status, until, time }: StepRow, state: string, check: Check): void {
    const right = state === "running" ||
      (type === "children" && state === "waiting" && status === "done");
    check("I20", right, `a ${type} ${status} while ${state}`);
    if (type === "children") return;
    const first = !this.#done.has(name);
    check(type === "sleep" ? "I23" : "I20", first, `${name} is ${status}, and was done`);
    const begun = this.#until.get(name);
    if (status === "waiting") {
      check("I23", (begun ?? until) === until, `waits until ${until}, and before until ${begun}`);
      this.#until.set(name, until);
    }
    if (status !== "done") return;
    this.#done.add(name);
    if (type !== "sleep" || this.#fate.jumped) return;
    const early = begun ? Date.parse(begun) - Date.parse(time) : 0;
    check("I23", early <= EARLY_MS, `slept until ${time}, ${early} ms less than it should`);
  }

  /** Takes the row in which the task logged what it drew. */
  drew(drew: string, check: Check): void {
    check("I20", this.#drew === null || this.#drew === drew, `drew what is not ${this.#drew}`);
    this.#drew = drew;
  }

  /** Takes the row in which the task logged the value of its signal. */
  went(went: unknown, check: Check): void {
    check("I20", this.#went === undefined || this.#went === went, `went on with ${this.#went}`);
    this.#went = went;
  }

  /** The task waits: for its turn, or for what it yielded. */
  waits({ waiting_for, run_at }: TaskRecord, mayBeTurn: boolean, check: Check): void {
    const { script } = this.#fate;
    const { type, name, until } = waiting_for!;
    const right = {
      turn: mayBeTurn && until === null,
      children: script.parts.length > 0 && until === null,
      signal: script.naps > 0 && name === "go" && until === run_at,
      sleep: script.sleeps > 0 && name === "night" && until === run_at,
    };
    check(type === "sleep" ? "I23" : "I20", right[type], `waits for ${name} until ${until}`);
  }

  /** The task completed. */
  complete(check: Check): void {
    const { sleeps, naps } = this.#fate.script;
    check("I23", sleeps === 0 || this.#done.has("night"), "completed and did not sleep");
    check("I20", naps === 0 || this.#done.has("go"), "completed and did not wait");
  }
}
