import { assertEquals } from "@std/assert";
import type { TaskDetails } from "../../../static/task/task_api.ts";
import { workerState } from "../../../static/task/worker_state.ts";
import { record } from "../records.ts";

function details(fields: Partial<TaskDetails>): TaskDetails {
  return {
    task_id: record().task_id,
    status: "running",
    input: null,
    checkpoint: null,
    timeout_ms: null,
    interruptions: 0,
    webhooks: 0,
    worker: { silent_ms: 0 },
    lease_ms: 3000,
    unavailable: null,
    signal_schema: null,
    queue_position: null,
    expected_start: null,
    waits_for: null,
    trace: null,
    stack: null,
    ...fields,
  };
}

Deno.test("workerState() is alive if the details have a recent renewal, however old the details are", () => {
  const state = workerState(record(), details({ worker: { silent_ms: 900 } }), 60_000);
  assertEquals(state, { state: "alive", silentMs: 900 });
});

Deno.test("workerState() counts down to when another process takes the task", () => {
  const silent = details({ worker: { silent_ms: 1600 } });
  assertEquals(workerState(record(), silent, 400), {
    state: "silent",
    silentMs: 2000,
    resumesInMs: 2000,
  });
  assertEquals(workerState(record(), silent, 60_000), {
    state: "silent",
    silentMs: 61_600,
    resumesInMs: 0,
  });
  assertEquals(workerState(record(), details({ worker: null }), 0), { state: "gone" });
});

Deno.test("workerState() is null if the task is not running, or its details are missing or of another state", () => {
  assertEquals(workerState(record({ status: "pending" }), details({}), 0), null);
  assertEquals(workerState(record(), null, 0), null);
  // The details are from before the task was claimed.
  assertEquals(workerState(record(), details({ status: "pending", worker: null }), 0), null);
});
