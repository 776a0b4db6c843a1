/**
 * Tells other processes of this process's kinds, and knows theirs.
 *
 * @module
 */

import type { Logger } from "../base/log.ts";
import { type AuditEntry, readAudit } from "../kv/audit.ts";
import { keyText } from "../kv/keys.ts";
import { knownKinds } from "../kv/list.ts";
import { hasTasks } from "../kv/old_kinds.ts";
import {
  type DescribedKind,
  readDescribedKind,
  readDescribedKinds,
  readTold,
  readToldModules,
  type Told,
  toldKind,
  type ToldModule,
  toldModule,
  toldSet,
} from "../kv/told_kinds.ts";
import type { Store } from "../store/store.ts";
import type { Kind } from "../task/kind.ts";

export interface KindBookOptions {
  store: Store;
  log: Logger;
}

/** Milliseconds for which what others say is taken for true. */
const FRESH_MS = 1000;

export class KindBook {
  readonly #options: KindBookOptions;
  /** What the store holds, as text, by key. */
  readonly #told = new Map<string, string>();
  #wanted: Told[] = [];
  #telling: Promise<void> | undefined;
  #others: { modules: Promise<ToldModule[]>; until: number } | undefined;

  constructor(options: KindBookOptions) {
    this.#options = options;
  }

  /** How kinds were described last, by whomever. */
  async recall(): Promise<DescribedKind[]> {
    const described = await readDescribedKinds(this.#options.store.kv);
    for (const told of described.map(toldKind)) this.#remember(told);
    return described;
  }

  /** Tells what is news of this process's modules and kinds; what is told later counts. */
  tell(modules: readonly ToldModule[], kinds: readonly DescribedKind[]): void {
    const { store: { sid } } = this.#options;
    this.#wanted = [
      ...modules.map((module, n) => toldModule(sid, n, module)),
      ...kinds.map(toldKind),
    ].filter((told) => !this.#isTold(told));
    if (this.#wanted.length > 0) this.#telling ??= this.#tell();
  }

  /** Resolves when all that was to be told is, or cannot be. */
  async idle(): Promise<void> {
    await this.#telling;
  }

  /** The modules of the other processes that run tasks. */
  others(): Promise<ToldModule[]> {
    const { store: { kv, sid } } = this.#options;
    const now = performance.now();
    if (this.#others && now < this.#others.until) return this.#others.modules;
    const modules = readToldModules(kv, sid);
    this.#others = { modules, until: now + FRESH_MS };
    modules.catch(() => this.#others = undefined);
    return modules;
  }

  /** A kind that another process runs; `null` where none says so. */
  async elsewhere(name: string): Promise<Kind | null> {
    const modules = await this.others();
    const runs = ({ state, kinds }: ToldModule) => state === "ready" && kinds.includes(name);
    if (!modules.some(runs)) return null;
    return (await readDescribedKind(this.#options.store.kv, name))?.kind ?? null;
  }

  /** Kinds that there are tasks of, or were, so many at most. */
  all(limit: number): Promise<string[]> {
    return knownKinds(this.#options.store.kv, limit);
  }

  /** Whether there are tasks of a kind. */
  hasTasks(kind: string): Promise<boolean> {
    return hasTasks(this.#options.store.kv, kind);
  }

  /** Who did what to a kind, and deleted which of its tasks: the newest first. */
  audit(kind: string, limit: number): Promise<AuditEntry[]> {
    return readAudit(this.#options.store.kv, kind, limit);
  }

  /**
   * Whether no process begun later has this kind: its code is the newest there is. What this one has
   * told of itself is taken for told.
   */
  async isNewest(kind: string): Promise<boolean> {
    const { store: { kv, sid } } = this.#options;
    await this.idle();
    return !(await readTold(kv)).some(({ sid: other, module: { state, kinds } }) =>
      other > sid && state === "ready" && kinds.includes(kind)
    );
  }

  /** Each by itself: many descriptions do not fit into one commit. */
  async #tell(): Promise<void> {
    const { store: { journal }, log } = this.#options;
    try {
      for (let told = this.#wanted.shift(); told; told = this.#wanted.shift()) {
        const result = await journal.write({ sets: [toldSet(told)] });
        if (result.ok) this.#remember(told);
        else if (result.reason === "refused") log.warn("a kind cannot be described to others");
        else return;
      }
    } finally {
      // In this very moment: what is to be told from now on begins another one.
      this.#telling = undefined;
    }
  }

  #isTold({ key, text }: Told): boolean {
    return this.#told.get(keyText(key)) === text;
  }

  #remember({ key, text }: Told): void {
    this.#told.set(keyText(key), text);
  }
}
