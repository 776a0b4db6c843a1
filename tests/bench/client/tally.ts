import { Samples } from "../stats.ts";
import type { WatchJob } from "./protocol.ts";

/** Counts and latencies of all streams of a job so far. */
export class Tally {
  /** Milliseconds for ticks, and (`rowLatency`) for rows, that were yielded in the window. */
  readonly latency = new Samples();
  readonly rowLatency = new Samples();
  readonly faults: Record<string, number> = {};
  /** See {@link WatchJob}. */
  readonly window: { from: number; to: number };
  readonly since: number | undefined;
  readonly hz: number | undefined;
  /** When the current bytes were read, in milliseconds of the wall clock. */
  now = 0;
  events = 0;
  arrived = 0;

  constructor(
    { window = { from: 0, to: 0 }, since, hz }: Pick<WatchJob, "window" | "since" | "hz">,
  ) {
    this.window = window;
    this.since = since;
    this.hz = hz;
  }

  fault(what: string): void {
    this.faults[what] = (this.faults[what] ?? 0) + 1;
  }

  /** Counts an arrival that was yielded at `time`; returns whether that was in the window. */
  add(time: number, samples: Samples): boolean {
    const { from, to } = this.window;
    if (this.now >= from && this.now < to) this.arrived++;
    if (time < from || time >= to) return false;
    samples.add(this.now - time);
    return true;
  }
}
