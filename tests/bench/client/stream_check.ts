import type { Samples } from "../stats.ts";
import { messageStart, readRow, readStamp, type ScannedEvent } from "./event_scanner.ts";
import { Lateness } from "./lateness.ts";
import type { StreamReport, WatchJob } from "./protocol.ts";
import type { Tally } from "./tally.ts";

const STATUS_RUNNING = new TextEncoder().encode('"status":"running"');

/**
 * Checks each event of one stream as it arrives: ids rise, ticks rise, rows come one after the
 * other, `complete` comes once and last. The check is exact because every tick and row carries its
 * number.
 */
export class StreamCheck {
  readonly report: StreamReport = {
    beforeTick: 0,
    firstTick: 0,
    firstAt: 0,
    lastTick: 0,
    rows: 0,
    firstByteMs: 0,
    totalMs: 0,
  };
  readonly lateness: Lateness;
  #tally: Tally;
  #id = -1;
  #idPart = 0;
  #tick = 0;
  #time = 0;
  #seen = 0;
  /** Whether the newest event with a tick said that the task is running. */
  #running = false;
  #row = 0;
  #completes = 0;
  #faulty = false;

  constructor(tally: Tally) {
    this.#tally = tally;
    this.lateness = new Lateness(tally.hz);
  }

  /** Whether the stream broke a promise. */
  get faulty(): boolean {
    return this.#faulty;
  }

  /** How many different ticks came. */
  get seen(): number {
    return this.#seen;
  }

  fault(what: string): void {
    this.#faulty = true;
    this.#tally.fault(what);
  }

  /** Takes the next event. */
  take(bytes: Uint8Array, { id, idPart, name, dataFrom, dataTo }: ScannedEvent): void {
    this.#tally.events++;
    if (id < 0) this.fault("no id");
    else if (id < this.#id || (id === this.#id && idPart <= this.#idPart)) {
      this.fault("id not rising");
    }
    this.#id = id;
    this.#idPart = idPart;
    if (this.#completes > 0) this.fault("event after complete");
    if (name === "complete") this.#completes++;
    else if (name === "reset") this.fault("reset");
    else if (name === "log") this.#takeRow(bytes, dataFrom, dataTo);
    else if (name === "") this.#takeTick(bytes, dataFrom, dataTo);
    else this.fault(`event ${name}`);
  }

  /** Checks, for a stream that should be complete, that everything came. */
  end({ ticks = 0, rows = 0 }: Pick<WatchJob, "ticks" | "rows">, closed: boolean): void {
    if (this.#completes === 0) this.fault("no complete");
    if (this.#completes > 1) this.fault("complete twice");
    if (!closed) this.fault("not closed");
    if (this.#tick !== ticks) this.fault("final value lost");
    if (this.#row !== rows) this.fault("rows lost at the end");
  }

  #takeRow(bytes: Uint8Array, from: number, to: number): void {
    const at = messageStart(bytes, from, to);
    const found = at < 0 ? undefined : readRow(bytes, at);
    // Headway's own notes, such as "started again from a checkpoint", are log rows, too.
    if (found === undefined) return;
    const { tick: row, time } = found;
    if (time > 0) this.#measure(row, time, this.#tally.rowLatency);
    if (row <= this.#row) this.fault("row twice");
    else if (row !== this.#row + 1) this.fault("row lost");
    this.#row = row;
    this.report.rows++;
  }

  #takeTick(bytes: Uint8Array, from: number, to: number): void {
    const at = messageStart(bytes, from, to);
    const stamp = at < 0 ? undefined : readStamp(bytes, at);
    if (stamp === undefined) return;
    const { tick, time } = stamp;
    const { since, now, latency } = this.#tally;
    // After a crash a tick is made again: its newer time distinguishes it from a second delivery.
    const again = tick === this.#tick && since !== undefined && time > this.#time;
    if (tick > this.#tick || again) {
      // A stream begins with the current state, which may be that of a task that waits.
      this.#running = this.#seen > 0 || includes(bytes, from, to, STATUS_RUNNING);
      this.#tick = this.report.lastTick = tick;
      this.#time = time;
      if (!again) this.#seen++;
      this.#measure(tick, time, latency);
      if (since === undefined) return;
      if (time < since) this.report.beforeTick = tick;
      else if (this.report.firstTick === 0) {
        this.report.firstTick = tick;
        this.report.firstAt = now;
      }
    } else if (tick < this.#tick) this.fault("tick out of order");
    else {
      // A change of state repeats the newest tick. The tick alone must not come twice.
      const running = includes(bytes, from, to, STATUS_RUNNING);
      if (running && this.#running) this.fault("tick twice");
      this.#running = running;
    }
  }

  #measure(index: number, time: number, samples: Samples): void {
    if (this.#tally.add(time, samples)) this.lateness.add(index, time);
  }
}

function includes(bytes: Uint8Array, from: number, to: number, what: Uint8Array): boolean {
  for (let at = from; at + what.length <= to; at++) {
    let i = 0;
    while (i < what.length && bytes[at + i] === what[i]) i++;
    if (i === what.length) return true;
  }
  return false;
}
