/**
 * The task processes of one module of kinds: picks the one that a run goes to, and takes care of
 * the runs of a process that ended.
 *
 * @module
 */

import { AwakeTimer } from "../base/awake_timer.ts";
import type { Logger } from "../base/log.ts";
import type { Metrics } from "../base/metrics.ts";
import { Semaphore } from "../base/semaphore.ts";
import type { Checked } from "../child/check_input.ts";
import type { FromTasks } from "../child/protocol.ts";
import type { Kind } from "../task/kind.ts";
import { Checks, type ChecksOptions } from "./checks.ts";
import type { Failure } from "./kinds.ts";
import { isUp, type Member, type MemberPool, type Use } from "./member.ts";
import { Members, type MembersOptions } from "./members.ts";
import { Restarts } from "./restarts.ts";
import type { TaskProcess, TaskProcessEvents } from "./task_process.ts";

export interface TaskPoolOptions<Run> extends Pick<ChecksOptions, "checkMs">, MembersOptions {
  name: string;
  /** Starts a process. */
  startProcess(events: TaskProcessEvents): TaskProcess;
  /** How many processes are shared by many runs. */
  processes: number;
  /** Whether to start no process before there is a run for it. @default {false} */
  lazy?: boolean;
  /** Milliseconds in which a process must have loaded its module. @default {60_000} */
  loadMs?: number;
  /** Milliseconds before the first restart of a process that failed to start. @default {1000} */
  restartMs?: number;
  onmessage(member: Member<Run>, message: FromTasks): void;
  /** A process printed a line; `run` is `null` if the line does not name its run. */
  onprinted(member: Member<Run>, line: string, run: number | null): void;
  /** A process that was ready ended or was killed; its runs are still in `member.runs`. */
  ongone(member: Member<Run>, because: string, died: boolean): void;
  /** A process has loaded its module. */
  onready(kinds: readonly Kind[]): void;
  /** A process could not be started, or could not load its module, and none is ready. */
  onfailed(failure: Failure): void;
  /** There may be room for a run. */
  onroom(): void;
  metrics?: Pick<Metrics, "processEnded"> | undefined;
  log: Logger;
}

/** A process that ran nothing and ended within so many milliseconds of being ready failed to start. */
const STEADY_MS = 10_000;

/** Milliseconds that a ward, or a process for one run, waits for it; and a spare one for inputs. */
const IDLE_MS = 5000;
const SPARE_IDLE_MS = 60_000;

/** Milliseconds in which a process must load its modules, which may have to be downloaded. */
const LOAD_MS = 60_000;

/** How many requests of one process are answered at once. */
const REQUESTS = 16;

export class TaskPool<Run> implements MemberPool<Run> {
  readonly #options: TaskPoolOptions<Run>;
  readonly #members: Members<Run>;
  /** Processes that were told to end and have not ended yet. */
  readonly #leaving = new Set<TaskProcess>();
  readonly #checks: Checks;
  readonly #restarts: Restarts;
  #running = 0;
  #sleeps: boolean;
  #closed = false;

  /** Nothing is started before {@link TaskPool.start}. */
  constructor(options: TaskPoolOptions<Run>) {
    this.#options = options;
    this.#members = new Members(options);
    this.#checks = new Checks({
      ...options,
      pick: () => this.#members.isReady ? this.#members.pick("shared").process : null,
      onslow: () => this.#askSpare(),
      onhung: (processes) => this.#hung(processes),
    });
    this.#restarts = new Restarts(options.restartMs, () => this.#goOn());
    this.#sleeps = options.lazy ?? false;
  }

  get name(): string {
    return this.#options.name;
  }

  /** Starts the shared processes that are missing. */
  start(): void {
    if (this.#sleeps) return;
    while (this.#members.count("shared") < this.#options.processes) this.#add("shared");
  }

  /** How many runs the shared processes can take at once. */
  get capacity(): number {
    return this.#options.processes * this.#options.concurrency;
  }

  get running(): number {
    return this.#running;
  }

  /**
   * Whether a process is ready for a run. Starts wards, or processes for single runs, for as many runs
   * as are `wanted`, and wakes a lazy pool.
   */
  has(use: Use, wanted = 1): boolean {
    if (use !== "shared") this.#prepare(use, this.#members.target(use, wanted));
    else if (wanted > 0) this.wake();
    return this.#members.hasRoom(use);
  }

  /** Starts the shared processes of a lazy pool. */
  wake(): void {
    if (!this.#sleeps || this.#closed) return;
    this.#sleeps = false;
    this.start();
  }

  #prepare(use: "ward" | "own", count: number): void {
    if (this.#restarts.rests || this.#closed) return;
    while (this.#members.count(use) < count) this.#add(use);
  }

  get size(): number {
    return this.#members.all.length;
  }

  get pids(): number[] {
    return this.#members.all.flatMap(({ process }) => process.pid ?? []);
  }

  /** Returns a process for a run; there must be one, as {@link TaskPool.has} says. */
  pick(use: Use): Member<Run> {
    const member = this.#members.pick(use);
    member.timer.clear();
    this.#restarts.worked();
    return member;
  }

  enter(member: Member<Run>, number: number, run: Run): void {
    member.runs.set(number, run);
    this.#running++;
  }

  release(member: Member<Run>, number: number): void {
    if (member.runs.delete(number)) this.#running--;
    if (member.use !== "shared" && member.runs.size === 0) this.#let(member);
  }

  kill(member: Member<Run>, because = "its process was ended because of another task"): void {
    this.#options.metrics?.processEnded("killed");
    this.#leave(member.process, member.process.kill());
    this.#gone(member, because, false);
  }

  /**
   * Has an input checked by a process that also runs tasks or, if these keep it busy, by a spare one.
   *
   * @throws {UncheckedError} If no process answers in time.
   */
  check(kind: string, input: string | null, parsed = false): Promise<Checked> {
    return this.#checks.check(kind, input, parsed);
  }

  /** Has a process that runs no tasks check the inputs that wait. */
  #askSpare(): void {
    const { spare } = this.#members;
    if (!spare && (this.#restarts.rests || this.#closed)) return;
    const member = spare ?? this.#add("spare");
    if (!isUp(member)) return;
    this.#checks.ask(member.process);
    member.timer.set(SPARE_IDLE_MS, () => this.#let(member));
  }

  /**
   * Replaces processes that hung, if the spare one is among them: it only checks inputs, so one of
   * these is the cause, and would hold others for ever. Else a silent process may be busy with tasks.
   */
  #hung(processes: readonly TaskProcess[]): void {
    const { spare } = this.#members;
    if (!spare || !processes.includes(spare.process)) return;
    const { name, log } = this.#options;
    log.error("checking an input of a kind took too long: its task process is replaced", { name });
    for (const member of this.#members.all) {
      if (processes.includes(member.process)) {
        this.kill(member, "its process hung while it checked an input");
      }
    }
  }

  /**
   * Ends every process, including those that are about to end, and waits for that.
   *
   * @param busy Processes whose runs were given up: these are killed, as the runs must not go on.
   */
  async close(busy: ReadonlySet<TaskProcess> = new Set()): Promise<void> {
    this.#closed = true;
    this.#restarts[Symbol.dispose]();
    const members = this.#members.all;
    this.#checks.close();
    for (const member of members) this.#drop(member);
    const processes = [...members.map(({ process }) => process), ...this.#leaving];
    const lets = new Set(members.filter(isUp).map(({ process }) => process));
    await Promise.all(processes.map((process) =>
      // A kill would lose the spans of its last seconds.
      process.traces && lets.has(process) && !busy.has(process) ? process.close() : process.kill()
    ));
  }

  /** Lets a process end by itself. */
  #let(member: Member<Run>): void {
    if (this.#drop(member)) this.#leave(member.process, member.process.close());
  }

  #leave(process: TaskProcess, ended: Promise<void>): void {
    this.#leaving.add(process);
    void ended.finally(() => this.#leaving.delete(process));
  }

  #drop(member: Member<Run>): boolean {
    member.timer.clear();
    const known = this.#members.delete(member);
    if (known) this.#checks.gone(member.process);
    return known;
  }

  #add(use: Use | "spare"): Member<Run> {
    const { startProcess, loadMs = LOAD_MS } = this.#options;
    const member: Member<Run> = {
      pool: this,
      runs: new Map(),
      use,
      entries: 0,
      readyAt: null,
      timer: new AwakeTimer(),
      requests: new Semaphore(REQUESTS),
      // Last, as its events may come at once.
      process: startProcess({
        onmessage: (message) => this.#take(member, message),
        onprinted: (line, run) => this.#options.onprinted(member, line, run),
        onexit: (status, said) => this.#exited(member, status, said),
      }),
    };
    this.#members.add(member);
    member.timer.set(loadMs, () => {
      this.#options.metrics?.processEnded("killed");
      this.#failed(member, { reason: `it was not loaded within ${loadMs / 1000} s` });
    });
    return member;
  }

  #take(member: Member<Run>, message: FromTasks): void {
    const { onready, onmessage, onroom } = this.#options;
    switch (message.type) {
      case "ready":
        if (isUp(member)) throw new SyntaxError("It was ready before");
        // It may have been dropped just before.
        if (!this.#members.has(member)) return;
        member.timer.clear();
        member.readyAt = performance.now();
        if (member.use === "ward" || member.use === "own") {
          member.timer.set(IDLE_MS, () => this.#let(member));
        }
        onready(message.kinds);
        if (member.use === "shared") this.#checks.ask(member.process);
        if (member.use === "spare") this.#askSpare();
        return onroom();
      case "failed":
        if (isUp(member)) throw new SyntaxError("It was ready before");
        this.#options.metrics?.processEnded("died");
        return this.#failed(member, message);
      case "checked":
        return this.#checks.answered(member.process, message.request, message.checked);
    }
    if (!isUp(member)) throw new SyntaxError("It is not ready");
    onmessage(member, message);
  }

  #exited(member: Member<Run>, status: string, said: string): void {
    const { metrics, log } = this.#options;
    metrics?.processEnded("died");
    if (!isUp(member)) {
      const error = said.split("\n").find((line) => /^error\b/i.test(line)) ?? lastLine(said);
      const reason = `its process ended (${status})${error === "" ? "" : `: ${error}`}`;
      return this.#failed(member, { reason: reason.slice(0, 2000), printed: said.slice(0, 8000) });
    }
    log.error("a task process ended by itself", { status, tasks: member.runs.size });
    this.#gone(member, `its process ended (${status})`, true);
  }

  /** A process failed to start or to load its module. */
  #failed(member: Member<Run>, { reason, stack, printed }: Failure): void {
    if (!this.#drop(member) || this.#closed) return;
    this.#leave(member.process, member.process.kill());
    this.#restarts.failed();
    const failure = { reason, ...stack ? { stack } : {}, ...printed ? { printed } : {} };
    if (!this.#members.isReady) this.#options.onfailed(failure);
    else this.#options.log.error("a task process could not be started", { ...failure });
  }

  /** A process that was ready has ended. */
  #gone(member: Member<Run>, because: string, died: boolean): void {
    if (!this.#drop(member) || this.#closed) return;
    const steady = member.entries > 0 || performance.now() - member.readyAt! > STEADY_MS;
    if (died && !steady) this.#restarts.failed();
    else if (!this.#restarts.rests) this.#goOn();
    this.#options.ongone(member, because, died);
  }

  #goOn(): void {
    this.start();
    this.#options.onroom();
  }
}

function lastLine(text: string): string {
  return text.trimEnd().split("\n").at(-1)!;
}
