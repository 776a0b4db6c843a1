/**
 * Schedules in the store: the rule, up to when its times are done with, and the outcomes of the
 * last ones.
 *
 * @module
 */

import { MAX_RUNS, type ScheduleOutcome } from "../task/schedule_outcome.ts";
import type { ScheduleRule } from "../task/schedule.ts";
import { textValue } from "./head.ts";
import { type Key, keys } from "./keys.ts";

/** Milliseconds since the epoch, both included: every time between the two is done with. */
export type Span = [from: number, to: number];

/** How far a schedule's times are done with. */
export interface SlotState {
  /** Milliseconds since the epoch: times up to here were looked at. */
  readonly cursor: number;
  /**
   * Spans of times that were decided one by one, in order: none of them comes again, even if the clock
   * is set back to before it.
   */
  readonly done: readonly Span[];
  /** Times that are done with, but whose task has to wait, in order. */
  readonly queued: readonly number[];
}

export interface StoredSchedule extends ScheduleRule {
  readonly id: string;
  readonly kind: string;
  /** `kind` if it is from the definition of its kind, `api` if somebody made it. */
  readonly source: "kind" | "api";
  /** SHA-256 of the input, which has a key of its own; `null` for none. */
  readonly inputDigest: string | null;
  /** Ids of the uploads that its input names and it holds; absent for none. */
  readonly uploads?: readonly string[];
  readonly priority: number;
  readonly owner?: string;
  readonly tags?: readonly string[];
  /** The name of the token it was made with; absent where none was needed. */
  readonly submitter?: string;
  /** Who made it; absent for the definition of a kind. */
  readonly by?: string;
  /** Milliseconds since the epoch. */
  readonly created: number;
  /** When its rule last changed, milliseconds since the epoch. */
  readonly updated: number;
  /** Since when it makes no tasks, who paused it, and why; `null` if it is not paused. */
  readonly paused: { readonly at: number; readonly by: string; readonly reason?: string } | null;
  readonly slots: SlotState;
  /**
   * Its kind's definition no longer has it: no time is added, and it goes after the last queued one.
   */
  readonly ended?: true;
  /** The latest outcomes, newest last. */
  readonly outcomes: readonly ScheduleOutcome[];
  /** Tasks made for its times, in all. */
  readonly made: number;
  /** Times skipped, in all. */
  readonly skipped: number;
}

export interface SchedulesHead {
  /** How many schedules somebody made, beside those of kinds. */
  readonly own: number;
}

export type ScheduleEntry = Deno.KvEntry<StoredSchedule>;

export async function readSchedule(kv: Deno.Kv, id: string): Promise<ScheduleEntry | null> {
  const entry = await kv.get<StoredSchedule>(keys.schedule(id));
  return entry.versionstamp === null ? null : entry;
}

/** Schedules by id: all, or up to `limit` of those after `after`. */
export async function listSchedules(
  kv: Deno.Kv,
  { after, limit = Infinity }: { after?: string | undefined; limit?: number } = {},
): Promise<ScheduleEntry[]> {
  const selector = after === undefined
    ? { prefix: keys.schedules }
    : { prefix: keys.schedules, start: keys.schedule(`${after}\u0000`) };
  const options = { batchSize: 100, ...(Number.isFinite(limit) ? { limit } : {}) };
  return await Array.fromAsync(kv.list<StoredSchedule>(selector, options));
}

export function readSchedulesHead(kv: Deno.Kv): Promise<Deno.KvEntryMaybe<SchedulesHead>> {
  return kv.get<SchedulesHead>(keys.schedulesHead);
}

/** JSON text; `null` for none. */
export async function readScheduleInput(kv: Deno.Kv, id: string): Promise<string | null> {
  const { value } = await kv.get<Uint8Array>(keys.scheduleInput(id));
  return value && new TextDecoder().decode(value);
}

/** The change that writes a schedule, for a commit. */
export function scheduleSet(
  schedule: StoredSchedule,
): [key: Key, value: StoredSchedule, size: number] {
  // Twice as many, as text beyond Latin-1 takes two bytes a character.
  return [keys.schedule(schedule.id), schedule, JSON.stringify(schedule).length * 2];
}

export function scheduleInputSet(id: string, input: string): [Key, Uint8Array, number] {
  const value = textValue(input);
  return [keys.scheduleInput(id), value, value.length];
}

/** The schedule with one more outcome, without the oldest ones beyond {@link MAX_RUNS}. */
export function withOutcome(
  schedule: StoredSchedule,
  outcome: ScheduleOutcome,
): StoredSchedule {
  const outcomes = [...schedule.outcomes];
  const last = outcomes.at(-1);
  // Times that are skipped in a row for the same reason become one outcome.
  if (
    last?.type === "skip" && outcome.type === "skip" && last.reason === outcome.reason &&
    last.run === outcome.run && follows(last.to, outcome.from, outcomes)
  ) {
    const { from, count, more } = last;
    outcomes.pop();
    outcomes.push({
      ...outcome,
      from,
      count: count + outcome.count,
      ...(more || outcome.more ? { more: true } : {}),
    });
  } else outcomes.push(outcome);
  return {
    ...schedule,
    outcomes: outcomes.slice(-MAX_RUNS),
    made: schedule.made + (outcome.type === "task" && outcome.slot !== null ? 1 : 0),
    skipped: schedule.skipped + (outcome.type === "skip" ? outcome.count : 0),
  };
}

/** Whether no time between two has had its task: one may have, if the clock was set back. */
function follows(last: number, next: number, outcomes: readonly ScheduleOutcome[]): boolean {
  const isBetween = (slot: number | null) => slot !== null && slot > last && slot < next;
  return last < next && !outcomes.some((it) => it.type === "task" && isBetween(it.slot));
}
