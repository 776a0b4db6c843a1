/**
 * The task processes of this server: which one a run goes to, what becomes of the runs of one that
 * ended, and who is tried alone.
 *
 * @module
 */

import type { Logger } from "../base/log.ts";
import type { Metrics } from "../base/metrics.ts";
import type { FromTasks } from "../child/protocol.ts";
import type { TaskProcess, TaskProcessEvents } from "./task_process.ts";
import { Semaphore } from "../base/semaphore.ts";

/** A task process and what it runs. */
export interface Member<Run> {
  /** The process. */
  readonly host: TaskProcess;
  /** By number. */
  readonly runs: Map<number, Run>;
  /** It serves one run and ends with it. */
  readonly isolated: boolean;
  /** It has said that it can take tasks. */
  ready: boolean;
  /** Kills it when it is not ready in time. */
  readonly late: ReturnType<typeof setTimeout>;
  /** What it asks for, a few at a time. */
  readonly requests: Semaphore;
}

/** What {@link TaskPool} takes. */
export interface TaskPoolOptions<Run> {
  /** Starts a process. */
  startProcess(events: TaskProcessEvents): TaskProcess;
  /** Processes shared by many runs. */
  processes: number;
  /** Runs at once in each. */
  concurrency: number;
  /** Processes for a single run, at the most. @default {8} */
  isolated?: number;
  /** Milliseconds in which a process must be ready. @default {60_000} */
  readyMs?: number;
  /** A process said something. */
  onmessage(member: Member<Run>, message: FromTasks): void;
  /** A process ended by itself, or was ended; its runs are still in `member.runs`. */
  ongone(member: Member<Run>, because: string, died: boolean): void;
  /** There may be room again. */
  onready(): void;
  /** Where figures are kept. */
  metrics?: Pick<Metrics, "processEnded">;
  /** Where trouble is told. */
  log: Logger;
}

/** Milliseconds before a process that died while it started is started again. */
const RESTART_MS = 1000;

/** Milliseconds in which a process loads its modules, some of them from far away. */
const READY_MS = 60_000;

/** Requests of a process that are answered at a time. */
const REQUESTS = 16;

/** See the module. */
export class TaskPool<Run> {
  readonly #options: TaskPoolOptions<Run>;
  readonly #members = new Set<Member<Run>>();
  /** Processes that were told to end and have not yet. */
  readonly #leaving = new Set<TaskProcess>();
  #restart: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  /** Nothing is started before {@link TaskPool.start}. */
  constructor(options: TaskPoolOptions<Run>) {
    this.#options = options;
  }

  /** Starts the shared processes. */
  start(): void {
    for (let n = 0; n < this.#options.processes; n++) this.#add(false);
  }

  /** Runs that can go on at once in shared processes. */
  get capacity(): number {
    return this.#options.processes * this.#options.concurrency;
  }

  /** Whether another run may have a process of its own. */
  get canIsolate(): boolean {
    let count = 0;
    for (const { isolated } of this.#members) if (isolated) count++;
    return count < (this.#options.isolated ?? 8);
  }

  /** Processes there are. */
  get size(): number {
    return this.#members.size;
  }

  /** The processes' ids. */
  get pids(): number[] {
    return [...this.#members].flatMap(({ host }) => host.pid ?? []);
  }

  /** A process for a run: its own, or the least busy of the shared ones. */
  pick(alone: boolean): Member<Run> {
    if (alone) return this.#add(true);
    let best: Member<Run> | undefined;
    for (const member of this.#members) {
      if (member.isolated || member.runs.size >= this.#options.concurrency) continue;
      if (!best || member.runs.size < best.runs.size) best = member;
    }
    // While a process is being replaced there may be none.
    return best ?? this.#add(true);
  }

  /** A run is over: a process that was its own ends with it. */
  release(member: Member<Run>, number: number): void {
    member.runs.delete(number);
    if (member.isolated && member.runs.size === 0 && this.#members.delete(member)) {
      clearTimeout(member.late);
      this.#leave(member.host, member.host.close());
    }
  }

  /** Ends a process whatever it does; its other runs go on elsewhere. */
  kill(member: Member<Run>): void {
    this.#options.metrics?.processEnded("killed");
    this.#leave(member.host, member.host.kill());
    this.#gone(member, "its process was ended because of another task", false);
  }

  /** Ends every process, also those that are about to end, and waits for it. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#restart);
    for (const { late } of this.#members) clearTimeout(late);
    const hosts = [...[...this.#members].map(({ host }) => host), ...this.#leaving];
    this.#members.clear();
    await Promise.all(hosts.map((host) => host.kill()));
  }

  #leave(host: TaskProcess, ended: Promise<void>): void {
    this.#leaving.add(host);
    void ended.finally(() => this.#leaving.delete(host));
  }

  #add(isolated: boolean): Member<Run> {
    const { startProcess, onmessage, metrics, log, readyMs = READY_MS } = this.#options;
    const late = setTimeout(() => {
      log.error("a task process is not ready in time and is killed", { pid: member.host.pid });
      metrics?.processEnded("killed");
      this.#leave(member.host, member.host.kill());
      this.#gone(member, "its process did not start", false);
    }, readyMs);
    const member: Member<Run> = {
      host: startProcess({
        onmessage: (message) => {
          if (message.type !== "ready") return onmessage(member, message);
          clearTimeout(late);
          member.ready = true;
        },
        onexit: (status) => {
          metrics?.processEnded("died");
          log.error("a task process ended by itself", { status, tasks: member.runs.size });
          this.#gone(member, `its process ended (${status})`, true);
        },
      }),
      runs: new Map(),
      isolated,
      ready: false,
      late,
      requests: new Semaphore(REQUESTS),
    };
    this.#members.add(member);
    return member;
  }

  #gone(member: Member<Run>, because: string, died: boolean): void {
    const { ongone, onready } = this.#options;
    clearTimeout(member.late);
    if (!this.#members.delete(member) || this.#closed) return;
    const replace = () => {
      if (!this.#closed && !member.isolated) this.#add(false);
      onready();
    };
    // One that cannot even start is not started in a tight loop.
    if (member.ready) replace();
    else this.#restart = setTimeout(replace, RESTART_MS);
    ongone(member, because, died && member.ready);
  }
}
