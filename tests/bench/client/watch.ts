import { ownCpuSeconds, wallClock } from "./clock.ts";
import { EventScanner } from "./event_scanner.ts";
import { HttpDecoder } from "./http_decoder.ts";
import type { WatchJob, WatchReady, WatchReport } from "./protocol.ts";
import { Sockets } from "./sockets.ts";
import { StreamCheck } from "./stream_check.ts";
import { Tally } from "./tally.ts";

/** The most connects under way: each one beyond a listener's backlog costs a second. */
const CONNECTING = 64;

const encoder = new TextEncoder();

interface Stream {
  path: string;
  http: HttpDecoder;
  check: StreamCheck;
  requestedAt: number;
  closed: boolean;
}

/**
 * Follows event streams to their end, and checks each event as it arrives.
 *
 * @param onReady Called once all streams have received their first bytes.
 */
export function watch(job: WatchJob, onReady: (ready: WatchReady) => void): WatchReport {
  using sockets = new Sockets();
  sockets.watch(0);
  const tally = new Tally(job);
  const buffer = new Uint8Array(256 * 1024);
  const bySocket: (Stream | undefined)[] = [];
  const startedAt = performance.now();
  const cpu = new WindowCpu(tally.window.from, tally.window.to);
  let answered = 0;
  let open = 0;
  let calledOff = false;

  const streams = job.paths.map((path) => makeStream(path, tally));

  function onReadable(socket: number, broken: boolean): void {
    if (socket === 0) {
      calledOff = true;
      return;
    }
    const stream = bySocket[socket];
    if (stream === undefined) return;
    const length = sockets.read(socket, buffer);
    tally.now = wallClock();
    if (length > 0) {
      const { report } = stream.check;
      if (report.firstByteMs === 0) {
        report.firstByteMs = tally.now - stream.requestedAt;
        answered++;
      }
      stream.http.push(buffer, 0, length);
      if (stream.http.status !== 200 && stream.http.status !== 0) {
        stream.check.fault(`status ${stream.http.status}`);
        close(socket, stream);
      }
    } else if (length === 0 || broken) close(socket, stream);
    if (stream.closed && bySocket[socket] !== undefined) close(socket, stream);
  }

  function close(socket: number, stream: Stream): void {
    const { report } = stream.check;
    if (report.firstByteMs === 0) answered++;
    stream.closed = true;
    report.totalMs = tally.now - stream.requestedAt;
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
    tally.now = wallClock();
    cpu.tell(tally.now);
    if (tally.now > job.deadline) break;
  }

  if (!job.open) { for (const { check, closed } of streams) check.end(job, closed); }
  const checks = streams.map(({ check }) => check);
  return {
    latency: tally.latency.summary(),
    rowLatency: tally.rowLatency.summary(),
    arrived: tally.arrived,
    behindMs: checks.reduce((most, { lateness }) => Math.max(most, lateness.most), 0),
    events: tally.events,
    exact: checks.filter(({ faulty }) => !faulty).length,
    conflated: job.open ? 0 : checks.reduce((sum, { seen }) => sum + (job.ticks ?? 0) - seen, 0),
    faults: tally.faults,
    cpuSeconds: cpu.seconds(),
    each: job.detail ? checks.map(({ report }) => report) : [],
  };
}

function makeStream(path: string, tally: Tally): Stream {
  const check = new StreamCheck(tally);
  const scanner = new EventScanner((bytes, event) => check.take(bytes, event));
  const stream: Stream = {
    path,
    http: new HttpDecoder({
      body: (bytes, from, to) => scanner.push(bytes, from, to),
      end: () => stream.closed = true,
    }),
    check,
    requestedAt: 0,
    closed: false,
  };
  return stream;
}

function request(path: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(
    `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n`,
  );
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
