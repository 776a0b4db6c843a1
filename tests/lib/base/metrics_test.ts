import { assertEquals } from "@std/assert";
import type { EventType, TaskEvent } from "../../../lib/task/event.ts";
import { Metrics } from "../../../lib/base/metrics.ts";
import type { Reading } from "../../../lib/base/scraped_metrics.ts";
import { newTask } from "../../../lib/task/new_task.ts";
import { parseFigures } from "../../helpers/metrics.ts";

const READING: Reading = {
  unavailable: {},
  paused: [],
  storage: null,
  uploads: null,
  artifacts: null,
  webhooks: null,
  tasks: {},
  running: {},
  processes: 0,
  stalledMs: 0,
  streams: {
    size: 0,
    opened: 0,
    sent: 0,
    ended: { done: 0, gone: 0, life: 0, slow: 0, stalled: 0, stop: 0 },
  },
};

function metrics(): Metrics {
  return new Metrics({ version: "1.2.3", role: "web" });
}

const ID = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

function event(type: EventType, seq: number, json: unknown): TaskEvent {
  return { type, id: ID, kind: "demo", seq, json: JSON.stringify(json) };
}

/** A `message` event: the state of a task, as the journal holds it. */
function message(seq: number, status: string): TaskEvent {
  const spec = { kind: "demo", maxAttempts: 1, priority: 0, runAt: 0, timeoutMs: null };
  const { record } = newTask({ ...spec, id: ID }, 0);
  // A text from the task must not be read as its state.
  return event("message", seq, { ...record, status, message: '"status":"failed"' });
}

Deno.test("Metrics.committed() counts events by type, and tasks as submitted, requeued or finished", async () => {
  using it = metrics();
  it.committed([message(1, "pending"), message(2, "running"), event("progress", 3, {})]);
  it.committed([event("progress", 4, {}), event("log", 5, {}), event("output", 6, {})]);
  it.committed([message(7, "pending"), message(8, "running"), message(9, "completed")]);
  for (const status of ["completed", "failed", "canceled", "failed"]) {
    it.committed([event("complete", 10, { task_id: ID, status, result: { status: "x" } })]);
  }
  const figures = parseFigures(await it.text(READING));
  assertEquals(figures.all("headway_events_total"), {
    '{type="message"}': 5,
    '{type="progress"}': 2,
    '{type="log"}': 1,
    '{type="output"}': 1,
    '{type="complete"}': 4,
  });
  assertEquals(figures.all("headway_tasks_submitted_total"), { '{kind="demo"}': 1 });
  assertEquals(figures.all("headway_tasks_requeued_total"), { '{kind="demo"}': 1 });
  assertEquals(figures.all("headway_tasks_finished_total"), {
    '{kind="demo",status="completed"}': 1,
    '{kind="demo",status="failed"}': 2,
    '{kind="demo",status="canceled"}': 1,
  });
});

Deno.test("Metrics gives claim waits, runs and commits as histograms in seconds", async () => {
  using it = metrics();
  it.claimed("demo", 20);
  it.claimed("demo", 4000);
  // A clock that was set back makes no negative wait.
  it.claimed("demo", -5000);
  it.ran("demo", 90_000);
  it.tried("committed", 2);
  it.tried("conflict", 3);
  it.tried("failed", 700);
  const figures = parseFigures(await it.text(READING));
  const wait = (le: string) =>
    figures.of(`headway_claim_wait_seconds_bucket{le="${le}",kind="demo"}`);
  assertEquals(["0.005", "0.025", "1", "5", "+Inf"].map(wait), [1, 2, 2, 3, 3]);
  assertEquals(figures.of('headway_claim_wait_seconds_sum{kind="demo"}'), 4.02);
  assertEquals(figures.of('headway_run_seconds_sum{kind="demo"}'), 90);
  assertEquals(figures.all("headway_commits_total"), {
    '{end="committed"}': 1,
    '{end="conflict"}': 1,
    '{end="failed"}': 1,
  });
  assertEquals(figures.of("headway_commit_seconds_count"), 3);
});

Deno.test("Metrics.text() shows the values of the current reading, not sums over earlier ones", async () => {
  using it = metrics();
  const streams = { ...READING.streams, size: 5, opened: 7, sent: 100 };
  const first = { ...READING, tasks: { pending: 3 }, running: { demo: 2, echo: 1 }, streams };
  await it.text(first);
  it.turnedAway++;
  it.fenced++;
  const second = { ...first, running: { demo: 1 }, stalledMs: 1500, processes: 2, tasks: {} };
  const figures = parseFigures(await it.text(second));
  assertEquals(figures.all("headway_tasks_running"), { '{kind="demo"}': 1 });
  assertEquals(figures.all("headway_tasks"), {});
  const names = ["store_stalled_seconds", "task_processes", "streams_open", "streams_opened_total"];
  assertEquals(names.map((name) => figures.of(`headway_${name}`)), [1.5, 2, 5, 7]);
  const counted = ["deliveries_total", "streams_turned_away_total", "fenced_total"];
  assertEquals(counted.map((name) => figures.of(`headway_${name}`)), [100, 1, 1]);
});

Deno.test("Metrics.answered() counts requests by route, method and status, and unknown methods together", async () => {
  using it = metrics();
  it.answered("/tasks/:id", "GET", 200);
  it.answered("/tasks/:id", "GET", 200);
  it.answered("/tasks/:id", "GET", 404);
  for (const method of ["PURGE", "BREW", "X".repeat(1000)]) it.answered("other", method, 404);
  assertEquals(parseFigures(await it.text(READING)).all("headway_http_requests_total"), {
    '{route="/tasks/:id",method="GET",status="200"}': 2,
    '{route="/tasks/:id",method="GET",status="404"}': 1,
    '{route="other",method="other",status="404"}': 3,
  });
});

Deno.test("Metrics reports the version and role of the process, its memory, CPU time and event-loop delay", async () => {
  using it = metrics();
  // Keeps the event loop busy, which its histogram must show.
  const end = performance.now() + 500;
  while (performance.now() < end);
  await new Promise((resolve) => setTimeout(resolve, 0));
  const figures = parseFigures(await it.text(READING));
  const { deno } = Deno.version;
  assertEquals(figures.all("headway_build_info"), {
    [`{version="1.2.3",deno="${deno}",role="web"}`]: 1,
  });
  for (
    const [series, least] of [
      ["process_resident_memory_bytes", 1e7],
      ["process_cpu_seconds_total", 0.1],
      ['headway_heap_bytes{part="used"}', 1e6],
      ["process_start_time_seconds", 1.7e9],
      ["headway_event_loop_delay_seconds_sum", 0.2],
    ] as const
  ) {
    assertEquals(figures.of(series) >= least, true, `${series} is ${figures.of(series)}`);
  }
});
