/**
 * Tells other processes of this process's kinds, and knows theirs.
 *
 * @module
 */

import type { Logger } from "../base/log.ts";
import { type AuditEntry, readAudit } from "../kv/audit.ts";
import { keyText } from "../kv/keys.ts";
import { knownKinds } from "../kv/known_kinds.ts";
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

/** Milliseconds for which the other processes' modules are cached. */
const FRESH_MS = 1000;

export class KindBook {
  readonly #options: KindBookOptions;
  /** What the store is known to hold, as text, by key. */
  readonly #told = new Map<string, string>();
  #wanted: Told[] = [];
  #telling: Promise<void> | undefined;
  #others: { modules: Promise<ToldModule[]>; until: number } | undefined;

  constructor(options: KindBookOptions) {
    this.#options = options;
  }

  /** The newest description of each kind in the store, whichever process wrote it. */
  async recall(): Promise<DescribedKind[]> {
    const described = await readDescribedKinds(this.#options.store.kv);
    for (const told of described.map(toldKind)) this.#remember(told);
    return described;
  }

  /** Stores what is new of this process's modules and kinds; a later call replaces an earlier one. */
  tell(modules: readonly ToldModule[], kinds: readonly DescribedKind[]): void {
    const { store: { sid } } = this.#options;
    this.#wanted = [
      ...modules.map((module, n) => toldModule(sid, n, module)),
      ...kinds.map(toldKind),
    ].filter((told) => !this.#isTold(told));
    if (this.#wanted.length > 0) this.#telling ??= this.#tell();
  }

  /** Resolves when everything to be told is stored, or cannot be. */
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

  /** A kind that another process runs; `null` if none says that it does. */
  async elsewhere(name: string): Promise<Kind | null> {
    const modules = await this.others();
    const runs = ({ state, kinds }: ToldModule) => state === "ready" && kinds.includes(name);
    if (!modules.some(runs)) return null;
    return (await readDescribedKind(this.#options.store.kv, name))?.kind ?? null;
  }

  /** At most `limit` kinds that have or had tasks. */
  all(limit: number): Promise<string[]> {
    return knownKinds(this.#options.store.kv, limit);
  }

  /** Whether there are tasks of a kind. */
  hasTasks(kind: string): Promise<boolean> {
    return hasTasks(this.#options.store.kv, kind);
  }

  /** Who changed a kind or deleted tasks of it, and how; newest first. */
  audit(kind: string, limit: number): Promise<AuditEntry[]> {
    return readAudit(this.#options.store.kv, kind, limit);
  }

  /**
   * Whether no process that started later has this kind, so that the code here is the newest. Waits
   * until what this process tells of itself is stored.
   */
  async isNewest(kind: string): Promise<boolean> {
    const { store: { kv, sid } } = this.#options;
    await this.idle();
    return !(await readTold(kv)).some(({ sid: other, module: { state, kinds } }) =>
      other > sid && state === "ready" && kinds.includes(kind)
    );
  }

  /** Stores one description per commit: many would not fit. */
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
      // Nothing is awaited since the loop ended, so what is to be told from now on starts another one.
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
