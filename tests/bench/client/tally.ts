import { Samples } from "../stats.ts";
import type { WatchJob } from "./protocol.ts";

/** What all streams of a job have brought so far. */
export class Tally {
  /** Of ticks that were yielded in the window, and of rows. Milliseconds. */
  readonly latency = new Samples();
  readonly rowLatency = new Samples();
  readonly faults: Record<string, number> = {};
  /** See {@link WatchJob}. */
  readonly window: { from: number; to: number };
  readonly since: number | undefined;
  readonly hz: number | undefined;
  /** When the bytes at hand were read: wall clock. */
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

  /** Counts what was yielded at `time` and has arrived; says whether that was in the window. */
  add(time: number, samples: Samples): boolean {
    const { from, to } = this.window;
    if (this.now >= from && this.now < to) this.arrived++;
    if (time < from || time >= to) return false;
    samples.add(this.now - time);
    return true;
  }
}
