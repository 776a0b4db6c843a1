import { Samples } from "../stats.ts";
import { ownCpuSeconds, wallClock } from "./clock.ts";
import {
  EventScanner,
  messageStart,
  readRow,
  readStamp,
  type ScannedEvent,
} from "./event_scanner.ts";
import { HttpDecoder } from "./http_decoder.ts";
import { Lateness } from "./lateness.ts";
import type { StreamReport, WatchJob, WatchReady, WatchReport } from "./protocol.ts";
import { Sockets } from "./sockets.ts";

/** Connects under way at once: a burst past a listener's backlog costs a second each. */
const CONNECTING = 64;

const encoder = new TextEncoder();
const STATUS_RUNNING = encoder.encode('"status":"running"');

/** One stream and what it has brought so far. */
interface Stream {
  path: string;
  http: HttpDecoder;
  requestedAt: number;
  id: number;
  idPart: number;
  tick: number;
  time: number;
  seen: number;
  /** Whether the newest event of a tick said that the task runs. */
  running: boolean;
  rows: number;
  lateness: Lateness;
  completes: number;
  faulty: boolean;
  closed: boolean;
  report: StreamReport;
}

/**
 * Follows event streams to their end and checks each event as it arrives: ids rise, ticks rise,
 * rows come one after the other, `complete` comes once and last. The check is exact because every
 * tick and row carries its number.
 *
 * @param onReady Called once all streams have received their first bytes.
 */
export function watch(job: WatchJob, onReady: (ready: WatchReady) => void): WatchReport {
  using sockets = new Sockets();
  sockets.watch(0);
  const latency = new Samples();
  const rowLatency = new Samples();
  const faults: Record<string, number> = {};
  const window = job.window ?? { from: 0, to: 0 };
  const buffer = new Uint8Array(256 * 1024);
  const bySocket: (Stream | undefined)[] = [];
  const startedAt = performance.now();
  const cpu = new WindowCpu(window.from, window.to);
  let now = wallClock();
  let events = 0;
  let arrived = 0;
  let answered = 0;
  let open = 0;
  let calledOff = false;

  const streams = job.paths.map((path) => makeStream(path, job.hz, onEvent));

  function fault(stream: Stream, what: string): void {
    stream.faulty = true;
    faults[what] = (faults[what] ?? 0) + 1;
  }

  function onEvent(stream: Stream, bytes: Uint8Array, event: ScannedEvent): void {
    events++;
    const { id, idPart, name, dataFrom, dataTo } = event;
    if (id < 0) fault(stream, "no id");
    else if (id < stream.id || (id === stream.id && idPart <= stream.idPart)) {
      fault(stream, "id not rising");
    }
    stream.id = id;
    stream.idPart = idPart;
    if (stream.completes > 0) fault(stream, "event after complete");
    if (name === "complete") stream.completes++;
    else if (name === "reset") fault(stream, "reset");
    else if (name === "log") onRow(stream, bytes, dataFrom, dataTo);
    else if (name === "") onTick(stream, bytes, dataFrom, dataTo);
    else fault(stream, `event ${name}`);
  }

  function onRow(stream: Stream, bytes: Uint8Array, from: number, to: number): void {
    const at = messageStart(bytes, from, to);
    const found = at < 0 ? undefined : readRow(bytes, at);
    // Headway's own notes, as "started again from a checkpoint", are rows too.
    if (found === undefined) return;
    const { tick: row, time } = found;
    if (time > 0) measure(stream, row, time, rowLatency);
    if (row <= stream.rows) fault(stream, "row twice");
    else if (row !== stream.rows + 1) fault(stream, "row lost");
    stream.rows = row;
    stream.report.rows++;
  }

  /** Of what was yielded as step `tick` at `time`, and has arrived. */
  function measure(stream: Stream, tick: number, time: number, samples: Samples): void {
    if (now >= window.from && now < window.to) arrived++;
    if (time < window.from || time >= window.to) return;
    samples.add(now - time);
    stream.lateness.add(tick, time);
  }

  function onTick(stream: Stream, bytes: Uint8Array, from: number, to: number): void {
    const at = messageStart(bytes, from, to);
    const stamp = at < 0 ? undefined : readStamp(bytes, at);
    if (stamp === undefined) return;
    const { tick, time } = stamp;
    // After a crash the tick under way is made again: a new stamp tells it from a second delivery.
    const again = tick === stream.tick && job.since !== undefined && time > stream.time;
    if (tick > stream.tick || again) {
      // The first is what a stream begins with, and may be of a task that waits.
      stream.running = stream.seen > 0 || includes(bytes, from, to, STATUS_RUNNING);
      stream.tick = tick;
      stream.time = time;
      if (!again) stream.seen++;
      measure(stream, tick, time, latency);
      if (time < (job.since ?? -Infinity)) stream.report.beforeTick = tick;
      else if (job.since !== undefined && stream.report.firstTick === 0) {
        stream.report.firstTick = tick;
        stream.report.firstAt = now;
      }
    } else if (tick < stream.tick) fault(stream, "tick out of order");
    else {
      // A change of state repeats the newest tick. The tick alone must not come twice.
      const running = includes(bytes, from, to, STATUS_RUNNING);
      if (running && stream.running) fault(stream, "tick twice");
      stream.running = running;
    }
  }

  function onReadable(socket: number, broken: boolean): void {
    if (socket === 0) {
      calledOff = true;
      return;
    }
    const stream = bySocket[socket];
    if (stream === undefined) return;
    const length = sockets.read(socket, buffer);
    now = wallClock();
    if (length > 0) {
      if (stream.report.firstByteMs === 0) {
        stream.report.firstByteMs = now - stream.requestedAt;
        answered++;
      }
      stream.http.push(buffer, 0, length);
      if (stream.http.status !== 200 && stream.http.status !== 0) {
        fault(stream, `status ${stream.http.status}`);
        close(socket, stream);
      }
    } else if (length === 0 || broken) close(socket, stream);
    if (stream.closed && bySocket[socket] !== undefined) close(socket, stream);
  }

  function close(socket: number, stream: Stream): void {
    if (stream.report.firstByteMs === 0) answered++;
    stream.closed = true;
    stream.report.totalMs = now - stream.requestedAt;
    bySocket[socket] = undefined;
    sockets.close(socket);
    open--;
  }

  let ready = false;
  for (let next = 0; !calledOff;) {
    while (next < streams.length && next - answered < CONNECTING) {
      const stream = streams[next]!;
      const socket = sockets.connect(job.port);
      if (socket === undefined) break;
      bySocket[socket] = stream;
      open++;
      next++;
      stream.requestedAt = wallClock();
      sockets.write(socket, request(stream.path));
    }
    if (next === streams.length) {
      if (!ready && answered === next) {
        ready = true;
        onReady({ ready: answered, ms: performance.now() - startedAt });
      }
      if (open === 0) break;
    }
    sockets.wait(next < streams.length ? 2 : 100, onReadable);
    now = wallClock();
    cpu.tell(now);
    if (now > job.deadline) break;
  }

  let exact = 0;
  let conflated = 0;
  for (const stream of streams) {
    if (!job.open) {
      if (stream.completes === 0) fault(stream, "no complete");
      if (stream.completes > 1) fault(stream, "complete twice");
      if (!stream.closed) fault(stream, "not closed");
      if (stream.tick !== (job.ticks ?? 0)) fault(stream, "final value lost");
      if (stream.rows !== (job.rows ?? 0)) fault(stream, "rows lost at the end");
      conflated += (job.ticks ?? 0) - stream.seen;
    }
    if (!stream.faulty) exact++;
    stream.report.lastTick = stream.tick;
  }
  return {
    latency: latency.summary(),
    rowLatency: rowLatency.summary(),
    arrived,
    behindMs: streams.reduce((most, { lateness }) => Math.max(most, lateness.most), 0),
    events,
    exact,
    conflated,
    faults,
    cpuSeconds: cpu.seconds(),
    each: job.detail ? streams.map((stream) => stream.report) : [],
  };
}

function makeStream(
  path: string,
  hz: number | undefined,
  onEvent: (stream: Stream, bytes: Uint8Array, event: ScannedEvent) => void,
): Stream {
  const scanner = new EventScanner((bytes, event) => onEvent(stream, bytes, event));
  const stream: Stream = {
    path,
    http: new HttpDecoder({
      body: (bytes, from, to) => scanner.push(bytes, from, to),
      end: () => stream.closed = true,
    }),
    requestedAt: 0,
    id: -1,
    idPart: 0,
    tick: 0,
    time: 0,
    seen: 0,
    running: false,
    rows: 0,
    lateness: new Lateness(hz),
    completes: 0,
    faulty: false,
    closed: false,
    report: {
      beforeTick: 0,
      firstTick: 0,
      firstAt: 0,
      lastTick: 0,
      rows: 0,
      firstByteMs: 0,
      totalMs: 0,
    },
  };
  return stream;
}

function request(path: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(
    `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n`,
  );
}

function includes(bytes: Uint8Array, from: number, to: number, what: Uint8Array): boolean {
  for (let at = from; at + what.length <= to; at++) {
    let i = 0;
    while (i < what.length && bytes[at + i] === what[i]) i++;
    if (i === what.length) return true;
  }
  return false;
}

/** The processor time that this process took within a window of the wall clock. */
class WindowCpu {
  #from: number;
  #to: number;
  #start = ownCpuSeconds();
  #end: number | undefined;
  #begun = false;

  constructor(from: number, to: number) {
    this.#from = from;
    this.#to = to;
  }

  tell(now: number): void {
    if (this.#to === 0) return;
    if (!this.#begun && now >= this.#from) {
      this.#begun = true;
      this.#start = ownCpuSeconds();
    }
    if (this.#end === undefined && now >= this.#to) this.#end = ownCpuSeconds();
  }

  seconds(): number {
    return (this.#end ?? ownCpuSeconds()) - this.#start;
  }
}
