/**
 * The inputs that the task processes of a module were asked to check. One that is busy with its tasks
 * answers late, one that ended never: then another one is asked as well.
 *
 * @module
 */

import type { Checked } from "../child/check_input.ts";
import type { TaskProcess } from "./task_process.ts";

/** Nobody can tell now whether an input fits; soon somebody may. */
export class UncheckedError extends Error {
  override name = "UncheckedError";
}

export interface ChecksOptions {
  /** A process to ask; `null` while there is none. */
  pick(): TaskProcess | null;
  /** Some wait for long: called again and again, until {@link Checks.ask} has another process asked. */
  onslow(): void;
  /** Milliseconds after which nobody waits any longer. @default {5000} */
  checkMs?: number;
}

/** Milliseconds in which a schema says whether an input fits. */
export const CHECK_MS = 5000;

/** Milliseconds between two looks at those that wait. */
const LOOK_MS = 250;

/** Looks after which a process that also runs tasks has had its time. */
const BUSY_LOOKS = 4;

/** Characters of inputs that wait: far less than a channel bears. */
const MAX_WAITING = 16 * 1024 * 1024;

/** Characters that one takes beside its input. */
const AROUND = 256;

interface Check extends PromiseWithResolvers<Checked> {
  readonly kind: string;
  readonly input: string | null;
  /** Its schema made it. */
  readonly parsed: boolean;
  readonly size: number;
  /** How many looks there had been when it came. */
  readonly since: number;
  /** Who was asked and lives. */
  readonly asked: Set<TaskProcess>;
  slow: boolean;
}

export class Checks {
  readonly #options: ChecksOptions;
  readonly #checkMs: number;
  readonly #lookMs: number;
  readonly #checks = new Map<number, Check>();
  #unsent: number[] = [];
  #last = 0;
  #waiting = 0;
  #looks = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(options: ChecksOptions) {
    this.#options = options;
    this.#checkMs = options.checkMs ?? CHECK_MS;
    this.#lookMs = Math.min(LOOK_MS, this.#checkMs);
  }

  /**
   * Has an input checked.
   *
   * @throws {UncheckedError} If no process answers in time.
   */
  check(kind: string, input: string | null, parsed = false): Promise<Checked> {
    const size = AROUND + (input?.length ?? 0);
    if (this.#waiting + size > MAX_WAITING) {
      throw new UncheckedError("too many inputs are being checked");
    }
    const resolvers = Promise.withResolvers<Checked>();
    const since = this.#looks;
    const check = { ...resolvers, kind, input, parsed, size, since, asked: new Set<TaskProcess>() };
    const request = ++this.#last;
    this.#checks.set(request, { ...check, slow: false });
    this.#waiting += size;
    this.#timer ??= setInterval(() => this.#look(), this.#lookMs);
    this.#unsent.push(request);
    // What comes in one turn of the event loop goes out as one.
    if (this.#unsent.length === 1) setImmediate(() => this.#sendAll());
    return resolvers.promise;
  }

  /** Has a process asked that is ready now: what waits for one, or waits for long. */
  ask(process: TaskProcess): void {
    for (const [request, { asked, slow }] of this.#checks) {
      if (asked.size === 0 || (slow && !asked.has(process))) this.#send(request, process);
    }
  }

  /** A process answers. */
  answered(process: TaskProcess, request: number, checked: Checked): void {
    const check = this.#checks.get(request);
    if (check?.asked.has(process)) this.#remove(request, check).resolve(checked);
  }

  /** A process has ended: another one is asked. */
  gone(process: TaskProcess): void {
    for (const { asked } of this.#checks.values()) asked.delete(process);
    const other = this.#options.pick();
    if (other) this.ask(other);
  }

  /** Nobody will answer any more. */
  close(): void {
    for (const [request, check] of this.#checks) {
      this.#remove(request, check).reject(new UncheckedError("the task processes end"));
    }
  }

  #sendAll(): void {
    const process = this.#options.pick();
    const requests = this.#unsent.splice(0);
    if (process) { for (const request of requests) this.#send(request, process); }
  }

  #send(request: number, process: TaskProcess): void {
    const check = this.#checks.get(request);
    if (!check || check.asked.has(process)) return;
    const { kind, input, parsed, asked } = check;
    asked.add(process);
    process.send({ type: "check", request, kind, input, parsed });
  }

  #remove(request: number, check: Check): Check {
    this.#checks.delete(request);
    this.#waiting -= check.size;
    if (this.#checks.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
    return check;
  }

  /**
   * Time is counted in looks: while this server stands still there are none. Nobody is late before the
   * look behind the last, so that answers which came meanwhile are read first.
   */
  #look(): void {
    this.#looks++;
    const last = this.#checkMs / this.#lookMs;
    let slow = false;
    // The oldest first.
    for (const [request, check] of this.#checks) {
      const age = this.#looks - check.since;
      if (age < Math.min(BUSY_LOOKS, last)) break;
      if (age > last) {
        const late = `no task process said within ${this.#checkMs} ms whether it fits`;
        this.#remove(request, check).reject(new UncheckedError(late));
      } else {
        slow = check.slow = true;
      }
    }
    if (slow) this.#options.onslow();
  }
}
