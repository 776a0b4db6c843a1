/**
 * Decides what to do about the times of a schedule: pure, one decision at a time. Each is committed
 * before the next one is asked for, so that a process may die between any two of them.
 *
 * A time is *done with* once it has its task, waits for it, or was skipped in its turn. It is
 * *passed over* if no process was there: it comes after all if the clock is set back to before it.
 *
 * @module
 */

import type { SlotState, Span } from "../kv/schedules.ts";
import { LATE_MS, MAX_MADE_UP, type ScheduleRule } from "../task/schedule.ts";
import type { SkipReason } from "../task/schedule_outcome.ts";
import type { CronTimes } from "./cron.ts";

/** Most times that are counted when many are skipped at once. */
const MAX_COUNTED = 1000;

/** Most spans that are kept: beyond that, the two with the smallest gap become one. */
const MAX_SPANS = 16;

/** The task of an earlier time that has not ended; `slot` is `null` if it was made by "run now". */
export interface Under {
  readonly slot: number | null;
}

export interface Skipped {
  readonly from: number;
  readonly to: number;
  readonly count: number;
  readonly more?: true;
  readonly reason: SkipReason;
  readonly run?: number;
}

/** `slots` is the state once the decision is carried out. */
export type Decision =
  /** Nothing to do before `until`; `null` for ever. */
  | { readonly type: "rest"; readonly until: number | null }
  /** A time has come, or is first in the queue: {@link settle} says what becomes of it. */
  | { readonly type: "due"; readonly slot: number; readonly slots: SlotState }
  | { readonly type: "skip"; readonly skipped: Skipped; readonly slots: SlotState }
  /** The clock was set back. */
  | { readonly type: "back"; readonly slots: SlotState };

/** What becomes of a time that has come. */
export type Settled =
  | { readonly type: "make"; readonly slots: SlotState }
  | { readonly type: "queue"; readonly slots: SlotState }
  | { readonly type: "skip"; readonly skipped: Skipped; readonly slots: SlotState }
  /** It is queued already, and has to wait longer. */
  | { readonly type: "wait" };

type Rule = Pick<ScheduleRule, "missed" | "overlap">;

/** The state of a schedule that begins at `now`, with no earlier times. */
export function slotsFrom(now: number): SlotState {
  return { cursor: now, done: [], queued: [] };
}

/** The next decision: the first queued time comes before any new one. */
export function decide(times: CronTimes, rule: Rule, slots: SlotState, now: number): Decision {
  if (slots.queued.length > 0) {
    const [slot, ...queued] = slots.queued;
    return { type: "due", slot: slot!, slots: { ...slots, queued } };
  }
  return decideNew(times, rule, slots, now);
}

/** As {@link decide}, but passes over the queue, whose first time has to wait longer. */
export function decideNew(times: CronTimes, rule: Rule, slots: SlotState, now: number): Decision {
  const { cursor } = slots;
  if (now < cursor) {
    const slot = nextUndone(times, slots, now);
    if (slot === null || slot > cursor) return { type: "rest", until: slot };
    return { type: "back", slots: { ...slots, cursor: now } };
  }
  const slot = nextUndone(times, slots, cursor);
  if (slot === null || slot > now) return { type: "rest", until: slot };
  const first = firstMadeUp(times, rule, cursor, now);
  if (slot < first) return passOver(times, slots, slot, first);
  return { type: "due", slot, slots: decided(slots, slot) };
}

/** What becomes of a time that has come, given what is under way. */
export function settle(
  { overlap }: Rule,
  before: SlotState,
  { slot, slots }: { slot: number; slots: SlotState },
  under: Under | null,
): Settled {
  if (under === null || overlap === "allow") return { type: "make", slots };
  // Whatever the rule is now: a change of it keeps the times that had come.
  if (before.queued[0] === slot) return { type: "wait" };
  const skip = (reason: SkipReason): Settled => {
    const run = under.slot === null ? {} : { run: under.slot };
    return {
      type: "skip",
      skipped: { from: slot, to: slot, count: 1, reason, ...(reason === "overlap" ? run : {}) },
      slots,
    };
  };
  if (overlap === "skip") return skip("overlap");
  if (before.queued.length >= MAX_MADE_UP) return skip("full");
  return { type: "queue", slots: { ...slots, queued: [...slots.queued, slot] } };
}

/**
 * The state once the rule has changed at `now`: times up to then that are not done with are queued, as
 * by the old rule; from then on the new one counts.
 */
export function handOver(
  times: CronTimes | null,
  rule: Rule,
  before: SlotState,
  now: number,
): { slots: SlotState; skipped: Skipped[] } {
  const skipped: Skipped[] = [];
  let slots = before;
  while (times !== null) {
    const decision = decideNew(times, rule, slots, now);
    if (decision.type === "rest") break;
    if (decision.type === "skip") skipped.push(decision.skipped);
    if (decision.type !== "due") slots = decision.slots;
    else if (slots.queued.length < MAX_MADE_UP) {
      slots = { ...decision.slots, queued: [...slots.queued, decision.slot] };
    } else {
      const { slot } = decision;
      skipped.push({ from: slot, to: slot, count: 1, reason: "full" });
      slots = decision.slots;
    }
  }
  return { slots: { ...slots, cursor: now }, skipped };
}

/** The state once a pause has ended at `now`: times that came during it are passed over. */
export function resume(
  times: CronTimes | null,
  slots: SlotState,
  now: number,
): { slots: SlotState; skipped: Skipped[] } {
  const slot = times === null || now < slots.cursor ? null : nextUndone(times, slots, slots.cursor);
  const after = { ...slots, cursor: now };
  if (slot === null || slot > now) return { slots: after, skipped: [] };
  return { slots: after, skipped: [{ ...counted(times!, slots, slot, now), reason: "paused" }] };
}

/** The next time after `after` that is not done with. */
export function nextUndone(
  times: CronTimes,
  { done }: Pick<SlotState, "done">,
  after: number,
): number | null {
  let slot = times.next(after);
  for (const [from, to] of done) {
    if (slot === null || slot < from) break;
    if (slot <= to) slot = times.next(to);
  }
  return slot;
}

/** The first time that has come and is not to be passed over; every earlier one is. */
function firstMadeUp(times: CronTimes, { missed }: Rule, cursor: number, now: number): number {
  const inTime = now - LATE_MS;
  if (cursor >= inTime) return cursor;
  if (missed === "skip") return inTime;
  const inTimeToo = times.next(inTime) ?? Infinity;
  // A time that has just come makes up for all that were missed.
  if (missed === "one" && inTimeToo <= now) return inTime;
  const [first = inTime] = times.newest(cursor, inTime, missed === "all" ? MAX_MADE_UP : 1);
  return first;
}

/** Passes over the times from `slot` to before `until`. */
function passOver(times: CronTimes, slots: SlotState, slot: number, until: number): Decision {
  const skipped = { ...counted(times, slots, slot, until - 1), reason: "missed" as const };
  return { type: "skip", skipped, slots: { ...slots, cursor: until - 1 } };
}

/** Counts the times from `slot` up to `until` that are not done with. */
function counted(
  times: CronTimes,
  slots: SlotState,
  slot: number,
  until: number,
): Omit<Skipped, "reason"> {
  let [to, count] = [slot, 0];
  let next: number | null = slot;
  while (next !== null && next <= until) {
    if (++count > MAX_COUNTED) {
      const [last = to] = times.newest(to, until, 1);
      return { from: slot, to: last, count: MAX_COUNTED, more: true };
    }
    to = next;
    next = nextUndone(times, slots, next);
  }
  return { from: slot, to, count };
}

/** The state once a time after the cursor is done with, and so all between the two. */
function decided({ cursor, done, queued }: SlotState, slot: number): SlotState {
  const spans: Span[] = [];
  let span: Span = [slot, slot];
  for (const [from, to] of done) {
    // A span that overlaps the times from the cursor to `slot` becomes part of the new one.
    if (from <= slot && to >= cursor) span = [Math.min(from, span[0]), Math.max(to, slot)];
    else spans.push([from, to]);
  }
  spans.push(span);
  spans.sort(([a], [b]) => a - b);
  while (spans.length > MAX_SPANS) joinNearest(spans);
  return { cursor: slot, done: spans, queued };
}

function joinNearest(spans: Span[]): void {
  let nearest = 0;
  const gap = (n: number) => spans[n + 1]![0] - spans[n]![1];
  for (let n = 1; n < spans.length - 1; n++) if (gap(n) < gap(nearest)) nearest = n;
  spans.splice(nearest, 2, [spans[nearest]![0], spans[nearest + 1]![1]]);
}
