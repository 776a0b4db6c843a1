/**
 * Watches the other sessions, removes those that fell silent, and makes their tasks pending again.
 *
 * @module
 */

import type { Hub } from "../feed/hub.ts";
import { keys } from "../kv/keys.ts";
import { readCancel } from "../kv/cancel.ts";
import { idsOf } from "../kv/known_kinds.ts";
import { toldKeys } from "../kv/told_kinds.ts";
import {
  type DeadSession,
  readDead,
  readSessions,
  type StoredSession,
  unfoldedFrom,
} from "../kv/sessions.ts";
import type { LiveTask } from "../store/live_task.ts";
import type { Logger } from "../base/log.ts";
import type { Task } from "../task/task.ts";
import type { Store } from "../store/store.ts";
import { sweepParents } from "./sweep_parents.ts";
import { Chores } from "./chores.ts";

export interface ReaperOptions {
  store: Store;
  hub: Hub;
  /** Milliseconds after which a session that was not renewed counts as dead. */
  leaseMs: number;
  log: Logger;
}

/** Tasks returned at once. */
const AT_ONCE = 200;

interface Watched {
  versionstamp: string;
  /** Since when the versionstamp is the same, in milliseconds of `performance.now()`. */
  since: number;
  role: string;
}

export class Reaper {
  /** Another process died or stopped. */
  ongone: (() => void) | undefined;
  readonly #options: ReaperOptions;
  readonly #chores: Chores;
  readonly #sessions = new Map<string, Watched>();
  /** When the sessions were last read, in milliseconds of `performance.now()`. */
  #lookedAt = 0;

  /** Does nothing before {@link Reaper.start}. */
  constructor(options: ReaperOptions) {
    this.#options = options;
    this.#chores = new Chores(options.log);
  }

  /**
   * Starts to watch the sessions. If this is the only process there can be (`alone`), every other
   * session is dead, and its tasks have been returned when this resolves.
   */
  async start(alone: boolean): Promise<void> {
    if (alone) await this.#reapAll();
    else await this.#reapSilent();
    this.#chores.every(this.#options.leaseMs / 3, "reap", () => this.#reapSilent());
  }

  stop(): Promise<void> {
    return this.#chores.stop();
  }

  /** The sessions that run tasks: this one, and the others that are not known to be dead. */
  get workers(): string[] {
    const others = [...this.#sessions].filter(([, { role }]) => role !== "web");
    return [this.#options.store.sid, ...others.map(([sid]) => sid)];
  }

  /** Milliseconds since another session was last seen to renew its lease; 0 if it is not known. */
  silenceOf(sid: string): number {
    const known = this.#sessions.get(sid);
    return known ? Math.round(performance.now() - known.since) : 0;
  }

  async #reapAll(): Promise<void> {
    const { kv, sid } = this.#options.store;
    for (const session of await readSessions(kv)) {
      if (session.sid !== sid) await this.#reap(session);
    }
    await this.#returnTasks();
  }

  /** Reaps sessions whose key did not change for a lease, by our own clock: others may be wrong. */
  async #reapSilent(): Promise<void> {
    const { store: { kv, sid }, leaseMs } = this.#options;
    const sessions = await readSessions(kv);
    const now = performance.now();
    // While we could not look, others may not have been able to renew, so silence means nothing.
    const blind = now - this.#lookedAt > (2 / 3) * leaseMs;
    this.#lookedAt = now;
    const seen = new Set<string>();
    for (const session of sessions) {
      const { sid: other, info: { role }, versionstamp } = session;
      if (other === sid) continue;
      seen.add(other);
      const known = this.#sessions.get(other);
      if (blind || known?.versionstamp !== versionstamp) {
        this.#sessions.set(other, { versionstamp, since: now, role });
      } else if (now - known.since >= leaseMs) {
        await this.#reap(session);
        seen.delete(other);
      }
    }
    let gone = false;
    for (const other of this.#sessions.keys()) {
      if (seen.has(other)) continue;
      this.#sessions.delete(other);
      gone = true;
    }
    if (gone) this.ongone?.();
    await this.#returnTasks();
  }

  async #reap(session: StoredSession): Promise<void> {
    const { store, log } = this.#options;
    const { sid: other, versionstamp, info } = session;
    const dead: DeadSession = {
      renewed_at: info.renewed_at ?? null,
      unfolded: unfoldedFrom(session),
    };
    const result = await store.journal.write({
      checks: [{ key: keys.session(other), versionstamp }],
      deletes: [keys.session(other), ...await toldKeys(store.kv, other)],
      // Any process that finds this key returns the tasks, even if this one dies now.
      sets: [[keys.dead(other), dead, 96]],
    });
    if (result.ok) log.warn("a session is dead: its tasks go on elsewhere", { session: other });
  }

  async #returnTasks(): Promise<void> {
    const { store, store: { kv, journal } } = this.#options;
    const dead = await readDead(kv);
    if (dead.size === 0) return;
    // Dead processes can write nothing more, so from here on we know everything that they stored.
    await this.#options.hub.caughtUp();
    const ids: string[] = [];
    const flush = () => Promise.all(ids.splice(0).map((id) => this.#return(id, dead)));
    for await (const id of idsOf(kv, "running")) {
      ids.push(id);
      if (ids.length === AT_ONCE) await flush();
    }
    await flush();
    await journal.write({ deletes: [...dead.keys()].map((sid) => keys.dead(sid)) });
    // A process may have died after a last child's end was stored, but before its parent was woken.
    this.#chores.once("look after parents", () => sweepParents(store, this.#chores.signal));
  }

  async #return(id: string, dead: ReadonlyMap<string, DeadSession>): Promise<void> {
    const { store } = this.#options;
    const asked = await readCancel(store.kv, id);
    let live: LiveTask | undefined;
    await store.withTask(id, (it) => {
      const { record, owner } = it.task;
      if (record.status !== "running" || owner === null || !dead.has(owner)) return;
      live = it;
      it.skipUnstoredIds();
      if (asked) it.change({ type: "request-cancel", ...asked });
      it.rows.log(
        "warn",
        "Interrupted: the server that ran it died; resumes from the last checkpoint",
      );
      const ranMs = knownRun(it.task, dead.get(owner)!.renewed_at);
      it.change({ type: "interrupt", died: false, ranMs });
    });
    // A conflict means that another process returned it.
    const result = await live?.committed();
    if (result?.ok) store.onreturned?.(live!);
  }
}

/** Milliseconds that a run of a dead process took at least; `renewedAt` is from its session. */
function knownRun({ record: { updated_at }, runSince }: Task, renewedAt: string | null): number {
  const seenAt = renewedAt !== null && renewedAt > updated_at ? renewedAt : updated_at;
  return runSince === undefined ? 0 : Math.max(0, Date.parse(seenAt) - runSince);
}
