/**
 * The messages between the bench and its load client: JSON lines over the client's standard input and
 * output.
 *
 * @module
 */

import type { Summary } from "../stats.ts";

/** Opens event streams and follows them to their end. */
export interface WatchJob {
  do: "watch";
  /** The server's port on 127.0.0.1. */
  port: number;
  /** The path of each stream; a path may occur several times. */
  paths: string[];
  /** How many ticks each task makes. A stream that ends before the last has lost the final value. */
  ticks?: number;
  /** How many log rows, numbered from 1, each stream must bring, each once and in order. */
  rows?: number;
  /** Steps a second that each task is to make, for {@link WatchReport.behindMs}. */
  hz?: number;
  /** Latencies count if the yield was at `from` or later, before `to`. Wall clock, milliseconds. */
  window?: { from: number; to: number };
  /** Streams may be cut, or stay open until the job is canceled: then a missing end is no fault. */
  open?: boolean;
  /** Report on each stream in {@link WatchReport.each}. */
  detail?: boolean;
  /** Only what was yielded after this time counts as {@link StreamReport.firstAt}. */
  since?: number;
  /** When to give up, in milliseconds of the wall clock. */
  deadline: number;
}

/** Sent once every stream has received its first bytes. */
export interface WatchReady {
  ready: number;
  /** Milliseconds since the first connect. */
  ms: number;
}

/** The report on one stream, if {@link WatchJob.detail} asked for it. */
export interface StreamReport {
  /** The newest tick that was yielded before `since`; 0 if there is none. */
  beforeTick: number;
  /** The first tick yielded after `since`, and when it arrived (wall clock); 0 if there is none. */
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

/** The result of a {@link WatchJob}. */
export interface WatchReport {
  /** Milliseconds from the yield of each tick in the window until the client's read returned it. */
  latency: Summary;
  /** The same for log rows that contain their time. */
  rowLatency: Summary;
  /** Ticks, and rows with a time, that arrived in the window, whenever they were yielded. */
  arrived: number;
  /**
   * Milliseconds by which the slowest task fell behind its own schedule in the window. Latencies do
   * not show that: a task that is held up also yields later.
   */
  behindMs: number;
  /** Events of every kind, in the window or not. */
  events: number;
  /** Streams that brought everything, `complete` last and once, and were then closed. */
  exact: number;
  /** Ticks that a newer one replaced before they were sent: allowed for progress, not for rows. */
  conflated: number;
  /** Broken promises, by kind; empty when all is well. */
  faults: Record<string, number>;
  /** Processor seconds of the client in the window; in the whole job if there is no window. */
  cpuSeconds: number;
  /** A report on each stream, in the order of the paths; empty without `detail`. */
  each: StreamReport[];
}

/** Sends requests over keep-alive connections, each of which waits for an answer before the next. */
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

/** The result of a {@link RequestJob}. */
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
  /** Processor seconds of the client from `startedAt` to `endedAt`. */
  cpuSeconds: number;
}
