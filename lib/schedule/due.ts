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

/** Times that are counted where many are skipped. */
const MAX_COUNTED = 1000;

/** Spans that are remembered: the two nearest to each other become one where there are more. */
const MAX_SPANS = 16;

/** The task of an earlier time that has not ended; `slot` is `null` for one of "run now". */
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

/** `slots` is how it stands once the decision is carried out. */
export type Decision =
  /** Nothing before `until`; `null` for never. */
  | { readonly type: "rest"; readonly until: number | null }
  /** A time has come, or can have its task: {@link settle} says what becomes of it. */
  | { readonly type: "due"; readonly slot: number; readonly slots: SlotState }
  | { readonly type: "skip"; readonly skipped: Skipped; readonly slots: SlotState }
  /** The clock was set back. */
  | { readonly type: "back"; readonly slots: SlotState };

/** What becomes of a time that has come. */
export type Settled =
  | { readonly type: "make"; readonly slots: SlotState }
  | { readonly type: "queue"; readonly slots: SlotState }
  | { readonly type: "skip"; readonly skipped: Skipped; readonly slots: SlotState }
  /** It waits already, and still has to. */
  | { readonly type: "wait" };

type Rule = Pick<ScheduleRule, "missed" | "overlap">;

/** From now on, and nothing before. */
export function slotsFrom(now: number): SlotState {
  return { cursor: now, done: [], queued: [] };
}

/** What is to be done first. */
export function decide(times: CronTimes, rule: Rule, slots: SlotState, now: number): Decision {
  if (slots.queued.length > 0) {
    const [slot, ...queued] = slots.queued;
    return { type: "due", slot: slot!, slots: { ...slots, queued } };
  }
  return decideNew(times, rule, slots, now);
}

/** As {@link decide}, where what waits has to wait longer. */
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
  // Also where the rule has changed since, which takes none that had come.
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
 * How it stands as the rule changes at `now`: what came up to then and is not done with waits for its
 * task, as by the old rule; from then on the new one counts.
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

/** How it stands as a pause ends at `now`: what came meanwhile is passed over. */
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

/** The next time behind `after` that is not done with. */
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

/** The first of the times that have come and are not to be passed over: those before it are. */
function firstMadeUp(times: CronTimes, { missed }: Rule, cursor: number, now: number): number {
  const inTime = now - LATE_MS;
  if (cursor >= inTime) return cursor;
  if (missed === "skip") return inTime;
  const inTimeToo = times.next(inTime) ?? Infinity;
  // One that has just come is the one that makes up for all.
  if (missed === "one" && inTimeToo <= now) return inTime;
  const [first = inTime] = times.newest(cursor, inTime, missed === "all" ? MAX_MADE_UP : 1);
  return first;
}

/** Passes over the times from `slot` to before `until`. */
function passOver(times: CronTimes, slots: SlotState, slot: number, until: number): Decision {
  const skipped = { ...counted(times, slots, slot, until - 1), reason: "missed" as const };
  return { type: "skip", skipped, slots: { ...slots, cursor: until - 1 } };
}

/** Those from `slot` up to `until` that are not done with. */
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

/** A time behind the cursor is done with, and each between the two is. */
function decided({ cursor, done, queued }: SlotState, slot: number): SlotState {
  const spans: Span[] = [];
  let span: Span = [slot, slot];
  for (const [from, to] of done) {
    // It ends where this goes on, or lies between.
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
