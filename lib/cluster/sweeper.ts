/**
 * Removes what is no longer needed: finished tasks past their retention, unused uploads, signals
 * and kinds, and what a removal that was cut short left over. One process of all does this.
 *
 * @module
 */

import { sweepAudit } from "../kv/audit.ts";
import { keys } from "../kv/keys.ts";
import type { Logger } from "../base/log.ts";
import { OldKinds } from "../kv/old_kinds.ts";
import { removeForgottenKinds } from "../kv/told_kinds.ts";
import type { Store } from "../store/store.ts";
import type { Artifacts } from "../kv/artifacts.ts";
import type { Uploads } from "../kv/uploads.ts";
import { Chores } from "./chores.ts";
import { OldTasks, type RetentionMs } from "./old_tasks.ts";
import { sweepParents } from "./sweep_parents.ts";
import { sweepSignals } from "./sweep_signals.ts";

export interface SweeperOptions {
  store: Store;
  uploads: Uploads;
  artifacts: Artifacts;
  /** How long a finished task is kept if neither it nor its kind says so. */
  retentionMs: RetentionMs;
  log: Logger;
}

/** Milliseconds between two sweeps. */
const SWEEP_MS = 60_000;

/** Milliseconds between two looks for uploads and artifacts that stopped arriving. */
const UNFINISHED_MS = 5000;

/** Milliseconds between two reads of who sweeps: the journal's retention asks many times a second. */
const ELECTION_MS = 5000;

/** Milliseconds between two sweeps of all artifacts, of which there may be many. */
const COUNT_MS = 3600_000;

export class Sweeper {
  readonly #options: SweeperOptions;
  readonly #chores: Chores;
  readonly #oldKinds = new OldKinds();
  readonly #oldTasks: OldTasks;
  #elected = false;
  /** When another process was last seen to be elected, in monotonic milliseconds. */
  #passedOverAt = -Infinity;

  /** Does nothing before {@link Sweeper.start}. */
  constructor(options: SweeperOptions) {
    this.#options = options;
    this.#chores = new Chores(options.log);
    this.#oldTasks = new OldTasks(options.store, options.retentionMs);
  }

  start(): void {
    const { store, uploads: { arrivals } } = this.#options;
    this.#chores.every(SWEEP_MS, "sweep", () => this.sweep());
    this.#chores.every(COUNT_MS, "sweep artifacts", () => this.#sweepArtifacts());
    // Each process looks after what arrives at it, and after what arrived at dead ones.
    const sweepUnfinished = () => arrivals.sweepUnfinished();
    this.#chores.every(UNFINISHED_MS, "sweep unfinished uploads", sweepUnfinished);
    this.#chores.once("sweep unfinished uploads", sweepUnfinished);
    this.#chores.once("finish removals", () => store.finishRemovals());
    this.#chores.once("sweep signals", () => sweepSignals(store, this.#chores.signal));
    this.#chores.once("look after parents", () => sweepParents(store, this.#chores.signal));
  }

  stop(): Promise<void> {
    return this.#chores.stop();
  }

  /** Sweeps, if this process is the elected one. A sweep that fails is logged and stops no other. */
  async sweep(): Promise<void> {
    const { store, store: { kv }, uploads, log } = this.#options;
    const { signal } = this.#chores;
    if (!await this.isElected()) return;
    const sweeps: Record<string, () => Promise<void>> = {
      "uploads": () => uploads.sweep(),
      "what removals left": () => store.finishRemovals(),
      "signals": () => sweepSignals(store, signal),
      "parents": () => sweepParents(store, signal),
      "old kinds": () => this.#oldKinds.remove(kv),
      "forgotten kinds": () => removeForgottenKinds(kv),
      "audits": () => sweepAudit(kv),
      "old tasks": () => this.#oldTasks.remove(store.now(), signal),
    };
    for (const [what, sweep] of Object.entries(sweeps)) {
      await sweep().catch((error) => {
        if (!signal.aborted) log.error("a part of the sweep failed", { what, error });
      });
    }
  }

  async #sweepArtifacts(): Promise<void> {
    if (await this.isElected()) await this.#options.artifacts.sweep();
  }

  /** Whether this process is the elected one, which it becomes if the last one's session is gone. */
  async isElected(): Promise<boolean> {
    if (this.#elected) return true;
    if (performance.now() - this.#passedOverAt < ELECTION_MS) return false;
    const { kv, sid, journal } = this.#options.store;
    const holder = await kv.get<string>(keys.janitor);
    if (holder.value && (await kv.get(keys.session(holder.value))).versionstamp) {
      this.#passedOverAt = performance.now();
      return false;
    }
    const result = await journal.write({
      checks: [{ key: keys.janitor, versionstamp: holder.versionstamp }],
      sets: [[keys.janitor, sid, 32]],
    });
    // While our session lives, nobody else is elected.
    return this.#elected = result.ok;
  }
}
