/**
 * Schedules as the API shows them.
 *
 * @module
 */

import type { StoredSchedule } from "../lib/kv/schedules.ts";
import { NOBODY, type ToldModule, whyNobodyRuns } from "../lib/kv/told_kinds.ts";
import { nextUndone } from "../lib/schedule/due.ts";
import { timesOf } from "../lib/schedule/times.ts";
import { idOf, statusOf } from "../lib/task/json_text.ts";
import type { ScheduleOutcome } from "../lib/task/schedule_outcome.ts";
import type { App } from "./app.ts";

/** Times to come that are shown. */
const NEXT = 5;

export interface ShowOptions {
  /** The newest outcomes. @default {all that there are} */
  outcomes?: number;
  /** With the input. @default {false} */
  input?: boolean;
  /** They see why no process runs a kind. */
  inside: boolean;
}

export async function shownSchedules(
  app: App,
  schedules: readonly StoredSchedule[],
  { outcomes = Infinity, input = false, inside }: ShowOptions,
): Promise<Record<string, unknown>[]> {
  const { heads } = app.engine;
  const few = schedules.map((schedule) =>
    outcomes === Infinity ? schedule.outcomes : schedule.outcomes.slice(-outcomes)
  );
  const ids = few.flat().flatMap((it) => it.type === "task" ? [it.task] : []);
  const found = await heads.getMany(ids);
  const statuses = new Map(
    found.flatMap(({ value }) => value ? [[idOf(value.record), statusOf(value.record)]] : []),
  );
  const modules = await app.engine.modules();
  return await Promise.all(schedules.map(async (schedule, n) => {
    const { id, slots, paused, owner, tags, by } = schedule;
    const { next, problem } = await comes(app, schedule, modules, inside);
    const text = input ? await app.engine.schedules.inputOf(schedule) : null;
    return {
      schedule_id: id,
      kind: schedule.kind,
      source: schedule.source,
      cron: schedule.cron,
      zone: schedule.zone,
      missed: schedule.missed,
      overlap: schedule.overlap,
      jitter_ms: schedule.jitter_ms,
      priority: schedule.priority,
      ...(owner === undefined ? {} : { owner }),
      ...(tags === undefined ? {} : { tags }),
      ...(input ? { input: text === null ? null : JSON.parse(text) } : {}),
      created_at: iso(schedule.created),
      ...(by === undefined || !inside ? {} : { created_by: by }),
      updated_at: iso(schedule.updated),
      paused: paused && { ...paused, at: iso(paused.at), by: inside ? paused.by : null },
      next,
      queued: slots.queued.map(iso),
      made: schedule.made,
      skipped: schedule.skipped,
      problem,
      outcomes: few[n]!.map((outcome) => shownOutcome(outcome, statuses, inside)),
    };
  }));
}

async function comes(
  app: App,
  schedule: StoredSchedule,
  modules: readonly ToldModule[],
  inside: boolean,
): Promise<{ next: string[]; problem: string | null }> {
  const { slots, kind, paused } = schedule;
  try {
    const times = await timesOf(schedule);
    const next: string[] = [];
    let time = paused || schedule.ended ? null : nextUndone(times, slots, app.engine.store.now());
    while (time !== null && next.length < NEXT) {
      next.push(iso(time));
      time = nextUndone(times, slots, time);
    }
    const why = whyNobodyRuns(kind, modules);
    return { next, problem: why === null ? null : inside ? why : NOBODY };
  } catch (error) {
    return { next: [], problem: String((error as Error).message) };
  }
}

function shownOutcome(
  outcome: ScheduleOutcome,
  statuses: ReadonlyMap<string, string>,
  inside: boolean,
): unknown {
  const at = iso(outcome.at);
  if (outcome.type === "task") {
    const { slot, task, by } = outcome;
    return {
      type: "task",
      at,
      scheduled_for: slot === null ? null : iso(slot),
      task_id: task,
      // It may have been removed since.
      status: statuses.get(task) ?? null,
      ...(by === undefined || !inside ? {} : { by }),
    };
  }
  const { from, to, count, more, reason, run } = outcome;
  return {
    type: "skip",
    at,
    from: iso(from),
    to: iso(to),
    count,
    ...(more ? { more } : {}),
    reason,
    ...(run === undefined ? {} : { run: iso(run) }),
    message: `skipped: ${sentenceOf(outcome)}`,
  };
}

function sentenceOf(
  { reason, run, why }: Extract<ScheduleOutcome, { type: "skip" }>,
): string {
  switch (reason) {
    case "missed":
      return "no process was running at that time";
    case "paused":
      return "it was paused";
    case "full":
      return "the queue was full";
    case "refused":
      return why ?? "the task could not be created";
    case "overlap":
      return run === undefined
        ? "a run started by hand was still under way"
        : `the run of ${iso(run)} was still under way`;
  }
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
