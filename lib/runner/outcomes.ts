/**
 * What becomes of a task when its run is over: its end, a retry, or another go from its checkpoint.
 *
 * @module
 */

import { retryDelay } from "../task/backoff.ts";
import type { Claims } from "./claims.ts";
import type { Jobs } from "./jobs.ts";
import type { Logger } from "../base/log.ts";
import type { Metrics } from "../base/metrics.ts";
import type { RunEnd } from "../child/protocol.ts";
import { type Run, type Runs, wasAlone } from "./runs.ts";
import type { AnyTask } from "../task/define.ts";
import type { TaskPool } from "./task_pool.ts";

/** What {@link Outcomes} takes. */
export interface OutcomesOptions {
  /** The kinds that can be run here. */
  kinds: ReadonlyMap<string, AnyTask>;
  /** What runs. */
  runs: Runs;
  /** Where runs are driven. */
  pool: TaskPool<Run>;
  /** Told of what is pending again, and of places that are free. */
  claims: Claims;
  /** Owns what nobody waits for. */
  jobs: Jobs;
  /** Where figures are kept. */
  metrics?: Metrics | undefined;
  /** Where failures are told. */
  log: Logger;
}

/** See the module. */
export class Outcomes {
  readonly #options: OutcomesOptions;

  /** Waits to be called. */
  constructor(options: OutcomesOptions) {
    this.#options = options;
  }

  /** A run ended, as `end` says. */
  ended(run: Run, end: RunEnd): void {
    const { live } = run;
    if (end.how === "returned") {
      this.#finish(run, () => live.change({ type: "complete" }, end.json));
    } else if (end.how === "stopped" && end.reason === "cancel") {
      this.#finish(run, () => live.change({ type: "cancel" }));
    } else if (end.how === "stopped" && end.reason === "stop") {
      this.interrupt(run, "the server stops", false);
    } else {
      this.#failed(run, end);
    }
  }

  /** A run was cut off through no fault of its task, unless its process died under it. */
  interrupt(run: Run, because: string, died: boolean): void {
    const { live } = run;
    live.log("warn", `Interrupted: ${because}; goes on from the last checkpoint`);
    const alone = wasAlone(run);
    this.#finish(run, () => live.change({ type: "interrupt", died, alone }));
  }

  /** Takes a run off the books, whatever becomes of its task. */
  forget(run: Run): void {
    const { runs, pool } = this.#options;
    pool.release(run.member, run.number);
    runs.delete(run);
  }

  #failed(run: Run, end: Exclude<RunEnd, { how: "returned" }>): void {
    const { log, kinds } = this.#options;
    const { live } = run;
    const { kind, attempt, max_attempts, cancel_requested } = live.record;
    const error = end.how === "threw" ? end.error : {
      name: "TimeoutError",
      message: `The attempt took longer than ${live.task.timeoutMs} ms`,
    };
    const { stack } = end;
    log.info("a task failed", { id: live.id, kind, attempt, error: error.message, stack });
    let retryAfterMs: number | null = null;
    if (attempt < max_attempts && !cancel_requested) {
      retryAfterMs = retryDelay(attempt, kinds.get(kind)!.retry);
      const text = `Attempt ${attempt} of ${max_attempts} failed: ${error.message}`;
      live.log("warn", text, { retry_in_ms: retryAfterMs });
    }
    this.#finish(run, () => live.change({ type: "fail", error, retryAfterMs }));
  }

  /** Takes a run off the books and changes its task; one that is pending again is offered. */
  #finish(run: Run, change: () => unknown): void {
    const { claims, jobs, metrics } = this.#options;
    const { live } = run;
    const { kind } = live.record;
    const { slot } = live.task;
    if (run.sent) metrics?.ran(kind, performance.now() - run.claimedAt);
    change();
    this.forget(run);
    // Its next claim checks that the place is free: it is when this is committed.
    if (slot !== null) jobs.own(live.committed().then(() => claims.release(kind, slot)));
    claims.offer(live);
    claims.pump();
  }
}
