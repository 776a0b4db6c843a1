/**
 * Decides on changes of tasks: submit, cancel, retry, delete, claim, interrupt. Within this process
 * it decides alone and in order, on one {@link LiveTask} per task. What another process may change
 * as well is checked by the commit, and decided again if the check fails.
 *
 * @module
 */

import { Journal, type JournalOptions } from "./journal.ts";
import type { Decided } from "./decided.ts";
import { Families } from "./families.ts";
import { Family } from "./family.ts";
import type { LiveTask } from "./live_task.ts";
import { LiveTasks } from "./live_tasks.ts";
import type { Answer } from "../task/answer.ts";
import { readAnswer } from "../kv/answers.ts";
import { findUploads } from "../kv/upload_life.ts";
import type { TaskEvent } from "../task/event.ts";
import type { Keep } from "../task/retention.ts";
import { isFinished, type Status, type WaitingFor } from "../task/record.ts";
import { statusOf } from "../task/json_text.ts";
import { finishRemovals } from "../kv/removed_rows.ts";
import { type Submission, Submissions, type Submitted } from "./submissions.ts";
import { Heads } from "../kv/heads.ts";
import { Decisions } from "./decisions.ts";
import { Removals } from "./removals.ts";
import { type Signaled, Signals } from "./signals.ts";

export type { Decided } from "./decided.ts";
export type { Signaled } from "./signals.ts";
export type { Submission, Submitted } from "./submissions.ts";

export interface StoreOptions extends JournalOptions {
  /** Milliseconds since the epoch. @default {Date.now} */
  now?: () => number;
  /** @default {new Heads(kv)} */
  heads?: Heads;
  /** Resolves when `heads` includes everything written so far. @default {at once} */
  caughtUp?: () => Promise<void>;
  /** Shows progress before it is stored; absent if other processes write to the same store. */
  show?: ((event: TaskEvent) => void) | undefined;
  /** Whether anybody watches a task. @default {somebody does} */
  watched?: ((id: string, kind: string) => boolean) | undefined;
  /** When the store was last restored, milliseconds since the epoch. @default {0, for never} */
  restoredAt?: number;
}

export class Store {
  readonly journal: Journal;
  readonly kv: Deno.Kv;
  readonly heads: Heads;
  readonly sid: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;

  /** A task became pending here, maybe before its commit: the runner may claim it at once. */
  onpending: ((live: LiveTask) => void) | undefined;
  /** A task was taken over here from a dead process: it is pending, or has ended. */
  onreturned: ((live: LiveTask) => void) | undefined;

  /** A task that no process runs was canceled here. */
  onwithdrawn: ((live: LiveTask) => void) | undefined;

  /** Somebody asked to cancel a task that runs here. */
  oncancel: ((live: LiveTask) => void) | undefined;

  /** A state change of a task was written here. */
  onmoved: ((live: LiveTask) => void) | undefined;

  /** A part of a task was written here. */
  onwritten: ((live: LiveTask) => void) | undefined;

  /** A task that runs here yielded something that can never be stored. */
  onrefused: ((live: LiveTask) => void) | undefined;

  readonly #tasks: LiveTasks;
  readonly #submissions: Submissions;
  readonly #decisions: Decisions;
  readonly #signals: Signals;
  readonly #removals: Removals;
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
      decide: (id, action) => this.#decisions.decide(id, action),
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
    const { kv, heads, journal, now } = this;
    const tasks = this.#tasks;
    const decisions = this.#decisions = new Decisions({ heads, journal, tasks });
    const onpending = (live: LiveTask) => this.onpending?.(live);
    this.#submissions = new Submissions({ kv, heads, journal, tasks, now, onpending });
    this.#signals = new Signals({ kv, heads, journal, decisions, onpending });
    this.#removals = new Removals({ kv, heads, journal, tasks, decisions, family, now });
  }

  /** Stores a new task. Resolves when it is durable. */
  submit(submission: Submission): Promise<Submitted> {
    this.requireStore();
    return this.#submissions.submit(submission);
  }

  /**
   * Cancels a task that no process runs, or asks the process that runs it to stop it.
   *
   * @param by Who asks for it; absent for the server itself.
   */
  cancel(id: string, by?: string): Promise<Decided> {
    return this.#decisions.decide(id, (live) => {
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
   * Puts a task that failed or was canceled back to pending. Refused if an upload that it names is
   * gone, or its parent is over: then it would be canceled with the parent's other children.
   *
   * @param more What the task waits for before it runs, and who asks for the retry.
   */
  retry(id: string, more: { for?: WaitingFor; by?: string } = {}): Promise<Decided> {
    let unchanged: Deno.AtomicCheck | null = null;
    const findAgain = async () => {
      const head = await this.heads.get(id);
      const { uploads = [], child } = head ?? {};
      if (head === null) return null;
      const status = statusOf(head.record) as Status;
      if (status !== "completed" && child && !await this.#decisions.isUnderWay(child.parent)) {
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
    return this.#decisions.decide(id, (live) => {
      if (!live.change({ type: "retry", ...more }).ok) return "refused";
      if (unchanged) live.also({ checks: [unchanged] });
      this.onpending?.(live);
      return "changed";
    }, { refusal: findAgain });
  }

  /** Changes how long a finished task is kept; `undefined` is what its kind and the settings say. */
  keep(id: string, keep: Keep | undefined): Promise<Decided> {
    return this.#decisions.decide(id, (live) => {
      if (!isFinished(live.record.status)) return "refused";
      live.keep(keep);
      return "changed";
    });
  }

  /** See {@link Signals.send}. */
  signal(id: string, name: string, json: string, by?: string): Promise<Signaled> {
    return this.#signals.send(id, name, json, by);
  }

  /** The stored answer for a task's step, sleep, signal or children; `null` for none. */
  answer(id: string, name: string): Promise<Answer | null> {
    return readAnswer(this.kv, id, name);
  }

  /** See {@link Signals.close}. */
  closeSignal(id: string, name: string): Promise<void> {
    return this.#signals.close(id, name);
  }

  /** See {@link Signals.wake}. */
  wake(id: string): Promise<Status | null> {
    return this.#signals.wake(id);
  }

  /** See {@link Removals.remove}. */
  remove(...args: Parameters<Removals["remove"]>): Promise<Decided> {
    return this.#removals.remove(...args);
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

  /**
   * Looks once after a task that may have children which have not ended: the process that should have
   * done so may have died.
   */
  async lookAfter(parent: string): Promise<void> {
    await this.#family.look(parent);
  }

  /** See {@link Decisions.requireStore}. */
  requireStore(): void {
    this.#decisions.requireStore();
  }

  [Symbol.dispose](): void {
    this.families.close();
    this.#tasks[Symbol.dispose]();
  }
}
