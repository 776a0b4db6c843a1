/**
 * The modules of kinds of this server: the state of each, and the kinds it has.
 *
 * @module
 */

import type { Logger } from "../base/log.ts";
import type { AnyTask } from "../task/define.ts";
import { describeTasks, type Kind } from "../task/kind.ts";
import type { DescribedKind, ToldModule } from "../kv/told_kinds.ts";
import type { KindsModule } from "./task_process.ts";

export type ModuleState =
  | { readonly type: "loading" }
  | { readonly type: "ready" }
  /** None of its kinds can be run or checked. */
  | { readonly type: "failed"; readonly reason: string };

/** What is known about why a module cannot be loaded. */
export interface Failure {
  /** A sentence. */
  readonly reason: string;
  readonly stack?: string;
  /** What its process printed. */
  readonly printed?: string;
}

export class ModuleOfKinds {
  readonly module: KindsModule;
  /** The tasks of a module that ships, whose inputs the server checks itself; `null` for others. */
  readonly tasks: ReadonlyMap<string, AnyTask> | null;
  state: ModuleState = { type: "loading" };
  /** Its kinds as described last, also while it is not ready. */
  kinds: ReadonlyMap<string, Kind> = new Map();
  /** The failure that was logged last; `""` for none. */
  told = "";

  constructor(module: KindsModule, tasks: ReadonlyMap<string, AnyTask> | null = null) {
    this.module = module;
    this.tasks = tasks;
    if (tasks) this.kinds = byName(describeTasks(tasks.values()));
  }

  get name(): string {
    return this.module.name;
  }
}

export class Kinds {
  readonly modules: readonly ModuleOfKinds[];
  readonly #log: Logger;
  readonly #loaded = Promise.withResolvers<void>();
  #kinds = new Map<string, { kind: Kind; module: ModuleOfKinds }>();
  /** Called when a module's state or its kinds have changed. */
  readonly onchange: Set<() => void> = new Set();

  constructor(modules: readonly ModuleOfKinds[], log: Logger) {
    this.modules = modules;
    this.#log = log;
    this.#changed();
  }

  /** Resolves once each module is ready, or has failed. */
  get loaded(): Promise<void> {
    return this.#loaded.promise;
  }

  get(kind: string): Kind | undefined {
    return this.#kinds.get(kind)?.kind;
  }

  has(kind: string): boolean {
    return this.#kinds.has(kind);
  }

  names(): Iterable<string> {
    return this.#kinds.keys();
  }

  all(): Kind[] {
    return Array.from(this.#kinds.values(), ({ kind }) => kind);
  }

  /** The kinds whose module is loaded. */
  readyKinds(): Kind[] {
    return this.modules.filter(({ state }) => state.type === "ready")
      .flatMap(({ kinds }) => [...kinds.values()]);
  }

  moduleOf(kind: string): ModuleOfKinds | undefined {
    return this.#kinds.get(kind)?.module;
  }

  /** Gives modules without kinds those that they had when any process loaded them last. */
  recall(described: readonly DescribedKind[]): void {
    for (const module of this.modules) {
      if (module.kinds.size > 0) continue;
      const its = described.filter((described) => described.module === module.name);
      module.kinds = byName(its.map(({ kind }) => kind));
    }
    this.#changed();
  }

  /** What other processes should know of the modules here. */
  toldModules(): ToldModule[] {
    return this.modules.map(({ name: module, state, kinds }) => ({
      module,
      state: state.type,
      reason: state.type === "failed" ? state.reason : null,
      kinds: [...kinds.keys()],
    }));
  }

  /** What other processes should know of the kinds of users' modules. */
  describedKinds(): DescribedKind[] {
    return Array.from(this.#kinds.values(), ({ kind, module }) => ({ kind, module }))
      .filter(({ module: { state, tasks } }) => tasks === null && state.type === "ready")
      .map(({ kind, module: { name } }) => ({ module: name, kind }));
  }

  /** A module is loaded, and has these kinds. */
  ready(module: ModuleOfKinds, kinds: readonly Kind[]): void {
    module.kinds = byName(kinds);
    module.state = { type: "ready" };
    this.#changed();
    // It has failed if another module has the same kind.
    if (module.state.type === "ready") this.#tell(module, null);
  }

  failed(module: ModuleOfKinds, failure: Failure): void {
    module.state = { type: "failed", reason: failure.reason };
    this.#tell(module, failure);
    this.#changed();
  }

  #changed(): void {
    const kinds = new Map<string, { kind: Kind; module: ModuleOfKinds }>();
    // Kinds of a ready module count for more than those that another one had.
    const isReady = ({ state }: ModuleOfKinds) => Number(state.type === "ready");
    for (const module of this.modules.toSorted((a, b) => isReady(b) - isReady(a))) {
      const twice = [...module.kinds.keys()].find((kind) => kinds.has(kind));
      if (twice === undefined || !isReady(module)) {
        for (const [name, kind] of module.kinds) {
          if (!kinds.has(name)) kinds.set(name, { kind, module });
        }
      } else {
        const reason = `the kind '${twice}' is already defined by ${kinds.get(twice)!.module.name}`;
        module.state = { type: "failed", reason };
        this.#tell(module, { reason });
      }
    }
    this.#kinds = kinds;
    if (this.modules.every(({ state }) => state.type !== "loading")) this.#loaded.resolve();
    for (const told of this.onchange) told();
  }

  /** Logs the state of a module, if it is not what was logged last. */
  #tell(module: ModuleOfKinds, failure: Failure | null): void {
    const { name, told } = module;
    module.told = failure?.reason ?? "";
    if (module.told === told) return;
    if (failure) {
      this.#log.error("the kinds of a module are unavailable", { module: name, ...failure });
    } else this.#log.info("the kinds of a module are available again", { module: name });
  }
}

function byName(kinds: readonly Kind[]): Map<string, Kind> {
  return new Map(kinds.map((kind) => [kind.kind, kind]));
}
