/**
 * The inputs that task processes were asked to check.
 *
 * @module
 */

import type { Checked } from "../child/check_input.ts";
import type { TaskProcess } from "./task_process.ts";

/** Nobody can tell now whether an input fits; soon somebody may. */
export class UncheckedError extends Error {
  override name = "UncheckedError";
}

/** Checks under way: a schema may take its time, or never come to an end. */
const MAX_CHECKS = 1000;

interface Check extends PromiseWithResolvers<Checked> {
  host: TaskProcess;
}

export class Checks {
  readonly #checks = new Map<number, Check>();
  #last = 0;

  /** Asks a process. Rejects when that ends. Once nobody wants to know, it must be forgotten. */
  ask(host: TaskProcess, kind: string, input: string | null): [request: number, Promise<Checked>] {
    if (this.#checks.size >= MAX_CHECKS) throw new UncheckedError("Too many inputs are checked");
    const request = ++this.#last;
    const check = { host, ...Promise.withResolvers<Checked>() };
    check.promise.catch(() => {});
    this.#checks.set(request, check);
    host.send({ type: "check", request, kind, input });
    return [request, check.promise];
  }

  /** A process answers. */
  answered(host: TaskProcess, request: number, checked: Checked): void {
    const check = this.#checks.get(request);
    if (check?.host === host) check.resolve(checked);
  }

  forget(request: number): void {
    this.#checks.delete(request);
  }

  /** A process has ended. */
  gone(host: TaskProcess): void {
    for (const check of this.#checks.values()) {
      if (check.host === host) check.reject(new UncheckedError("The task process ended"));
    }
  }
}
