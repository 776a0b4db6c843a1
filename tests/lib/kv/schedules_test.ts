import { assertEquals } from "@std/assert";
import { type StoredSchedule, withOutcome } from "../../../lib/kv/schedules.ts";
import type { ScheduleOutcome } from "../../../lib/task/schedule_outcome.ts";

const BEFORE: StoredSchedule = {
  id: "s",
  kind: "k",
  source: "api",
  cron: "* * * * *",
  zone: "UTC",
  missed: "all",
  overlap: "skip",
  jitter_ms: 0,
  inputDigest: null,
  priority: 0,
  created: 0,
  updated: 0,
  paused: null,
  slots: { cursor: 0, done: [], queued: [] },
  outcomes: [],
  made: 0,
  skipped: 0,
};

function skip(from: number, to: number, count: number): ScheduleOutcome {
  return { type: "skip", at: 0, from, to, count, reason: "overlap", run: 5 };
}

Deno.test("withOutcome() merges skips in a row, unless the clock was set back or a time between had its task", () => {
  const again = [skip(6, 6, 1), skip(7, 9, 3), skip(2, 2, 1), skip(3, 3, 1)];
  const { outcomes, skipped } = again.reduce(withOutcome, BEFORE);
  assertEquals(outcomes, [skip(6, 9, 4), skip(2, 3, 2)]);
  assertEquals(skipped, 6);

  const made: ScheduleOutcome = { type: "task", at: 0, slot: 8, task: "t" };
  const around = [made, skip(2, 2, 1), skip(10, 10, 1)];
  assertEquals(around.reduce(withOutcome, BEFORE).outcomes, around);
});
