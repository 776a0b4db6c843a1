/**
 * The task processes of this server: those of each module of kinds.
 *
 * @module
 */

import { deadline } from "../base/deadline.ts";
import { type Checked, checkInput } from "../child/check_input.ts";
import { CHECK_MS, UncheckedError } from "./checks.ts";
import type { Kinds, ModuleOfKinds } from "./kinds.ts";
import { TaskPool, type TaskPoolOptions } from "./task_pool.ts";
import type { KindsModule, TaskProcess, TaskProcessEvents } from "./task_process.ts";

/** The events of task processes that a runner handles. */
export type PoolEvents<Run> = Pick<
  TaskPoolOptions<Run>,
  "onmessage" | "onprinted" | "ongone" | "onroom"
>;

export interface TaskPoolsOptions<Run> extends
  Pick<
    TaskPoolOptions<Run>,
    "processes" | "concurrency" | "isolated" | "loadMs" | "restartMs" | "metrics" | "log"
  > {
  kinds: Kinds;
  startProcess(module: KindsModule, events: TaskProcessEvents): TaskProcess;
  /** Adds to a reason what to do about it, if that is known. @default {nothing} */
  explain?: (module: KindsModule, reason: string) => string;
  /** Whether the processes only check inputs. @default {false} */
  checksOnly?: boolean;
}

export class TaskPools<Run> {
  readonly #kinds: Kinds;
  readonly #pools = new Map<ModuleOfKinds, TaskPool<Run>>();
  /** Handles what happens in the processes; a runner sets it. */
  events: PoolEvents<Run>;

  /** Nothing is started before {@link TaskPools.start}. */
  constructor(options: TaskPoolsOptions<Run>) {
    const { kinds, startProcess, checksOnly = false, explain = (_, reason) => reason } = options;
    this.#kinds = kinds;
    this.events = {
      onmessage() {},
      onprinted: ({ process: { pid }, pool: { name } }, line) =>
        options.log.info("printed by a module of kinds", { module: name, pid, line }),
      ongone() {},
      onroom() {},
    };
    for (const of of kinds.modules) {
      const { module, tasks } = of;
      // Kinds that ship are known and checked without a process, and seldom run if there are others.
      const lazy = tasks !== null && (checksOnly || kinds.modules.length > 1);
      if (lazy) kinds.ready(of, [...of.kinds.values()]);
      const pool = new TaskPool<Run>({
        ...options,
        lazy,
        name: module.name,
        startProcess: (events) => startProcess(module, events),
        onmessage: (member, message) => this.events.onmessage(member, message),
        onprinted: (member, line, run) => this.events.onprinted(member, line, run),
        ongone: (member, because, died) => this.events.ongone(member, because, died),
        onroom: () => this.events.onroom(),
        onready: (described) => kinds.ready(of, described),
        onfailed: (failure) => {
          kinds.failed(of, { ...failure, reason: explain(module, failure.reason) });
          // Shows whether the lazy pools fail, too.
          if (!checksOnly) { for (const pool of this.all) pool.wake(); }
        },
      });
      this.#pools.set(of, pool);
    }
  }

  /** Starts the shared processes of all pools but the lazy ones. */
  start(): void {
    for (const pool of this.#pools.values()) pool.start();
  }

  get all(): TaskPool<Run>[] {
    return [...this.#pools.values()];
  }

  /** The pool that runs a kind; `undefined` if there is none or its module is not ready. */
  of(kind: string): TaskPool<Run> | undefined {
    const module = this.#kinds.moduleOf(kind);
    return module?.state.type === "ready" ? this.#pools.get(module) : undefined;
  }

  get size(): number {
    return this.all.reduce((sum, { size }) => sum + size, 0);
  }

  get pids(): number[] {
    return this.all.flatMap(({ pids }) => pids);
  }

  /**
   * Has an input checked by the schema of its kind.
   *
   * @param parsed Whether the schema made it: then only its keys are computed.
   * @throws {UncheckedError} If nothing says in time whether it fits.
   */
  async check(kind: string, input: string | null, parsed = false): Promise<Checked> {
    const module = this.#kinds.moduleOf(kind);
    const task = module?.tasks?.get(kind);
    if (task) {
      return await deadline(checkInput(task, input, parsed), CHECK_MS, () => {
        throw new UncheckedError("its schema did not answer in time");
      });
    }
    const pool = module && this.#pools.get(module);
    if (!pool) throw new UncheckedError("this process does not know the kind");
    return await pool.check(kind, input, parsed);
  }

  /** See {@link TaskPool.close}. */
  async close(busy?: ReadonlySet<TaskProcess>): Promise<void> {
    await Promise.all(this.all.map((pool) => pool.close(busy)));
  }
}
