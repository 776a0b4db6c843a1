/**
 * Makes, changes and removes schedules. Each commit checks what its change was decided by, and the
 * change is decided again if that is no longer so: it never takes away a time that came before it.
 *
 * @module
 */

import { Semaphore } from "../base/semaphore.ts";
import { keys } from "../kv/keys.ts";
import {
  listSchedules,
  readSchedule,
  readScheduleInput,
  readSchedulesHead,
  scheduleSet,
  type StoredSchedule,
  withOutcome,
} from "../kv/schedules.ts";
import { changeHolds, findUploads } from "../kv/upload_life.ts";
import type { Store, Submission } from "../store/store.ts";
import { decideAgain, stillHeld } from "../store/store_error.ts";
import type { Part } from "../store/write.ts";
import { MAX_UPLOADS, namedUploads } from "../task/named_uploads.ts";
import type { ScheduleRule } from "../task/schedule.ts";
import { handOver, resume, slotsFrom } from "./due.ts";
import {
  audits,
  checkOf,
  digestOf,
  type Holds,
  inputSets,
  moved,
  NOTHING,
  removal,
} from "./schedule_parts.ts";
import { submissionFor } from "./submission_for.ts";
import { timesOrNone } from "./times.ts";

/** What a caller may set of a schedule, besides its kind. */
export interface ScheduleSpec extends ScheduleRule {
  /** JSON text; `null` for none. */
  readonly input: string | null;
  readonly priority: number;
  readonly tags?: readonly string[];
}

export type NewSchedule =
  & ScheduleSpec
  & Pick<StoredSchedule, "id" | "kind" | "source" | "owner" | "submitter" | "by">;

export interface Pause {
  readonly by: string;
  readonly reason?: string;
}

export interface ScheduleChange {
  readonly spec?: Partial<ScheduleSpec>;
  /** A pause to begin; `null` ends it, and nothing changes if this is absent. */
  readonly paused?: Pause | null;
  /** Who makes the change; absent for the definition of a kind. */
  readonly by?: string;
}

export type Created =
  | { ok: true; schedule: StoredSchedule }
  | { ok: false; reason: "exists" | "too-many" };

export type RunNow =
  | { ok: true; id: string; record: string; created: boolean }
  | { ok: false; reason: "not-found" }
  | { ok: false; reason: "refused"; submitted: RefusedSubmission };

type RefusedSubmission = Exclude<
  Awaited<ReturnType<Store["submit"]>>,
  { ok: true } | { reason: "conflict" }
>;

export class Schedules {
  readonly #store: Store;
  readonly #max: number;
  /** Every change writes one key, so many at once would only conflict. */
  readonly #turns = new Semaphore(1);
  /** Called after this process made, changed or removed a schedule. */
  onchange: (() => void) | undefined;

  /** @param max Most schedules that may be made, besides those of kinds. */
  constructor(store: Store, max: number) {
    this.#store = store;
    this.#max = max;
  }

  async get(id: string): Promise<StoredSchedule | null> {
    return (await readSchedule(this.#store.kv, id))?.value ?? null;
  }

  /** Up to `limit` schedules after an id, by id. */
  async list(range: { after: string | undefined; limit: number }): Promise<StoredSchedule[]> {
    return (await listSchedules(this.#store.kv, range)).map(({ value }) => value);
  }

  /** A schedule's input, as JSON text; `null` for none. */
  inputOf({ id, inputDigest }: StoredSchedule): Promise<string | null> {
    return inputDigest === null ? Promise.resolve(null) : readScheduleInput(this.#store.kv, id);
  }

  async create(wanted: NewSchedule): Promise<Created> {
    const { input, ...spec } = wanted;
    const inputDigest = await digestOf(input);
    return await this.#try(async () => {
      const { kv, now } = this.#store;
      const head = await readSchedulesHead(kv);
      const { own = 0 } = head.value ?? {};
      if (await readSchedule(kv, spec.id)) return { ok: false, reason: "exists" };
      const { uploads, ...holds } = await this.#holds(spec.id, [], input);
      const counts = spec.source === "api";
      if (counts && own >= this.#max) return { ok: false, reason: "too-many" };
      const at = now();
      const schedule: StoredSchedule = {
        ...spec,
        inputDigest,
        ...(uploads.length > 0 ? { uploads } : {}),
        created: at,
        updated: at,
        paused: null,
        slots: slotsFrom(at),
        outcomes: [],
        made: 0,
        skipped: 0,
      };
      const key = keys.schedule(spec.id);
      const written = await this.#commit(
        { key, versionstamp: null },
        head,
        counts ? own + 1 : own,
        {
          checks: holds.checks,
          sets: [
            scheduleSet(schedule),
            ...inputSets(spec.id, input),
            ...holds.sets,
            ...audits(schedule, "schedule-create", at, spec.by),
          ],
          deletes: input === null ? [keys.scheduleInput(spec.id)] : [],
        },
      );
      return written ? { ok: true, schedule } : undefined;
    });
  }

  /** @returns The schedule as changed; `null` if there is none. */
  async change(id: string, { spec, paused, by }: ScheduleChange): Promise<StoredSchedule | null> {
    const input = spec?.input;
    const inputDigest = input === undefined ? undefined : await digestOf(input);
    const { input: _, ...rule } = spec ?? {};
    return await this.#try(async () => {
      const { kv, now } = this.#store;
      const head = await readSchedulesHead(kv);
      const entry = await readSchedule(kv, id);
      if (!entry) return { gone: true };
      const before = entry.value;
      const at = now();
      let after = before;
      const changesTimes = (rule.cron ?? before.cron) !== before.cron ||
        (rule.zone ?? before.zone) !== before.zone;
      // During a pause no time comes, so none is left to hand over.
      if ((changesTimes || before.ended) && before.paused === null) {
        const times = before.ended ? null : await timesOrNone(before);
        after = moved(after, handOver(times, before, before.slots, at), at);
      }
      if (before.paused !== null && (paused === null || changesTimes)) {
        after = moved(after, resume(await timesOrNone(before), before.slots, at), at);
      }
      const { uploads: held = [] } = before;
      const { uploads, ...holds } = input === undefined
        ? { uploads: held, ...NOTHING }
        : await this.#holds(id, held, input);
      if (spec) {
        const { ended: _, uploads: _held, ...rest } = after;
        after = {
          ...rest,
          ...rule,
          updated: at,
          ...(inputDigest === undefined ? {} : { inputDigest }),
          ...(uploads.length > 0 ? { uploads } : {}),
        };
      }
      if (paused !== undefined) after = { ...after, paused: paused && { at, ...paused } };
      const written = await this.#commit(entry, head, head.value?.own ?? 0, {
        checks: holds.checks,
        sets: [
          scheduleSet(after),
          ...inputSets(id, input ?? null),
          ...holds.sets,
          ...spec ? audits(after, "schedule-change", at, by) : [],
          ...paused === undefined
            ? []
            : audits(after, paused ? "schedule-pause" : "schedule-resume", at, by, paused?.reason),
        ],
        deletes: [...(input === null ? [keys.scheduleInput(id)] : []), ...holds.deletes],
      });
      return written ? { schedule: after } : undefined;
    }).then((done) => "schedule" in done ? done.schedule : null);
  }

  /** Removes a schedule once every time that has come has its task. */
  async end(id: string): Promise<void> {
    await this.#try(async () => {
      const { kv, now } = this.#store;
      const head = await readSchedulesHead(kv);
      const entry = await readSchedule(kv, id);
      if (!entry) return "none";
      const { value: before } = entry;
      const at = now();
      const left = before.paused
        ? before
        : moved(before, handOver(await timesOrNone(before), before, before.slots, at), at);
      const waits = left.slots.queued.length > 0 && !before.paused;
      const part = waits ? { sets: [scheduleSet({ ...left, ended: true })] } : removal(before, at);
      return await this.#commit(entry, head, head.value?.own ?? 0, part) ? "ended" : undefined;
    });
  }

  /** @returns Whether there was one. */
  async remove(id: string, by?: string): Promise<boolean> {
    return await this.#try(async () => {
      const { kv, now } = this.#store;
      const head = await readSchedulesHead(kv);
      const entry = await readSchedule(kv, id);
      if (!entry) return "none";
      const { own = 0 } = head.value ?? {};
      const left = entry.value.source === "api" ? Math.max(0, own - 1) : own;
      const { sets, deletes } = removal(entry.value, now());
      const part = {
        sets: [...sets, ...audits(entry.value, "schedule-delete", now(), by)],
        deletes,
      };
      return await this.#commit(entry, head, left, part) ? "removed" : undefined;
    }) === "removed";
  }

  /** Makes a task of a schedule at once, whatever its times and its other tasks. */
  async runNow(
    id: string,
    kind: Parameters<typeof submissionFor>[2],
    more: { by: string } & Partial<Submission>,
  ): Promise<RunNow> {
    return await this.#try(async () => {
      const { kv, now } = this.#store;
      const entry = await readSchedule(kv, id);
      if (!entry) return { ok: false, reason: "not-found" };
      const submitted = await this.#store.submit({
        ...await submissionFor(kv, entry.value, kind, null),
        ...more,
        also: (task) => {
          const outcome = { type: "task" as const, at: now(), slot: null, task, by: more.by };
          const after = withOutcome(entry.value, outcome);
          return { checks: [checkOf(entry)], sets: [scheduleSet(after)] };
        },
      });
      if (submitted.ok) return submitted;
      if (submitted.reason === "conflict") return undefined;
      return { ok: false, reason: "refused", submitted };
    });
  }

  /** The changes that have a schedule hold the uploads that its input names, as far as they exist. */
  async #holds(id: string, before: readonly string[], input: string | null): Promise<Holds> {
    const { kv, now } = this.#store;
    const named = namedUploads(input).slice(0, MAX_UPLOADS);
    if (named.length === 0 && before.length === 0) return { uploads: [], ...NOTHING };
    const { ids, check } = await findUploads(kv, named.map(({ id }) => id), now());
    const uploads = [...ids];
    return { uploads, checks: [check], ...changeHolds(id, { before, after: uploads, now: now() }) };
  }

  async #try<T>(action: () => Promise<T | undefined>): Promise<T> {
    this.#store.requireStore();
    using _ = await this.#turns.acquire();
    const done = await decideAgain(action);
    this.onchange?.();
    return done;
  }

  /** @returns Whether what the change was decided by still held. */
  async #commit(
    entry: Deno.AtomicCheck,
    head: Deno.AtomicCheck,
    own: number,
    { checks = [], sets = [], deletes = [] }: Part,
  ): Promise<boolean> {
    return await stillHeld(this.#store.journal.write({
      checks: [checkOf(entry), checkOf(head), ...checks],
      sets: [...sets, [keys.schedulesHead, { own }, 16]],
      deletes,
    }));
  }
}
