/**
 * Metrics of this process for Prometheus. What happens often is counted in plain numbers elsewhere,
 * and read at a scrape.
 *
 * @module
 */

import process from "node:process";
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { statusOf } from "../task/json_text.ts";
import type { TaskEvent } from "../task/event.ts";

/** What is read at a scrape. */
export interface Reading {
  /** Tasks that have not ended of the whole store, by status; empty when the store does not answer. */
  tasks: Readonly<Record<string, number>>;
  /** Pending tasks of kinds that no process runs, by kind. */
  unavailable: Readonly<Record<string, number>>;
  /** Kinds of which nothing starts. */
  paused: Iterable<string>;
  /** Tasks that run in this process, by kind. */
  running: Readonly<Record<string, number>>;
  processes: number;
  /** Milliseconds for which the store has taken no write. */
  stalledMs: number;
  /** Bytes that the store takes of its disk; `null` when it is not a file of this machine. */
  storage: { used: number; free: number; log: number; disk: number | null } | null;
  /** Bytes that all uploads take; `null` when the store does not answer. */
  uploads: number | null;
  /** Likewise of all artifacts. */
  artifacts: number | null;
  /** Webhooks to be delivered, of the whole store; `null` when it does not answer. */
  webhooks: { count: number; oldestMs: number } | null;
  /** Open streams; streams opened, parts sent and ends by reason since the start. */
  streams: {
    size: number;
    opened: number;
    sent: number;
    ended: Readonly<Record<string, number>>;
  };
}

export interface MetricsOptions {
  version: string;
  role: string;
}

/** Methods with a label: a client may make up any number of others. */
const METHODS = new Set(["GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS"]);

/** Milliseconds between two measurements of the event loop. */
const LOOP_MS = 200;

/** Seconds. */
const BUCKETS = {
  wait: [0.005, 0.025, 0.1, 0.5, 1, 5, 15, 60, 300, 1800, 7200],
  run: [0.005, 0.025, 0.1, 0.5, 1, 5, 15, 60, 300, 1800, 7200, 43_200],
  commit: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
  loop: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
};

export class Metrics implements Disposable {
  /** Streams that were refused because there were too many. */
  turnedAway = 0;
  /** How often this process lost its session. */
  fenced = 0;

  readonly #registry = new Registry();
  readonly #events = new Map<string, number>();
  readonly #timer: ReturnType<typeof setInterval>;
  #reading: Reading | undefined;

  readonly #submitted = this.#counter("tasks_submitted_total", "Tasks submitted", ["kind"]);
  readonly #requeued = this.#counter(
    "tasks_requeued_total",
    "Tasks that are pending again: for another attempt, after an interruption, or retried by hand",
    ["kind"],
  );
  readonly #finished = this.#counter("tasks_finished_total", "Tasks that ended", [
    "kind",
    "status",
  ]);
  readonly #wait = this.#histogram(
    "claim_wait_seconds",
    "Time from when a task could run until it was claimed",
    ["kind"],
    BUCKETS.wait,
  );
  readonly #run = this.#histogram("run_seconds", "Duration of runs", ["kind"], BUCKETS.run);
  readonly #commits = this.#counter("commits_total", "Tries to commit", ["end"]);
  readonly #commit = this.#histogram(
    "commit_seconds",
    "Duration of tries to commit",
    [],
    BUCKETS.commit,
  );
  readonly #scheduleLag = this.#histogram(
    "schedule_lag_seconds",
    "Time from a schedule's time until its task was made",
    ["kind"],
    BUCKETS.wait,
  );
  readonly #scheduleSkipped = this.#counter(
    "schedule_skipped_total",
    "Times of schedules for which no task was made, by reason (see docs/schedules.md)",
    ["kind", "reason"],
  );
  readonly #processEnds = this.#counter(
    "task_process_ends_total",
    "Task processes that died, or were killed because a task did not stop",
    ["end"],
  );
  readonly #webhooks = this.#counter("webhook_tries_total", "Tries to deliver webhooks", ["end"]);
  readonly #requests = this.#counter("http_requests_total", "Requests answered", [
    "route",
    "method",
    "status",
  ]);
  readonly #loop = this.#histogram(
    "event_loop_delay_seconds",
    "How late a timer fired",
    [],
    BUCKETS.loop,
  );

  /** Starts to measure the event loop. */
  constructor({ version, role }: MetricsOptions) {
    this.#addScraped();
    const build = { version, deno: Deno.version.deno, role };
    const labelNames = Object.keys(build);
    const info = {
      name: "headway_build_info",
      help: "Versions and role of this process",
      registers: [this.#registry],
    };
    new Gauge({ ...info, labelNames }).set(build, 1);
    let due = performance.now() + LOOP_MS;
    this.#timer = setInterval(() => {
      const now = performance.now();
      this.#loop.observe(Math.max(0, now - due) / 1000);
      due = now + LOOP_MS;
    }, LOOP_MS);
  }

  /** Counts what this process committed. Each event is committed once, by one process. */
  committed(events: readonly TaskEvent[]): void {
    for (const { type, kind, seq, json } of events) {
      if (type === "folded") continue;
      this.#events.set(type, (this.#events.get(type) ?? 0) + 1);
      if (type === "complete") {
        this.#finished.inc({ kind, status: statusOf(json) });
      } else if (type === "message" && seq === 1) {
        this.#submitted.inc({ kind });
      } else if (type === "message" && statusOf(json) === "pending") {
        this.#requeued.inc({ kind });
      }
    }
  }

  tried(end: string, ms: number): void {
    this.#commits.inc({ end });
    this.#commit.observe(ms / 1000);
  }

  /**
   * A claim is durable.
   *
   * @param ms How long the task waited for it.
   */
  claimed(kind: string, ms: number): void {
    this.#wait.observe({ kind }, Math.max(0, ms) / 1000);
  }

  ran(kind: string, ms: number): void {
    this.#run.observe({ kind }, ms / 1000);
  }

  /**
   * A task was made for a time of a schedule.
   *
   * @param ms How long after it.
   */
  scheduled(kind: string, ms: number): void {
    this.#scheduleLag.observe({ kind }, Math.max(0, ms) / 1000);
  }

  /** So many times of a schedule were skipped. */
  scheduleSkipped(kind: string, reason: string, count: number): void {
    this.#scheduleSkipped.inc({ kind, reason }, count);
  }

  /** A task process ended that should not have. */
  processEnded(end: "died" | "killed"): void {
    this.#processEnds.inc({ end });
  }

  /** A try to deliver a webhook ended. */
  toldOf(end: string): void {
    this.#webhooks.inc({ end });
  }

  /** @param route A path of the route table, or `other`. */
  answered(route: string, method: string, status: number): void {
    this.#requests.inc({ route, method: METHODS.has(method) ? method : "other", status });
  }

  /** In the format of Prometheus. */
  text(reading: Reading): Promise<string> {
    this.#reading = reading;
    return this.#registry.metrics();
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #counter(name: string, help: string, labelNames: string[]): Counter {
    return new Counter({ name: `headway_${name}`, help, labelNames, registers: [this.#registry] });
  }

  #histogram(name: string, help: string, labelNames: string[], buckets: number[]): Histogram {
    const registers = [this.#registry];
    return new Histogram({ name: `headway_${name}`, help, labelNames, buckets, registers });
  }

  #addScraped(): void {
    const add = (
      name: string,
      help: string,
      label: string | null,
      read: (reading: Reading) => number | null | Iterable<readonly [value: string, count: number]>,
    ) => {
      const collect = (metric: Counter | Gauge) => {
        metric.reset();
        const value = read(this.#reading!);
        // Unknown: 0 would be a figure.
        if (value === null) return metric.remove();
        if (typeof value === "number") return metric.inc(value);
        for (const [of, count] of value) metric.inc({ [label!]: of }, count);
      };
      const labelNames = label === null ? [] : [label];
      const options = { name, help, labelNames, registers: [this.#registry] };
      if (name.endsWith("_total")) {
        new Counter({
          ...options,
          collect() {
            collect(this);
          },
        });
      } else {new Gauge({
          ...options,
          collect() {
            collect(this);
          },
        });}
    };
    add(
      "headway_tasks",
      "Pending and running tasks of the store, each counted up to 10000",
      "status",
      ({ tasks }) => Object.entries(tasks),
    );
    add(
      "headway_tasks_unavailable",
      "Pending tasks of kinds that no process runs",
      "kind",
      ({ unavailable }) => Object.entries(unavailable),
    );
    add(
      "headway_kind_paused",
      "1 for a kind that is paused",
      "kind",
      ({ paused }) => Array.from(paused, (kind) => [kind, 1] as const),
    );
    add(
      "headway_tasks_running",
      "Tasks running in this process",
      "kind",
      ({ running }) => Object.entries(running),
    );
    add("headway_events_total", "Events committed", "type", () => this.#events);
    add(
      "headway_store_stalled_seconds",
      "Seconds for which the store has taken no write",
      null,
      (it) => it.stalledMs / 1000,
    );
    add(
      "headway_store_bytes",
      "Bytes of the store's file: in use, free within it, and in the log beside it",
      "part",
      ({ storage }) =>
        storage === null
          ? []
          : [["used", storage.used], ["free", storage.free], ["log", storage.log]],
    );
    add(
      "headway_disk_free_bytes",
      "Bytes free on the store's disk",
      null,
      ({ storage }) => storage?.disk ?? null,
    );
    add(
      "headway_uploads_bytes",
      "Bytes of all uploads, including those that are still arriving",
      null,
      ({ uploads }) => uploads,
    );
    add(
      "headway_artifacts_bytes",
      "Bytes of all artifacts, including those that are still arriving",
      null,
      ({ artifacts }) => artifacts,
    );
    add(
      "headway_webhooks_waiting",
      "Webhooks of the store that have yet to be delivered, counted up to 10000",
      null,
      ({ webhooks }) => webhooks?.count ?? null,
    );
    add(
      "headway_webhooks_oldest_seconds",
      "For how long the oldest of them has waited",
      null,
      ({ webhooks }) => webhooks && webhooks.oldestMs / 1000,
    );
    add(
      "headway_fenced_total",
      "How often this process lost its session",
      null,
      () => this.fenced,
    );
    add("headway_task_processes", "Task processes", null, ({ processes }) => processes);
    add("headway_streams_open", "Streams open", null, ({ streams }) => streams.size);
    add("headway_streams_opened_total", "Streams opened", null, ({ streams }) => streams.opened);
    add(
      "headway_streams_ended_total",
      "Streams that ended, by reason (see ARCHITECTURE.md)",
      "end",
      (it) => Object.entries(it.streams.ended),
    );
    add(
      "headway_streams_turned_away_total",
      "Streams refused because there were too many",
      null,
      () => this.turnedAway,
    );
    add(
      "headway_deliveries_total",
      "Parts sent to streams: a message each, or some of history",
      null,
      (it) => it.streams.sent,
    );
    add("process_cpu_seconds_total", "CPU time, user and system", null, () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1e6;
    });
    add("process_resident_memory_bytes", "Resident memory", null, () => Deno.memoryUsage().rss);
    add("headway_heap_bytes", "JavaScript's heap", "part", () => {
      const { heapUsed, heapTotal, external } = Deno.memoryUsage();
      return [["used", heapUsed], ["total", heapTotal], ["external", external]];
    });
    add(
      "process_start_time_seconds",
      "Start time, seconds since the epoch",
      null,
      () => performance.timeOrigin / 1000,
    );
  }
}
