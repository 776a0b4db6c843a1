/**
 * The inputs that the task processes of a module were asked to check. A process that is busy with
 * its tasks answers late, and one that ended never: then another one is asked as well.
 *
 * @module
 */

import type { Checked } from "../child/check_input.ts";
import type { TaskProcess } from "./task_process.ts";

/** No process can tell now whether an input fits; one may soon. */
export class UncheckedError extends Error {
  override name = "UncheckedError";
}

export interface ChecksOptions {
  /** A process to ask; `null` while there is none. */
  pick(): TaskProcess | null;
  /** Called at each look while inputs wait for long: {@link Checks.ask} asks another process. */
  onslow(): void;
  /** An input was not checked in time; these processes have said nothing since they were asked. */
  onhung(processes: readonly TaskProcess[]): void;
  /** Milliseconds after which a check is given up. @default {5000} */
  checkMs?: number;
}

/** Milliseconds in which a schema must say whether an input fits. */
export const CHECK_MS = 5000;

/** Milliseconds between two looks at the checks that wait. */
const LOOK_MS = 250;

/** Looks after which a process that was asked counts as slow. */
const BUSY_LOOKS = 4;

/** Characters of inputs that may wait: far less than a channel can hold. */
const MAX_WAITING = 16 * 1024 * 1024;

/** Characters that a check counts for beside its input. */
const AROUND = 256;

/** When a process was asked last. */
interface Asked {
  readonly look: number;
  /** Its number among all messages, from us and from processes. */
  readonly order: number;
}

/** A request number that no check has. */
const PING = 0;

interface Check extends PromiseWithResolvers<Checked> {
  readonly kind: string;
  readonly input: string | null;
  /** Whether its schema made it. */
  readonly parsed: boolean;
  readonly size: number;
  /** How many looks there had been when it came. */
  readonly since: number;
  /** The living processes that were asked. */
  readonly asked: Map<TaskProcess, Asked>;
  slow: boolean;
}

export class Checks {
  readonly #options: ChecksOptions;
  readonly #checkMs: number;
  readonly #lookMs: number;
  readonly #checks = new Map<number, Check>();
  #unsent: number[] = [];
  #last = 0;
  #order = 0;
  /** By process, the order of its last answer. */
  readonly #heard = new WeakMap<TaskProcess, number>();
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
    const check = {
      ...resolvers,
      kind,
      input,
      parsed,
      size,
      since,
      asked: new Map<TaskProcess, Asked>(),
    };
    const request = ++this.#last;
    this.#checks.set(request, { ...check, slow: false });
    this.#waiting += size;
    this.#timer ??= setInterval(() => this.#look(), this.#lookMs);
    this.#unsent.push(request);
    // Checks that come in one turn of the event loop are sent together.
    if (this.#unsent.length === 1) setImmediate(() => this.#sendAll());
    return resolvers.promise;
  }

  /** Asks a ready process what waits for one, or has waited for long. */
  ask(process: TaskProcess): void {
    for (const [request, { asked, slow }] of this.#checks) {
      if (asked.size === 0 || (slow && !asked.has(process))) this.#send(request, process);
    }
  }

  /** A process answers. */
  answered(process: TaskProcess, request: number, checked: Checked): void {
    this.#heard.set(process, ++this.#order);
    const check = this.#checks.get(request);
    if (check?.asked.has(process)) this.#remove(request, check).resolve(checked);
  }

  /** A process has ended: another one is asked. */
  gone(process: TaskProcess): void {
    for (const { asked } of this.#checks.values()) asked.delete(process);
    const other = this.#options.pick();
    if (other) this.ask(other);
  }

  /** Gives up all checks: no process will answer. */
  close(): void {
    for (const [request, check] of this.#checks) {
      this.#remove(request, check).reject(new UncheckedError("the task processes are stopping"));
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
    process.send({ type: "check", request, kind, input, parsed });
    asked.set(process, this.#now());
    if (check.slow) this.#ping(process);
  }

  /** Asks about no kind at all, which every process that is not stuck answers at once. */
  #ping(process: TaskProcess): void {
    process.send({ type: "check", request: PING, kind: "", input: null, parsed: false });
  }

  #now(): Asked {
    return { look: this.#looks, order: ++this.#order };
  }

  /** The processes that were asked long ago and have said nothing since, not even to a ping. */
  #hungOf({ asked }: Check): TaskProcess[] {
    return Array.from(asked).flatMap(([process, { look, order }]) => {
      const silent = (this.#heard.get(process) ?? 0) < order;
      return silent && this.#looks - look >= BUSY_LOOKS ? [process] : [];
    });
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
   * Counts time in looks, of which there are none while this server stalls. A check is late only a look
   * after its last one, so that answers that came meanwhile are read first.
   */
  #look(): void {
    this.#looks++;
    const last = this.#checkMs / this.#lookMs;
    let slow = false;
    const pinged = new Set<TaskProcess>();
    const hung: TaskProcess[][] = [];
    // The oldest first.
    for (const [request, check] of this.#checks) {
      const age = this.#looks - check.since;
      if (age < Math.min(BUSY_LOOKS, last)) break;
      if (age > last) {
        const late = `no task process checked it within ${this.#checkMs} ms`;
        hung.push(this.#hungOf(check));
        this.#remove(request, check).reject(new UncheckedError(late));
      } else {
        if (!check.slow) { for (const process of check.asked.keys()) pinged.add(process); }
        slow = check.slow = true;
      }
    }
    for (const process of pinged) this.#ping(process);
    if (slow) this.#options.onslow();
    for (const processes of hung) if (processes.length > 0) this.#options.onhung(processes);
  }
}
