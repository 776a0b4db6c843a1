/**
 * Decides what becomes of tasks: submit, cancel, retry, delete, claim, interrupt. Inside this
 * process it decides alone, in order, on one {@link LiveTask} a task; what another process may
 * want as well is checked by the commit, and decided again when the check is lost.
 *
 * @module
 */

import { Journal, type JournalOptions } from "./journal.ts";
import { type AuditEntry, auditSet } from "../kv/audit.ts";
import { removedArtifacts } from "../kv/artifacts.ts";
import type { Decided } from "./decided.ts";
import { Families } from "./families.ts";
import { Family } from "./family.ts";
import { type Key, keys } from "../kv/keys.ts";
import type { LiveTask } from "./live_task.ts";
import { LiveTasks } from "./live_tasks.ts";
import { findUploads } from "../kv/upload_life.ts";
import { checkedAnswer, hasManySignals, readSignal, signalValue } from "../kv/answers.ts";
import type { TaskEvent } from "../task/event.ts";
import { expiryOf, type Keep } from "../task/retention.ts";
import { isFinished, type Status, type TaskRecord, type WaitingFor } from "../task/record.ts";
import { statusOf } from "../task/json_text.ts";
import { onlyLabels } from "../task/labels.ts";
import { fewRows, finishRemovals, removeRows } from "../kv/removed_rows.ts";
import { setKeysOf, untilIn } from "./index_keys.ts";
import { inTime, StoreError, TRIES } from "./store_error.ts";
import { type Submission, Submissions, type Submitted, submittedEvents } from "./submissions.ts";
import type { Head } from "../kv/head.ts";
import { Heads } from "../kv/heads.ts";

/** What came of a signal. */
export type Signaled =
  | { ok: true; status: Status }
  | { ok: false; reason: "not-found" }
  | { ok: false; reason: "wrong-state"; status: Status }
  /** One of this name was sent before; the first one counts. */
  | { ok: false; reason: "sent" }
  /** The task has yet to take so many others. */
  | { ok: false; reason: "too-many" };

export type { Decided } from "./decided.ts";
export type { Submission, Submitted } from "./submissions.ts";

export interface StoreOptions extends JournalOptions {
  /** Milliseconds since the epoch. @default {Date.now} */
  now?: () => number;
  /** @default {those that know of nothing pending} */
  heads?: Heads;
  /** Resolves when `heads` knows what was written up to now. @default {at once} */
  caughtUp?: () => Promise<void>;
  /** Shows progress before it is stored; absent where others write to the same store. */
  show?: ((event: TaskEvent) => void) | undefined;
  /** Whether anybody watches a task. @default {somebody does} */
  watched?: ((id: string, kind: string) => boolean) | undefined;
  /** When the store was last restored, milliseconds since the epoch. @default {0, for never} */
  restoredAt?: number;
}

/** Milliseconds after which a store that takes nothing is given nothing more. */
const STALLED_MS = 2000;

export class Store {
  readonly journal: Journal;
  readonly kv: Deno.Kv;
  readonly heads: Heads;
  readonly sid: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;

  /** A task became pending here, before its commit: the runner may claim it at once. */
  onpending: ((live: LiveTask) => void) | undefined;
  /** A task of a dead process was given back here: it is pending, or has ended. */
  onreturned: ((live: LiveTask) => void) | undefined;

  /** A task that was pending was canceled here. */
  onwithdrawn: ((live: LiveTask) => void) | undefined;

  /** Someone wants a task stopped that runs here. */
  oncancel: ((live: LiveTask) => void) | undefined;

  /** A change of a task's state was written here. */
  onmoved: ((live: LiveTask) => void) | undefined;

  /** A part of a task was written here. */
  onwritten: ((live: LiveTask) => void) | undefined;

  /** What a task that runs here yielded can never be stored. */
  onrefused: ((live: LiveTask) => void) | undefined;

  readonly #tasks: LiveTasks;
  readonly #submissions: Submissions;
  readonly #family: Family;
  readonly families: Families;

  constructor(options: StoreOptions) {
    this.kv = options.kv;
    this.heads = options.heads ?? new Heads(options.kv);
    this.sid = options.sid;
    this.now = options.now ?? Date.now;
    this.journal = new Journal(options);
    const family = this.#family = new Family({
      kv: this.kv,
      heads: this.heads,
      sid: this.sid,
      now: this.now,
      cancel: (id) => this.cancel(id),
      decide: (id, action) => this.#decide(id, action),
      onpending: (live) => this.onpending?.(live),
    });
    this.families = new Families({ look: (parent) => family.look(parent), log: options.log });
    this.#tasks = new LiveTasks({
      heads: this.heads,
      restoredAt: options.restoredAt ?? 0,
      sid: this.sid,
      now: this.now,
      touch: (write) => this.journal.touch(write),
      caughtUp: options.caughtUp ?? (() => Promise.resolve()),
      show: options.show,
      watched: options.watched,
      onmoved: (live) => {
        this.families.moved(live);
        this.onmoved?.(live);
      },
      onwritten: (live) => this.onwritten?.(live),
      onrefused: (live) => this.onrefused?.(live),
    });
    this.#submissions = new Submissions({
      kv: this.kv,
      heads: this.heads,
      journal: this.journal,
      tasks: this.#tasks,
      now: this.now,
      onpending: (live) => this.onpending?.(live),
    });
  }

  /** Takes in a new task. Resolves when it is durable. */
  submit(submission: Submission): Promise<Submitted> {
    this.requireStore();
    return this.#submissions.submit(submission);
  }

  /**
   * Cancels a task that no process has, or asks for a running one to be stopped.
   *
   * @param by Who asks for it; absent for the server itself.
   */
  cancel(id: string, by?: string): Promise<Decided> {
    return this.#decide(id, (live) => {
      const { status, cancel_requested } = live.record;
      if (isFinished(status)) return "refused";
      if (status === "running" && live.task.owner !== this.sid) return "remote";
      const change = { type: "request-cancel" as const, ...(by === undefined ? {} : { by }) };
      if (!cancel_requested && !live.change(change).ok) return "refused";
      if (live.record.status === "running") this.oncancel?.(live);
      else this.onwithdrawn?.(live);
      return "changed";
    }, { by });
  }

  /**
   * Puts a task that failed or was canceled back to pending, unless an upload that it names is gone, or
   * it is a child and its parent is over: then it would be canceled with the others.
   *
   * @param more What it waits for before it is tried, and who asks for it.
   */
  retry(id: string, more: { for?: WaitingFor; by?: string } = {}): Promise<Decided> {
    let unchanged: Deno.AtomicCheck | null = null;
    const findAgain = async () => {
      const head = await this.heads.get(id);
      const { uploads = [], child } = head ?? {};
      if (head === null) return null;
      const status = statusOf(head.record) as Status;
      if (status !== "completed" && child && !await this.#isUnderWay(child.parent)) {
        return { ok: false, reason: "parent-over", parent: child.parent, status } as const;
      }
      if (uploads.length === 0) return null;
      const { ids, check } = await findUploads(this.kv, uploads, this.now());
      unchanged = check;
      const upload = uploads.find((it) => !ids.has(it));
      return upload === undefined
        ? null
        : { ok: false, reason: "no-upload", upload, status } as const;
    };
    return this.#decide(id, (live) => {
      if (!live.change({ type: "retry", ...more }).ok) return "refused";
      if (unchanged) live.also({ checks: [unchanged] });
      this.onpending?.(live);
      return "changed";
    }, { refusal: findAgain });
  }

  /** Has a finished task kept otherwise than was said; `undefined` as its kind and the settings say. */
  keep(id: string, keep: Keep | undefined): Promise<Decided> {
    return this.#decide(id, (live) => {
      if (!isFinished(live.record.status)) return "refused";
      live.keep(keep);
      return "changed";
    });
  }

  /**
   * Keeps a signal for a task, given as JSON text, and has the task go on if it waits for it. Resolves
   * when it is durable.
   *
   * @param by Who sends it.
   */
  async signal(id: string, name: string, json: string, by?: string): Promise<Signaled> {
    const key = keys.signal(id, name);
    const value = signalValue({ json, by: by ?? null });
    const size = value.json.length + 256;
    for (let tries = 0; tries < TRIES; tries++) {
      this.requireStore();
      const head = await this.heads.get(id);
      if (!head) return { ok: false, reason: "not-found" };
      const status = statusOf(head.record) as Status;
      if (isFinished(status)) return { ok: false, reason: "wrong-state", status };
      if (await hasManySignals(this.kv, id)) return { ok: false, reason: "too-many" };
      // One that was taken is gone, and its answer is there: so both are checked.
      const [{ versionstamp }, { answer, check }] = await Promise.all([
        this.kv.get(key),
        checkedAnswer(this.kv, id, name),
      ]);
      if (versionstamp !== null || answer?.done) return { ok: false, reason: "sent" };
      const written = await inTime(
        this.journal.write({ checks: [{ key, versionstamp }, check], sets: [[key, value, size]] }),
      );
      if (written.ok) return { ok: true, status: await this.wake(id) ?? status };
      if (written.reason !== "conflict") throw new StoreError(written);
    }
    throw new StoreError({ ok: false, reason: "conflict" });
  }

  /** Lets no signal of a name come any more, unless one has. Resolves when that is durable. */
  async closeSignal(id: string, name: string): Promise<void> {
    const key = keys.signal(id, name);
    await this.journal.write({ checks: [{ key, versionstamp: null }], sets: [[key, null, 8]] });
  }

  /**
   * Has a task go on whose signal has come. Resolves when that is durable.
   *
   * @returns Its state then; `null` where it does not wait for a signal that is here.
   */
  async wake(id: string): Promise<Status | null> {
    const head = await this.heads.get(id);
    const awaited = head && awaitedSignal(JSON.parse(head.record) as TaskRecord);
    const signal = awaited ? await readSignal(this.kv, id, awaited) : null;
    if (signal === null) return null;
    const change = { type: "wake" as const, ...(signal.by === null ? {} : { by: signal.by }) };
    const decided = await this.#decide(id, (live) => {
      if (awaitedSignal(live.record) !== awaited || !live.change(change).ok) {
        return "refused";
      }
      this.onpending?.(live);
      return "changed";
    });
    if (!decided.ok) return null;
    // It may have been claimed at once.
    return decided.status === "asked" ? "running" : decided.status;
  }

  /**
   * Removes a finished task and all that belongs to it.
   *
   * @param known Its head, where it was just read.
   * @param by Who asks for it; absent for the server itself.
   */
  async remove(
    id: string,
    { known, by }: { known?: Deno.KvEntryMaybe<Head>; by?: string } = {},
  ): Promise<Decided> {
    this.requireStore();
    for (let tries = 0; tries < TRIES; tries++) {
      const read = tries === 0 ? known : undefined;
      const entry = read ?? await this.heads.entry(id);
      if (!entry.value) return { ok: false, reason: "not-found" };
      const record = JSON.parse(entry.value.record) as TaskRecord;
      const { status, kind, parent_id: parent } = record;
      if (parent !== undefined && await this.#isUnderWay(parent)) {
        return { ok: false, reason: "has-parent", parent, status };
      }
      // Nothing leads to its children once it is gone: those that have not ended are canceled before.
      if (isFinished(status) && entry.value.children !== undefined) await this.#family.look(id);
      const few = isFinished(status) && !entry.value.answers && !entry.value.notify;
      const rows = few ? await fewRows(this.kv, id, entry.value.rowBytes ?? 0) : null;
      const artifacts = record.artifacts ? await removedArtifacts(this.kv, id) : null;
      // From here to its leaving nothing else can get at the task.
      const under = this.#tasks.leaving(id);
      if (under) {
        await under;
        continue;
      }
      if (entry.value.owner !== null || !isFinished(status) || this.#tasks.get(id)) {
        const live = this.#tasks.get(id);
        if (!live || !isFinished(live.record.status)) {
          return { ok: false, reason: "wrong-state", status };
        }
        await inTime(live.committed());
        continue;
      }
      const deletes = [
        keys.task(id),
        keys.index(kind, status, id),
        keys.input(id),
        keys.result(id),
        keys.checkpoint(id),
        keys.cancel(id),
        ...setKeysOf(record, entry.value),
        ...expiryKeyOf(record, entry.value),
        ...artifacts?.deletes ?? [],
        ...childKeyOf(entry.value),
        ...rows ?? [],
      ];
      const removing = this.journal.write({
        checks: [{ key: entry.key, versionstamp: entry.versionstamp }],
        deletes,
        // Whoever finds this removes the rows, even if we die now.
        sets: [
          ...artifacts?.sets ?? [],
          ...(rows === null ? [[keys.removed(id), null, 8] as [Key, unknown, number]] : []),
          ...(by === undefined ? [] : [auditSet(kind, this.#deletion(id, by))]),
        ],
        events: removalOf(record, entry.value),
      });
      const outcome = await inTime(this.#tasks.leave(id, removing));
      if (outcome.ok) {
        if (rows === null) await removeRows(this.kv, id);
        return { ok: true, status };
      }
      if (outcome.reason !== "conflict") throw new StoreError(outcome);
    }
    throw new StoreError({ ok: false, reason: "conflict" });
  }

  async finishRemovals(): Promise<void> {
    await finishRemovals(this.kv);
  }

  withTask<T>(id: string, action: (live: LiveTask) => T): Promise<T | null> {
    return this.#tasks.withTask(id, action);
  }

  adopt(live: LiveTask): boolean {
    return this.#tasks.adopt(live);
  }

  async #decide(
    id: string,
    action: (live: LiveTask) => "changed" | "refused" | "remote",
    { refusal = () => Promise.resolve(null), by }: {
      refusal?: () => Promise<Decided | null>;
      by?: string | undefined;
    } = {},
  ): Promise<Decided> {
    this.requireStore();
    for (let tries = 0; tries < TRIES; tries++) {
      const refused = await refusal();
      if (refused) return refused;
      let live: LiveTask | undefined;
      const did = await this.withTask(id, (it) => action(live = it));
      if (did === null || !live) return { ok: false, reason: "not-found" };
      const { status, kind } = live.record;
      if (did === "refused") return { ok: false, reason: "wrong-state", status };
      if (did === "remote") {
        const outcome = await inTime(this.journal.write({
          sets: [[keys.cancel(id), by ?? null, 256]],
          events: [{ type: "cancel", id, kind, seq: 0, json: JSON.stringify(by ?? null) }],
        }));
        if (!outcome.ok) throw new StoreError(outcome);
        return { ok: true, status: "asked" };
      }
      const outcome = await inTime(live.committed());
      if (outcome.ok) return { ok: true, status: status === "running" ? "asked" : status };
      if (outcome.reason !== "conflict") throw new StoreError(outcome);
    }
    throw new StoreError({ ok: false, reason: "conflict" });
  }

  #deletion(task_id: string, by: string): AuditEntry {
    return { action: "delete", by, at: new Date(this.now()).toISOString(), task_id };
  }

  async #isUnderWay(id: string): Promise<boolean> {
    const head = await this.heads.get(id);
    return head !== null && !isFinished(statusOf(head.record) as Status);
  }

  /**
   * Has one look after a task that may have children which have not ended: a process may have died
   * before it did.
   */
  async lookAfter(parent: string): Promise<void> {
    await this.#family.look(parent);
  }

  /**
   * Refuses a write that would only wait, while it has done nothing yet.
   *
   * @throws {StoreError} When the store takes no writes.
   */
  requireStore(): void {
    if (this.journal.stalledMs > STALLED_MS) throw new StoreError("stalled");
  }

  [Symbol.dispose](): void {
    this.families.close();
    this.#tasks[Symbol.dispose]();
  }
}

/** The signal that a task waits for; `null` for none. */
function awaitedSignal({ waiting_for }: TaskRecord): string | null {
  return waiting_for?.type === "signal" ? waiting_for.name : null;
}

function expiryKeyOf(record: TaskRecord, { retention }: Head): Key[] {
  const until = untilIn(expiryOf({ record, retention }));
  return until === null ? [] : [keys.expires(until, record.task_id)];
}

function childKeyOf({ child }: Head): Key[] {
  return child ? [keys.child(child.parent, child.name, child.index)] : [];
}

/** What is told of a removal: also whose it was, since nothing else does any more. */
function removalOf(record: TaskRecord, { submitter }: Head): TaskEvent[] {
  const { task_id: id, kind, seq } = record;
  const json = JSON.stringify({ task_id: id, ...onlyLabels(record) });
  return [
    ...submittedEvents(id, kind, submitter),
    { type: "deleted", id, kind, seq: seq + 1, json },
  ];
}
