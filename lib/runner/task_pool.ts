/**
 * The task processes of this server: which one a run goes to, and what becomes of the runs of one
 * that ended.
 *
 * @module
 */

import type { Logger } from "../base/log.ts";
import type { Metrics } from "../base/metrics.ts";
import type { FromTasks } from "../child/protocol.ts";
import type { TaskProcess, TaskProcessEvents } from "./task_process.ts";
import { Semaphore } from "../base/semaphore.ts";

/**
 * What a process is for: all runs; those of tasks under which others have died; one run, with which
 * it ends.
 */
export type Use = "shared" | "ward" | "own";

/** Every one. */
export const USES: readonly Use[] = ["shared", "ward", "own"];

/** Deaths of its process after which a task is tried among few others, and alone. */
const WARD_AFTER = 2;
const OWN_AFTER = 5;

/**
 * Where a task is driven under which processes have died. What ran beside the cause has as many
 * deaths as the cause: those are spread over the wards, where the next death leaves one part in so
 * many under suspicion, and so on until the cause is alone. The others are not held up meanwhile.
 */
export function useOf(deaths: number): Use {
  return deaths < WARD_AFTER ? "shared" : deaths < OWN_AFTER ? "ward" : "own";
}

/** A task process and what it runs. */
export interface Member<Run> {
  /** The process. */
  readonly host: TaskProcess;
  /** By number. */
  readonly runs: Map<number, Run>;
  /** What it is for. */
  readonly use: Use;
  /** How many runs have been in it. */
  entries: number;
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
  /** A process printed a line; `run` is `null` where it does not say whose it is. */
  onprinted(member: Member<Run>, line: string, run: number | null): void;
  /** A process ended by itself, or was ended; its runs are still in `member.runs`. */
  ongone(member: Member<Run>, because: string, died: boolean): void;
  /** There may be room again. */
  onready(): void;
  /** Where figures are kept. */
  metrics?: Pick<Metrics, "processEnded">;
  /** Where trouble is told. */
  log: Logger;
}

/** Milliseconds without a new process after one died while it started. */
const RESTART_MS = 1000;

/** Wards, at the most. */
const WARDS = 8;

/** Milliseconds in which a process loads its modules, some of them from far away. */
const READY_MS = 60_000;

/** Requests of a process that are answered at a time. */
const REQUESTS = 16;

/** See the module. */
export class TaskPool<Run> {
  readonly #options: TaskPoolOptions<Run>;
  readonly #members: Record<Use, Set<Member<Run>>> = {
    shared: new Set(),
    ward: new Set(),
    own: new Set(),
  };
  /** Processes that were told to end and have not yet. */
  readonly #leaving = new Set<TaskProcess>();
  /** Nothing is started while it runs. */
  #resting: ReturnType<typeof setTimeout> | undefined;
  /** Whose turn it is among the wards. */
  #turn = 0;
  #closed = false;

  /** Nothing is started before {@link TaskPool.start}. */
  constructor(options: TaskPoolOptions<Run>) {
    this.#options = options;
  }

  /** Starts the shared processes that are missing. */
  start(): void {
    while (this.#members.shared.size < this.#options.processes) this.#add("shared");
  }

  /** Runs that can go on at once in shared processes. */
  get capacity(): number {
    return this.#options.processes * this.#options.concurrency;
  }

  /** Whether there is a process for a run, or may be one. */
  has(use: Use): boolean {
    const { concurrency, isolated = 8 } = this.#options;
    const mayStart = this.#resting === undefined;
    switch (use) {
      case "shared":
        return this.#members.shared.values().some(({ runs }) => runs.size < concurrency);
      case "ward":
        return mayStart || this.#members.ward.size > 0;
      case "own":
        return mayStart && this.#members.own.size < isolated;
    }
  }

  /** Processes there are. */
  get size(): number {
    return this.#all().length;
  }

  /** The processes' ids. */
  get pids(): number[] {
    return this.#all().flatMap(({ host }) => host.pid ?? []);
  }

  /** A process for a run, where {@link TaskPool.has} says that there is one. */
  pick(use: Use): Member<Run> {
    const { shared, ward } = this.#members;
    switch (use) {
      case "shared":
        return shared.values().reduce((best, it) => it.runs.size < best.runs.size ? it : best);
      case "ward":
        if (ward.size < WARDS && this.#resting === undefined) return this.#add("ward");
        // Those that died together are spread evenly, whatever else runs there.
        return [...ward][this.#turn++ % ward.size]!;
      case "own":
        return this.#add("own");
    }
  }

  /** A run is over: a process that is not shared ends with its last one. */
  release(member: Member<Run>, number: number): void {
    member.runs.delete(number);
    if (member.use !== "shared" && member.runs.size === 0 && this.#drop(member)) {
      this.#leave(member.host, member.host.close());
    }
  }

  /** Ends a process whatever it does; its other runs go on elsewhere. */
  kill(member: Member<Run>, because = "its process was ended because of another task"): void {
    this.#options.metrics?.processEnded("killed");
    this.#leave(member.host, member.host.kill());
    this.#gone(member, because, false);
  }

  /** Ends every process, also those that are about to end, and waits for it. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#resting);
    const members = this.#all();
    for (const member of members) this.#drop(member);
    const hosts = [...members.map(({ host }) => host), ...this.#leaving];
    await Promise.all(hosts.map((host) => host.kill()));
  }

  #leave(host: TaskProcess, ended: Promise<void>): void {
    this.#leaving.add(host);
    void ended.finally(() => this.#leaving.delete(host));
  }

  #all(): Member<Run>[] {
    return USES.flatMap((use) => [...this.#members[use]]);
  }

  #drop(member: Member<Run>): boolean {
    clearTimeout(member.late);
    return this.#members[member.use].delete(member);
  }

  #add(use: Use): Member<Run> {
    const { startProcess, onmessage, onprinted, metrics, log, readyMs = READY_MS } = this.#options;
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
        onprinted: (line, run) => onprinted(member, line, run),
        onexit: (status) => {
          metrics?.processEnded("died");
          log.error("a task process ended by itself", { status, tasks: member.runs.size });
          this.#gone(member, `its process ended (${status})`, true);
        },
      }),
      runs: new Map(),
      use,
      entries: 0,
      ready: false,
      late,
      requests: new Semaphore(REQUESTS),
    };
    this.#members[use].add(member);
    return member;
  }

  #gone(member: Member<Run>, because: string, died: boolean): void {
    const { ongone, onready } = this.#options;
    if (!this.#drop(member) || this.#closed) return;
    const go = () => {
      this.#resting = undefined;
      this.start();
      onready();
    };
    // One that cannot even start is not started in a tight loop.
    if (!member.ready) this.#resting ??= setTimeout(go, RESTART_MS);
    else if (this.#resting === undefined) go();
    ongone(member, because, died && member.ready);
  }
}
