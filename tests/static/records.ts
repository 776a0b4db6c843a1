import type { TaskRecord } from "headway";
import type { StateRow } from "../../static/task/log_rows.ts";

/** A record such as the server sends. */
export function record(fields: Partial<TaskRecord> = {}): TaskRecord {
  return {
    task_id: "01J00000000000000000000000",
    kind: "demo",
    status: "running",
    progress: 0,
    done: null,
    total: null,
    unit: null,
    stage: null,
    message: null,
    eta_ms: null,
    rate: null,
    result: null,
    error: null,
    attempt: 1,
    max_attempts: 1,
    priority: 0,
    run_at: "2030-01-01T00:00:00.000Z",
    created_at: "2030-01-01T00:00:00.000Z",
    started_at: "2030-01-01T00:00:00.000Z",
    updated_at: "2030-01-01T00:00:00.000Z",
    finished_at: null,
    cancel_requested: false,
    seq: 1,
    ...fields,
  };
}

/** A row of a task's log for a change of its state. */
export function stateRow(seq: number, time: string, fields: Partial<StateRow> = {}): StateRow {
  return {
    type: "state",
    seq,
    time,
    status: "running",
    attempt: 1,
    canceling: false,
    error: null,
    runAt: time,
    by: null,
    ...fields,
  };
}
