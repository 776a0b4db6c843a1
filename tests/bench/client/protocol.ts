/**
 * What the bench asks of its load client and what it is told: one JSON line each way, over the
 * client's standard input and output.
 *
 * @module
 */

import type { Summary } from "../stats.ts";

/** Opens event streams and follows them to their end. */
export interface WatchJob {
  do: "watch";
  /** On 127.0.0.1. */
  port: number;
  /** One stream each; a path may occur several times. */
  paths: string[];
  /** Ticks each task makes. A stream that ends before the last one has lost the final value. */
  ticks?: number;
  /** Log rows, numbered from 1, that each stream must bring, each once and in order. */
  rows?: number;
  /** Steps a second that each task is to make, for {@link WatchReport.behindMs}. */
  hz?: number;
  /** Latencies of what was yielded from `from` to before `to` count. Wall clock, milliseconds. */
  window?: { from: number; to: number };
  /** Streams are expected to be cut, or held until the job is called off: no end is no fault. */
  open?: boolean;
  /** Tell about each stream in {@link WatchReport.each}. */
  detail?: boolean;
  /** Only what was yielded after this time counts as {@link StreamReport.firstAt}. */
  since?: number;
  /** Wall clock, milliseconds: give up then. */
  deadline: number;
}

/** Told once every stream has received its first bytes. */
export interface WatchReady {
  ready: number;
  /** Milliseconds since the first connect. */
  ms: number;
}

/** One stream, where {@link WatchJob.detail} asked for it. */
export interface StreamReport {
  /** The newest tick that was yielded before `since`; 0 without one. */
  beforeTick: number;
  /** The first tick yielded after `since`, and when it arrived (wall clock); 0 without one. */
  firstTick: number;
  firstAt: number;
  /** The last tick that arrived. */
  lastTick: number;
  /** Log rows that arrived. */
  rows: number;
  /** Milliseconds from the request to the first byte, and to the end of the stream. */
  firstByteMs: number;
  totalMs: number;
}

/** What came of a {@link WatchJob}. */
export interface WatchReport {
  /** Latency of ticks from yield to the return of the client's read, milliseconds, of the window. */
  latency: Summary;
  /** The same of log rows that carry their time. */
  rowLatency: Summary;
  /** Ticks and such rows that arrived in the window, whenever they were yielded. */
  arrived: number;
  /**
   * How far the task that fell behind most was behind its own schedule in the window, milliseconds.
   * Latencies do not show it: a task that is held up yields later.
   */
  behindMs: number;
  /** All events, of whatever kind and time. */
  events: number;
  /** Streams that brought everything, `complete` last and once, and were then closed. */
  exact: number;
  /** Ticks that a newer one replaced before they were sent: allowed for progress, not for rows. */
  conflated: number;
  /** Broken promises, by kind; empty when all is well. */
  faults: Record<string, number>;
  /** Processor seconds of the client in the window (in the whole job without one). */
  cpuSeconds: number;
  /** Each stream, in the order of the paths; empty without `detail`. */
  each: StreamReport[];
}

/** Sends requests over keep-alive connections, each waiting for its answer. */
export interface RequestJob {
  do: "request";
  port: number;
  connections: number;
  method: string;
  path: string;
  /** The body of every request; `""` for none. */
  body: string;
  /** How many requests in all. */
  count: number;
  deadline: number;
}

/** What came of a {@link RequestJob}. */
export interface RequestReport {
  /** Wall clock: just before the first request, and when the last answer was read. */
  startedAt: number;
  endedAt: number;
  /** Milliseconds from request to answer. */
  latency: Summary;
  /** How many answers of each status. */
  statuses: Record<string, number>;
  /** The `task_id` of each answer that has one, in the order of the answers. */
  taskIds: string[];
  /** Processor seconds of the client between the two. */
  cpuSeconds: number;
}
