/**
 * Schedules in the shape of the API, and requests about them.
 *
 * @module
 */

import type { Status } from "../../lib/task/record.ts";
import { call } from "../app/api.ts";

export type Outcome =
  | {
    type: "task";
    at: string;
    scheduled_for: string | null;
    task_id: string;
    status: Status | null;
    by?: string;
  }
  | {
    type: "skip";
    at: string;
    from: string;
    to: string;
    count: number;
    more?: true;
    reason: "missed" | "overlap" | "full" | "paused" | "refused";
    run?: string;
    message: string;
  };

export interface Schedule {
  schedule_id: string;
  kind: string;
  source: "kind" | "api";
  cron: string;
  zone: string;
  missed: "skip" | "one" | "all";
  overlap: "skip" | "queue" | "allow";
  jitter_ms: number;
  owner?: string;
  created_by?: string;
  paused: { at: string; by: string | null; reason?: string } | null;
  next: string[];
  queued: string[];
  made: number;
  skipped: number;
  problem: string | null;
  outcomes: Outcome[];
}

export async function getSchedules(
  cursor: string | null,
): Promise<{ schedules: Schedule[]; next_cursor: string | null }> {
  const query = new URLSearchParams({ limit: "50", ...(cursor === null ? {} : { cursor }) });
  return await call("GET", `/schedules?${query}`);
}

export async function pauseSchedule(id: string, paused: boolean): Promise<void> {
  await call("PATCH", path(id), { paused });
}

/** @returns The id of the task. */
export async function runSchedule(id: string, key: string): Promise<string> {
  const headers = { "idempotency-key": key };
  const run = `${path(id)}/run`;
  return (await call<{ task_id: string }>("POST", run, undefined, headers)).task_id;
}

function path(id: string): string {
  return `/schedules/${encodeURIComponent(id)}`;
}
