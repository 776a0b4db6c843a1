/**
 * Metrics of this process for Prometheus. What happens often is counted in plain numbers elsewhere,
 * and read at a scrape.
 *
 * @module
 */

import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { addScraped, type Reading } from "./scraped_metrics.ts";
import { statusOf } from "../task/json_text.ts";
import type { TaskEvent } from "../task/event.ts";

export interface MetricsOptions {
  version: string;
  role: string;
}

/** Methods that get a label of their own: clients may invent any number of others. */
const METHODS = new Set(["GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS"]);

/** Milliseconds between two measurements of the event loop. */
const LOOP_MS = 200;

/** Bounds of the histograms' buckets, in seconds. */
const BUCKETS = {
  wait: [0.005, 0.025, 0.1, 0.5, 1, 5, 15, 60, 300, 1800, 7200],
  run: [0.005, 0.025, 0.1, 0.5, 1, 5, 15, 60, 300, 1800, 7200, 43_200],
  commit: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
  loop: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
};

export class Metrics implements Disposable {
  /** Streams that were refused because there were too many. */
  turnedAway = 0;
  /** How many times this process lost its session. */
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
    addScraped(this.#registry, () => this.#reading!, {
      events: () => this.#events,
      fenced: () => this.fenced,
      turnedAway: () => this.turnedAway,
    });
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

  /** Counts events that this process committed. Each event is committed once, by one process. */
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
   * Counts a claim that is durable.
   *
   * @param ms For how long the task could have been claimed.
   */
  claimed(kind: string, ms: number): void {
    this.#wait.observe({ kind }, Math.max(0, ms) / 1000);
  }

  ran(kind: string, ms: number): void {
    this.#run.observe({ kind }, ms / 1000);
  }

  /**
   * Counts a task that was made for a time of a schedule.
   *
   * @param ms How long after that time it was made.
   */
  scheduled(kind: string, ms: number): void {
    this.#scheduleLag.observe({ kind }, Math.max(0, ms) / 1000);
  }

  /** Counts times of a schedule for which no task was made. */
  scheduleSkipped(kind: string, reason: string, count: number): void {
    this.#scheduleSkipped.inc({ kind, reason }, count);
  }

  /** Counts a task process that died, or had to be killed. */
  processEnded(end: "died" | "killed"): void {
    this.#processEnds.inc({ end });
  }

  /** Counts a try to deliver a webhook. */
  toldOf(end: string): void {
    this.#webhooks.inc({ end });
  }

  /** @param route A path of the route table, or `other`. */
  answered(route: string, method: string, status: number): void {
    this.#requests.inc({ route, method: METHODS.has(method) ? method : "other", status });
  }

  /** All metrics as text, in the format of Prometheus. */
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
}
