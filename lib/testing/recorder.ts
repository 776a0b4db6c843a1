/**
 * Records what one run yields, one yield at a time, and cuts the run off after one if it has to.
 *
 * @module
 */

import type { KeptAnswer, RunEnd, RunEvent } from "../child/protocol.ts";
import type { RunEventSink } from "../child/run_events.ts";
import type { Report } from "../task/report.ts";
import type { FakeClock } from "./fake_clock.ts";

/** How a run ended; `null` if it was cut off. */
export type RunOver = RunEnd | null;

export interface RecorderOptions {
  clock: FakeClock;
  /** Called for each row or checkpoint, with its JSON text. */
  onrow(type: "log" | "output" | "save" | "step", json: string): void;
  onanswer(kept: KeptAnswer): void;
  onreport(report: Report): void;
  /** Called at the end of an artifact. */
  onartifact(): void;
  /** Called after each yield; returns whether to cut the run off here. */
  onyield(): boolean;
}

export class Recorder implements RunEventSink {
  readonly #options: RecorderOptions;
  readonly #over = Promise.withResolvers<RunOver>();
  #isOver = false;

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  /** Resolves when the run is over. */
  get over(): Promise<RunOver> {
    return this.#over.promise;
  }

  push([, type, content]: RunEvent): void {
    if (this.#isOver) return;
    if (type === "end") this.#end(content);
    else if (type === "progress") this.#options.onreport(content);
    else if (type === "answer") this.#options.onanswer(content);
    else if (type === "artifact") this.#options.onartifact();
    else this.#options.onrow(type, content);
  }

  report(_run: number, report: Report): void {
    if (!this.#isOver) this.#options.onreport(report);
  }

  /** Called after each yield: lets other code run. Never resolves for a run that is cut off. */
  pause(): Promise<void> {
    try {
      if (!this.#isOver && !this.#options.onyield()) return this.#options.clock.turn();
      this.#end(null);
    } catch (error) {
      this.#over.reject(error);
      this.#isOver = true;
    }
    return new Promise(() => {});
  }

  taken(): void {}

  #end(over: RunOver): void {
    this.#isOver = true;
    this.#over.resolve(over);
  }
}
