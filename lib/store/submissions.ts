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
import type { LiveTask, NewInput } from "./live_task.ts";
import type { LiveTasks } from "./live_tasks.ts";
import { inTime, StoreError, TRIES } from "./store_error.ts";
import type { Part } from "./write.ts";

export interface Submission extends Omit<NewTask, "id" | "uploads"> {
  /** The validated input, as JSON text; `null` when there is none. */
  input: string | null;
  /** What the input names of uploads. */
  named?: readonly NamedUpload[];
  /** The same key and digest give the same task. */
  idempotency?: { key: string; digest: string; ttlMs: number };
  /** A task of this name that has not begun gets its input, and runs then. */
  debounced?: { name: string; runAt: number };
  /** What is written with it, and must hold for it, given the id that it will have. */
  also?: (id: string) => Part;
}

/** What came of a submission. `record` is JSON text, as it was accepted. */
export type Submitted =
  | { ok: true; id: string; record: string; created: boolean }
  | { ok: false; reason: "key-reused"; id: string }
  | UploadRefusal
  /** What had to hold for it did not. */
  | { ok: false; reason: "conflict" };

export interface SubmissionsOptions {
  kv: Deno.Kv;
  heads: Heads;
  journal: Journal;
  tasks: LiveTasks;
  /** Milliseconds since the epoch. */
  now(): number;
  /** A task is pending. Where nothing can refuse it, it is told before its commit. */
  onpending(live: LiveTask): void;
}

interface IdempotencyEntry {
  id: string;
  digest: string;
  expires_at: number;
}

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
    // Two at once with one key would both find it free: here they go one after the other.
    while (this.#keyed.has(key)) await this.#keyed.get(key);
    const submitting = this.#submit(submission);
    this.#keyed.set(key, submitting.then(() => {}, () => {}));
    return await submitting.finally(() => this.#keyed.delete(key));
  }

  async #submit(submission: Submission): Promise<Submitted> {
    const { kv, heads, journal, tasks, now, onpending } = this.#options;
    const { idempotency, input, named = [], also, debounced, ...spec } = submission;
    const idempotencySet = (id: string): [Key, IdempotencyEntry, number, number] => {
      const { key, digest, ttlMs } = idempotency!;
      return [keys.idempotency(key), { id, digest, expires_at: now() + ttlMs }, 128, ttlMs];
    };
    for (let tries = 0;; tries++) {
      const checks: Deno.AtomicCheck[] = [];
      if (spec.child) {
        // As a rule nobody has made it: then their ids are in the order in which they are asked for.
        const known = tries > 0 ? await readChild(kv, spec.child) : null;
        if (known) {
          const head = await heads.get(known.id);
          return { ok: true, id: known.id, record: head?.record ?? "null", created: false };
        }
        const { parent, name, index } = spec.child;
        checks.push({ key: keys.child(parent, name, index), versionstamp: null });
      }
      let uploads: string[] = [];
      if (idempotency) {
        const key = keys.idempotency(idempotency.key);
        const entry = await kv.get<IdempotencyEntry>(key);
        if (entry.value && entry.value.expires_at > now()) {
          const { id, digest } = entry.value;
          if (digest !== idempotency.digest) return { ok: false, reason: "key-reused", id };
          const head = await heads.get(id);
          if (head) return { ok: true, id, record: head.record, created: false };
        }
        checks.push({ key, versionstamp: entry.versionstamp });
      }
      if (named.length > 0) {
        const found = await findNamed(kv, named, now());
        if (!found.ok) return found;
        uploads = [...found.ids];
        if (found.ids.size > 0) checks.push(found.check);
      }
      if (debounced) {
        const key = keys.debounce(spec.kind, debounced.name);
        const { value: known, versionstamp } = await kv.get<string>(key);
        if (known !== null) {
          const { parsed = false, keys: by = {} } = spec;
          const sets = idempotency ? [idempotencySet(known)] : [];
          const postponed = await this.#postpone(
            known,
            { input, parsed, keys: by, uploads },
            debounced.runAt,
            { checks: [...checks], sets },
          );
          if (postponed === "again" && tries < TRIES) continue;
          if (postponed === "again") throw new StoreError({ ok: false, reason: "conflict" });
          if (postponed) return postponed;
        }
        checks.push({ key, versionstamp });
      }
      // One time for both: lists pick by the time in the id.
      const at = now();
      const id = monotonicUlid(at);
      const waits = debounced ? { debounce: debounced.name, runAt: debounced.runAt } : {};
      const live = tasks.create(newTask({ ...spec, ...waits, id, uploads }, at), input);
      if (checks.length > 0) live.also({ checks });
      if (idempotency) live.also({ sets: [idempotencySet(id)] });
      if (also) {
        const part = also(id);
        checks.push(...part.checks ?? []);
        live.also(part);
      }
      const { kind, submitter, notify = [] } = spec;
      if (notify.length > 0) live.also({ sets: [targetsSet(id, notify)] });
      live.also({ events: submittedEvents(id, kind, submitter) });
      const tell = !this.#kinds.has(spec.kind);
      if (tell) live.also({ sets: [[keys.kind(spec.kind), null, 8]] });
      const record = live.json;
      journal.touch(live);
      // Without a check it may start with the commit that takes it in; but nobody shall be refused as
      // such a start is lost, to others who want the same place, again and again.
      const startsAtOnce = checks.length === 0 && tries === 0;
      if (startsAtOnce) onpending(live);
      const result = await inTime(live.committed());
      if (result.ok) {
        if (tell) this.#kinds.add(spec.kind);
        if (!startsAtOnce) onpending(live);
        return { ok: true, id, record, created: true };
      }
      if (result.reason === "conflict" && also) return { ok: false, reason: "conflict" };
      if (result.reason !== "conflict" || tries >= TRIES) throw new StoreError(result);
    }
  }

  /** Has a task run later with another input; `null` for one that has begun or is gone. */
  async #postpone(
    id: string,
    input: NewInput,
    runAt: number,
    also: Required<Pick<Part, "checks" | "sets">>,
  ): Promise<Submitted | "again" | null> {
    const { tasks, onpending } = this.#options;
    let live: LiveTask | undefined;
    const postponed = await tasks.withTask(id, (it) => {
      live = it;
      if (!it.postpone(input, runAt, also)) return null;
      onpending(it);
      return it.json;
    });
    if (postponed === null || !live) return null;
    const result = await inTime(live.committed());
    if (result.ok) return { ok: true, id, record: postponed, created: false };
    if (result.reason === "conflict") return "again";
    throw new StoreError(result);
  }
}

/** Tells whose a task is to the streams of those who see their own alone. */
export function submittedEvents(id: string, kind: string, submitter?: string): TaskEvent[] {
  if (submitter === undefined) return [];
  return [{ type: "submitted", id, kind, seq: 0, json: JSON.stringify(submitter) }];
}
