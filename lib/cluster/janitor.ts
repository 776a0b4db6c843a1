/**
 * Cleans up: reaps sessions that fell silent and returns their tasks, removes what is older than the
 * retention, uploads whose time is over, and journal entries that every client has had the time to
 * read.
 *
 * @module
 */

import type { Hub } from "../feed/hub.ts";
import { entryKeys, entrySize } from "../kv/journal_entry.ts";
import { keys } from "../kv/keys.ts";
import { idsOf } from "../kv/list.ts";
import type { LiveTask } from "../store/live_task.ts";
import type { Logger } from "../base/log.ts";
import { OldKinds } from "../kv/old_kinds.ts";
import { removeOld } from "./retention.ts";
import type { SessionInfo } from "./session.ts";
import type { Store } from "../store/store.ts";
import type { Uploads } from "../kv/uploads.ts";
import type { Part, Write, WriteResult } from "../store/write.ts";

/** What {@link Janitor} takes. */
export interface JanitorOptions {
  /** Where tasks lie. */
  store: Store;
  /** Knows which journal entries there are. */
  hub: Hub;
  /** Removes what is over. */
  uploads: Uploads;
  /** Milliseconds after which a session not renewed is dead. */
  leaseMs: number;
  /** Milliseconds a finished task is kept. */
  retentionMs: number;
  /** Milliseconds between two sweeps. @default {60_000} */
  sweepMs?: number;
  /** Milliseconds a journal entry is kept: how long a client of many tasks may be away. */
  journalMs?: number;
  /** Bytes of journal kept at the most. */
  journalBytes?: number;
  /** Where trouble is told. */
  log: Logger;
}

/** Journal entries removed in one commit, at the most: a large one would be felt. */
const ENTRIES_A_COMMIT = 32;

/** Milliseconds between two looks for uploads that nobody sends any more. */
const UNFINISHED_MS = 5000;

/** Milliseconds between two looks at the journal. */
const TRIM_MS = 40;

interface Watched {
  versionstamp: string;
  since: number;
  role: string;
}

/** See the module. */
export class Janitor implements Write {
  readonly #options: JanitorOptions;
  readonly #timers: ReturnType<typeof setInterval>[] = [];
  readonly #jobs = new Set<Promise<unknown>>();
  /** Other sessions: their versionstamp, and since when it is the same, by our own clock. */
  readonly #sessions = new Map<string, Watched>();
  /** When the last look at them ended, by our own clock. */
  #lookedAt = 0;
  readonly #oldKinds = new OldKinds();
  readonly #closing = new AbortController();
  #busy = new Set<string>();
  #trimming = false;
  #inOffice = false;

  /** Nothing happens before {@link Janitor.start}. */
  constructor(options: JanitorOptions) {
    this.#options = options;
  }

  /**
   * Begins. Where this is the only process there can be, every other session is dead, and its tasks
   * are returned before this resolves.
   */
  async start(alone: boolean): Promise<void> {
    const { leaseMs, sweepMs = 60_000 } = this.#options;
    if (alone) await this.#reapAll();
    else await this.#reapSilent();
    await this.#returnTasks();
    if (this.#closing.signal.aborted) return;
    this.#every(leaseMs / 3, "reap", () => this.#reapSilent());
    this.#every(sweepMs, "sweep", () => this.sweep());
    // Each process looks after its own uploads, and after those of the dead.
    const sweepUnfinished = () => this.#options.uploads.sweepUnfinished();
    this.#every(UNFINISHED_MS, "sweep unfinished uploads", sweepUnfinished);
    this.#job("sweep unfinished uploads", sweepUnfinished);
    this.#every(TRIM_MS, "trim", () => this.#trim());
    this.#job("journal", () => this.#findOldEntries());
    this.#job("finish removals", () => this.#options.store.finishRemovals());
  }

  /** The sessions that run tasks, this one and the others that live as far as is known. */
  get workers(): string[] {
    const others = [...this.#sessions].filter(([, { role }]) => role !== "web");
    return [this.#options.store.sid, ...others.map(([sid]) => sid)];
  }

  /** Milliseconds since another session was last seen to renew its lease; 0 when it was not seen. */
  silenceOf(sid: string): number {
    const known = this.#sessions.get(sid);
    return known ? Math.round(performance.now() - known.since) : 0;
  }

  /** Stops, and waits for what is under way. */
  async stop(): Promise<void> {
    this.#closing.abort();
    for (const timer of this.#timers) clearInterval(timer);
    await Promise.allSettled(this.#jobs);
  }

  /** Removes finished tasks older than the retention, and uploads whose time is over. */
  async sweep(): Promise<void> {
    const { store, uploads, retentionMs } = this.#options;
    if (!await this.#isJanitor()) return;
    await uploads.sweep();
    await store.finishRemovals();
    await this.#oldKinds.remove(store.kv);
    await removeOld(store, store.now() - retentionMs, this.#closing.signal);
  }

  // --- sessions ------------------------------------------------------------------------------

  async #reapAll(): Promise<void> {
    const { kv, sid } = this.#options.store;
    for await (const { key, versionstamp } of kv.list({ prefix: keys.sessions })) {
      if (key[1] !== sid) await this.#reap(String(key[1]), versionstamp);
    }
  }

  /** A session is silent when its key did not change for a lease: no clock but ours is asked. */
  async #reapSilent(): Promise<void> {
    const { store: { kv, sid }, leaseMs } = this.#options;
    const sessions = await Array.fromAsync(kv.list<SessionInfo>({ prefix: keys.sessions }));
    const now = performance.now();
    // While we could not look, nobody may have been able to renew: then silence tells nothing.
    const blind = now - this.#lookedAt > (2 / 3) * leaseMs;
    this.#lookedAt = now;
    const seen = new Set<string>();
    for (const { key, value: { role }, versionstamp } of sessions) {
      const other = String(key[1]);
      if (other === sid) continue;
      seen.add(other);
      const known = this.#sessions.get(other);
      if (blind || known?.versionstamp !== versionstamp) {
        this.#sessions.set(other, { versionstamp, since: now, role });
      } else if (now - known.since >= leaseMs) {
        await this.#reap(other, versionstamp);
      }
    }
    for (const other of this.#sessions.keys()) if (!seen.has(other)) this.#sessions.delete(other);
    await this.#returnTasks();
  }

  async #reap(other: string, versionstamp: string): Promise<void> {
    const { store, log } = this.#options;
    const outcome = await store.journal.write({
      checks: [{ key: keys.session(other), versionstamp }],
      deletes: [keys.session(other)],
      // Whoever finds this returns the tasks, even if we die now.
      sets: [[keys.dead(other), null, 8]],
    });
    if (outcome.ok) log.warn("a session is dead: its tasks go on elsewhere", { session: other });
  }

  /** Puts the tasks of dead sessions back to pending. */
  async #returnTasks(): Promise<void> {
    const { kv, journal } = this.#options.store;
    const dead = new Set<string>();
    for await (const { key } of kv.list({ prefix: keys.deads })) dead.add(String(key[1]));
    if (dead.size === 0) return;
    // The dead wrote nothing since: now we know all that their clients have seen.
    await this.#options.hub.caughtUp();
    let ids: string[] = [];
    const flush = () => Promise.all(ids.splice(0).map((id) => this.#return(id, dead)));
    for await (const id of idsOf(kv, "running")) {
      ids.push(id);
      if (ids.length === 200) await flush();
    }
    await flush();
    ids = [];
    await journal.write({ deletes: [...dead].map((sid) => keys.dead(sid)) });
  }

  async #return(id: string, dead: ReadonlySet<string>): Promise<void> {
    const { store } = this.#options;
    const canceled = (await store.kv.get(keys.cancel(id))).versionstamp !== null;
    let live: LiveTask | undefined;
    await store.withTask(id, (it) => {
      const { record, owner } = it.task;
      if (record.status !== "running" || owner === null || !dead.has(owner)) return;
      live = it;
      if (canceled) it.change({ type: "request-cancel" });
      it.log(
        "warn",
        "Interrupted: the server that ran it died; goes on from the last checkpoint",
      );
      it.change({ type: "interrupt", died: false });
    });
    // A conflict means that another process returned it.
    const outcome = await live?.committed();
    if (outcome?.ok) store.onreturned?.(live!);
  }

  /** One process sweeps. Takes the office when nobody alive holds it. */
  async #isJanitor(): Promise<boolean> {
    if (this.#inOffice) return true;
    const { store: { kv, sid, journal } } = this.#options;
    const office = await kv.get<string>(keys.janitor);
    if (office.value && (await kv.get(keys.session(office.value))).versionstamp) return false;
    const outcome = await journal.write({
      checks: [{ key: keys.janitor, versionstamp: office.versionstamp }],
      sets: [[keys.janitor, sid, 32]],
    });
    // For as long as our session lives, nobody else takes it.
    return this.#inOffice = outcome.ok;
  }

  // --- the journal ---------------------------------------------------------------------------

  /** Entries of before this process began are remembered too, so that they go in their turn. */
  async #findOldEntries(): Promise<void> {
    const { store: { kv }, hub } = this.#options;
    const end = [...keys.journal, `${hub.position}\u0000`];
    const first = hub.passed.length;
    const old = [];
    for await (
      const { key, value } of kv.list<Uint8Array>({ prefix: keys.journal, end }, { batchSize: 10 })
    ) {
      if (this.#closing.signal.aborted) return;
      old.push({ versionstamp: String(key[1]), size: entrySize(value), at: Date.now() });
    }
    const known = hub.passed[first - 1]?.versionstamp ?? "";
    const missing = old.filter(({ versionstamp }) => first === 0 || versionstamp < known);
    hub.passed.unshift(...missing);
    for (const { size } of missing) hub.passedBytes += size;
    hub.passed.sort((a, b) => a.versionstamp < b.versionstamp ? -1 : 1);
  }

  async #trim(): Promise<void> {
    if (this.#trimming || this.#excess() === 0 || !await this.#isJanitor()) return;
    this.#trimming = true;
    this.#options.store.journal.touch(this);
  }

  /** How many of the oldest entries should go. */
  #excess(): number {
    const { hub, journalMs = 120_000, journalBytes = 64 * 1024 * 1024 } = this.#options;
    const { passed } = hub;
    const before = Date.now() - journalMs;
    let count = 0;
    let bytes = hub.passedBytes - journalBytes;
    while (count < passed.length && count < ENTRIES_A_COMMIT) {
      const entry = passed[count]!;
      if (entry.at > before && bytes <= 0) break;
      bytes -= entry.size;
      count++;
    }
    return count;
  }

  /** See {@link Write}. */
  render(): Part {
    const entries = this.#options.hub.takePassed(this.#excess());
    if (entries.length === 0) return {};
    return {
      deletes: entries.flatMap(({ versionstamp, size }) => entryKeys(versionstamp, size)),
      sets: [[keys.journalFloor, entries.at(-1)!.versionstamp, 32]],
    };
  }

  /** See {@link Write}. */
  settle(_outcome: WriteResult): void {
    this.#trimming = false;
  }

  // --- jobs ----------------------------------------------------------------------------------

  #every(ms: number, name: string, job: () => Promise<void>): void {
    this.#timers.push(setInterval(() => this.#job(name, job), ms));
  }

  /** Owns a job; one of a name at a time. */
  #job(name: string, action: () => Promise<void>): void {
    if (this.#busy.has(name) || this.#closing.signal.aborted) return;
    this.#busy.add(name);
    const job = action().catch((error) => {
      if (!this.#closing.signal.aborted) this.#options.log.error(`cannot ${name}`, { error });
    }).finally(() => {
      this.#busy.delete(name);
      this.#jobs.delete(job);
    });
    this.#jobs.add(job);
  }
}
