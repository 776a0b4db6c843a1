/**
 * The metrics that are read only when a scrape asks for them.
 *
 * @module
 */

import process from "node:process";
import { Counter, Gauge, type Registry } from "prom-client";

/** The values that are read at a scrape. */
export interface Reading {
  /** Tasks of the whole store that have not ended, by status; empty if the store does not answer. */
  tasks: Readonly<Record<string, number>>;
  /** Pending tasks of kinds that no process runs, by kind. */
  unavailable: Readonly<Record<string, number>>;
  /** Kinds that are paused. */
  paused: Iterable<string>;
  /** Tasks that run in this process, by kind. */
  running: Readonly<Record<string, number>>;
  processes: number;
  /** Milliseconds for which the store has taken no writes. */
  stalledMs: number;
  /** Bytes of the store's file, its log and its free disk; `null` if it is not a local file. */
  storage: { used: number; free: number; log: number; disk: number | null } | null;
  /** Bytes of all uploads; `null` if the store does not answer. */
  uploads: number | null;
  /** Bytes of all artifacts; `null` if the store does not answer. */
  artifacts: number | null;
  /** Webhooks of the whole store that have yet to be delivered; `null` if it does not answer. */
  webhooks: { count: number; oldestMs: number } | null;
  /** Streams open now; those opened, messages sent, and ends by reason since the start. */
  streams: {
    size: number;
    opened: number;
    sent: number;
    ended: Readonly<Record<string, number>>;
  };
}

/** Counts since the start of the process. */
export interface Counted {
  /** Events, by type. */
  events(): Iterable<readonly [type: string, count: number]>;
  fenced(): number;
  turnedAway(): number;
}

/** Adds the metrics to a registry, which reads them at each scrape. */
export function addScraped(registry: Registry, reading: () => Reading, own: Counted): void {
  const add = (
    name: string,
    help: string,
    label: string | null,
    read: (reading: Reading) => number | null | Iterable<readonly [value: string, count: number]>,
  ) => {
    const collect = (metric: Counter | Gauge) => {
      metric.reset();
      const value = read(reading());
      // An unknown value is left out: 0 would be a claim.
      if (value === null) return metric.remove();
      if (typeof value === "number") return metric.inc(value);
      for (const [of, count] of value) metric.inc({ [label!]: of }, count);
    };
    const labelNames = label === null ? [] : [label];
    const options = {
      name,
      help,
      labelNames,
      registers: [registry],
      collect(this: Counter | Gauge) {
        collect(this);
      },
    };
    if (name.endsWith("_total")) new Counter(options);
    else new Gauge(options);
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
  add("headway_events_total", "Events committed", "type", own.events);
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
    own.fenced,
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
    own.turnedAway,
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
