/**
 * Takes in new tasks. An Idempotency-Key names one task, however often and wherever it is sent.
 *
 * @module
 */

import { monotonicUlid } from "@std/ulid";
import type { Heads } from "../kv/heads.ts";
import { readChild } from "../kv/children.ts";
import { targetsSet } from "../kv/deliveries.ts";
import { type Key, keys } from "../kv/keys.ts";
import { ToldKinds } from "../kv/old_kinds.ts";
import { findNamed, type UploadRefusal } from "../kv/upload_life.ts";
import type { NamedUpload } from "../task/named_uploads.ts";
import type { TaskEvent } from "../task/event.ts";
import { type NewTask, newTask } from "../task/new_task.ts";
import type { Journal } from "./journal.ts";
import type { LiveTask } from "./live_task.ts";
import type { LiveTasks } from "./live_tasks.ts";
import { decideAgain, stillHeld } from "./store_error.ts";
import type { Part } from "./write.ts";

export interface Submission extends Omit<NewTask, "id" | "uploads"> {
  /** The validated input, as JSON text; `null` when there is none. */
  input: string | null;
  /** The uploads that the input names. */
  named?: readonly NamedUpload[];
  /** The same key and digest give the same task. */
  idempotency?: { key: string; digest: string; ttlMs: number };
  /** A task of this debounce name that has not begun gets the input, and runs from `runAt` on. */
  debounced?: { name: string; runAt: number };
  /** What to check and write in the task's first commit; takes the id that the task will have. */
  also?: (id: string) => Part;
}

/** The result of a submission. `record` is JSON text; that of a known task is its newest one. */
export type Submitted =
  | { ok: true; id: string; record: string; created: boolean }
  | { ok: false; reason: "key-reused"; id: string }
  | UploadRefusal
  /** A check failed for a submission that has `also`. */
  | { ok: false; reason: "conflict" };

export interface SubmissionsOptions {
  kv: Deno.Kv;
  heads: Heads;
  journal: Journal;
  tasks: LiveTasks;
  /** Milliseconds since the epoch. */
  now(): number;
  /** A task is pending, maybe before its commit. */
  onpending(live: LiveTask): void;
}

interface IdempotencyEntry {
  id: string;
  digest: string;
  expires_at: number;
}

/** What a new task's first commit checks, and the uploads that the task holds. */
interface Conditions {
  checks: Deno.AtomicCheck[];
  uploads: string[];
}

/** `answer` is `undefined` if another write came first: then it is decided again. */
type Found = Conditions | { answer: Submitted | undefined };

export class Submissions {
  readonly #options: SubmissionsOptions;
  readonly #keyed = new Map<string, Promise<void>>();
  readonly #kinds = new ToldKinds();

  constructor(options: SubmissionsOptions) {
    this.#options = options;
  }

  async submit(submission: Submission): Promise<Submitted> {
    const key = submission.idempotency?.key;
    if (key === undefined) return await this.#submit(submission);
    // Two submissions with one key would both find it free, so they go one after the other.
    while (this.#keyed.has(key)) await this.#keyed.get(key);
    const submitting = this.#submit(submission);
    this.#keyed.set(key, submitting.then(() => {}, () => {}));
    return await submitting.finally(() => this.#keyed.delete(key));
  }

  #submit(submission: Submission): Promise<Submitted> {
    return decideAgain(async (tries) => {
      const found = await this.#find(submission, tries);
      if ("answer" in found) return found.answer;
      return await this.#create(submission, found, tries);
    });
  }

  /** The answer to a submission that makes no new task, or else the conditions for a new one. */
  async #find(submission: Submission, tries: number): Promise<Found> {
    const { kv, heads, now } = this.#options;
    const { idempotency, named = [], debounced, child, kind } = submission;
    const checks: Deno.AtomicCheck[] = [];
    if (child) {
      // Most children are new. Without a read, they get their ids in the order of submission.
      const known = tries > 0 ? await readChild(kv, child) : null;
      if (known) {
        const head = await heads.get(known.id);
        const record = head?.record ?? "null";
        return { answer: { ok: true, id: known.id, record, created: false } };
      }
      const { parent, name, index } = child;
      checks.push({ key: keys.child(parent, name, index), versionstamp: null });
    }
    if (idempotency) {
      const key = keys.idempotency(idempotency.key);
      const entry = await kv.get<IdempotencyEntry>(key);
      if (entry.value && entry.value.expires_at > now()) {
        const { id, digest } = entry.value;
        if (digest !== idempotency.digest) {
          return { answer: { ok: false, reason: "key-reused", id } };
        }
        const head = await heads.get(id);
        if (head) return { answer: { ok: true, id, record: head.record, created: false } };
      }
      checks.push({ key, versionstamp: entry.versionstamp });
    }
    let uploads: string[] = [];
    if (named.length > 0) {
      const found = await findNamed(kv, named, now());
      if (!found.ok) return { answer: found };
      uploads = [...found.ids];
      if (uploads.length > 0) checks.push(found.check);
    }
    if (debounced) {
      const key = keys.debounce(kind, debounced.name);
      const { value: known, versionstamp } = await kv.get<string>(key);
      if (known !== null) {
        const answer = await this.#postpone(known, submission, debounced.runAt, {
          checks,
          uploads,
        });
        if (answer !== null) return { answer };
      }
      checks.push({ key, versionstamp });
    }
    return { checks, uploads };
  }

  /** Makes a task, unless one of its conditions no longer holds. */
  async #create(
    submission: Submission,
    { checks, uploads }: Conditions,
    tries: number,
  ): Promise<Submitted | undefined> {
    const { journal, tasks, now, onpending } = this.#options;
    const { idempotency, input, named: _, also, debounced, ...spec } = submission;
    // The id and the record have the same time, since lists select by the time in the id.
    const at = now();
    const id = monotonicUlid(at);
    const waits = debounced ? { debounce: debounced.name, runAt: debounced.runAt } : {};
    const live = tasks.create(newTask({ ...spec, ...waits, id, uploads }, at), input);
    if (checks.length > 0) live.also({ checks });
    if (idempotency) live.also({ sets: [idempotencySet(id, idempotency, at)] });
    const part = also?.(id);
    if (part) live.also(part);
    const { kind, submitter, notify = [] } = spec;
    if (notify.length > 0) live.also({ sets: [targetsSet(id, notify)] });
    live.also({ events: submittedEvents(id, kind, submitter) });
    const tell = !this.#kinds.has(kind);
    if (tell) live.also({ sets: [[keys.kind(kind), null, 8]] });
    const record = live.json;
    journal.touch(live);
    // Without checks it may start in its first commit, but only at the first try: that start checks a
    // slot, and a submission must not fail because others take the slot again and again.
    const startsAtOnce = checks.length === 0 && !part?.checks?.length && tries === 0;
    if (startsAtOnce) onpending(live);
    if (!await stillHeld(live.committed())) {
      return also ? { ok: false, reason: "conflict" } : undefined;
    }
    if (tell) this.#kinds.add(kind);
    if (!startsAtOnce) onpending(live);
    return { ok: true, id, record, created: true };
  }

  /**
   * Gives a debounced task another input and a later start.
   *
   * @returns `null` if the task has begun or is gone; `undefined` if another write came first.
   */
  async #postpone(
    id: string,
    { input, parsed = false, keys: by = {}, idempotency }: Submission,
    runAt: number,
    { checks, uploads }: Conditions,
  ): Promise<Submitted | undefined | null> {
    const { tasks, now, onpending } = this.#options;
    const also = {
      checks: [...checks],
      sets: idempotency ? [idempotencySet(id, idempotency, now())] : [],
    };
    let live: LiveTask | undefined;
    const postponed = await tasks.withTask(id, (it) => {
      live = it;
      if (!it.postpone({ input, parsed, keys: by, uploads }, runAt, also)) return null;
      onpending(it);
      return it.json;
    });
    if (postponed === null || !live) return null;
    if (!await stillHeld(live.committed())) return undefined;
    return { ok: true, id, record: postponed, created: false };
  }
}

function idempotencySet(
  id: string,
  { key, digest, ttlMs }: NonNullable<Submission["idempotency"]>,
  now: number,
): [Key, IdempotencyEntry, number, number] {
  return [keys.idempotency(key), { id, digest, expires_at: now + ttlMs }, 128, ttlMs];
}

/** Says who submitted a task, for the streams of clients that see only the tasks they submitted. */
export function submittedEvents(id: string, kind: string, submitter?: string): TaskEvent[] {
  if (submitter === undefined) return [];
  return [{ type: "submitted", id, kind, seq: 0, json: JSON.stringify(submitter) }];
}
