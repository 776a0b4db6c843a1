import { type TaskRecord, waits } from "../../lib/task/record.ts";
import type { EventRow } from "../helpers/api.ts";
import { holds, type Invariant } from "./invariants.ts";
import type { Script } from "./script.ts";

/** What may have befallen a task. */
export interface Fate {
  /** Its script. */
  script: Script;
  /** Attempts it may take. */
  maxAttempts: number;
  /** Someone asked for it to stop. */
  mayBeCanceled: boolean;
  /** Its process was killed so often that it may be called the cause. */
  mayDie: boolean;
  /** Its process was killed so often that it may be tried alone. */
  mayBeAlone: boolean;
  /** How often it may have been retried at the most. */
  retries: number;
  /** Its oldest rows may have been removed. */
  trims: boolean;
}

/** Ways from one state to the next. */
const WAYS: Record<string, readonly string[]> = {
  "": ["pending"],
  pending: ["running", "canceled"],
  // Running still: a cancel was asked for.
  running: ["running", "pending", "completed", "failed", "canceled"],
  completed: ["pending"],
  failed: ["pending"],
  canceled: ["pending"],
};

/**
 * Reads a task's stored rows from the first on, and finds what its script, and what befell it, do
 * not account for.
 */
export class Trace {
  readonly #fate: Fate;
  #seq = 0;
  #status = "";
  #attempt = 0;
  #retries = 0;
  #ended = false;
  #progress = 0;
  /** It waits for a time. */
  #waits = false;
  /** Where it stands among those of its priority. */
  #runAt = "";
  /** It goes on with the attempt that was interrupted. */
  #resuming = false;
  /** The last row; `null` while it has not said where it starts, or that was removed. */
  #last: number | null = null;
  /** The rows between which its checkpoint lies. */
  #saved = { from: 0, to: 0 };
  /** Starts seen. */
  starts = 0;

  /** Begins with a task of which nothing is stored yet. */
  constructor(fate: Fate) {
    this.#fate = fate;
  }

  /** Takes the next row. */
  push(row: EventRow): void {
    const check = (invariant: Invariant, condition: boolean, what: string) =>
      holds(invariant, condition, () => `${what}, at ${JSON.stringify(row).slice(0, 600)}`);
    check("I3", row.seq > this.#seq, `seq ${row.seq} after ${this.#seq}`);
    this.#seq = row.seq;
    if (row.event === "message") this.#changed(row.data, check);
    else if (row.event === "complete") this.#completed(row.data, check);
    else if (row.event === "output") this.#started(row.data.data, check);
    else if (row.data.data?.row !== undefined) this.#logged(row.data.data.row, check);
  }

  #changed(record: TaskRecord, check: Check): void {
    const { status, attempt, error, progress, cancel_requested } = record;
    const before = this.#status;
    const { script, maxAttempts, mayBeCanceled, mayDie, retries } = this.#fate;
    check("I2", WAYS[before]!.includes(status), `from '${before}' to '${status}'`);
    check("I2", !this.#ended || status === "pending", "more after the end");
    this.#status = status;
    if (status === "pending") {
      this.#waits = waits(record);
      const { run_at, updated_at } = record;
      if (before === "running" && error === null) {
        // Where the clock was set back, it goes before all that have come by now.
        const kept = this.#runAt < updated_at ? this.#runAt : updated_at;
        check("I15", run_at === kept, `interrupted, and put from ${this.#runAt} to ${run_at}`);
      }
      this.#runAt = run_at;
      if (this.#ended || ["completed", "failed", "canceled"].includes(before)) {
        check("I2", this.#ended, "retried before 'complete'");
        this.#retries++;
        check("I2", this.#retries <= retries, "retried though nobody asked");
        if (before === "completed") this.#saved = { from: 0, to: 0 };
        this.#attempt = 0;
        this.#progress = 0;
        this.#ended = false;
        this.#resuming = false;
      } else if (before === "running") {
        this.#resuming = error === null;
        // It fails before it saves its last row, and all it saved is stored with that.
        if (error !== null) this.#saved.to = this.#saved.from;
        check("I2", error === null || attempt < maxAttempts, "one attempt too many");
      }
      check("I11", attempt === this.#attempt, `attempt ${attempt} after ${this.#attempt}`);
    } else if (status === "running" && before === "pending") {
      const next = this.#resuming ? this.#attempt : this.#attempt + 1;
      check("I11", attempt === next, `attempt ${attempt}, not ${next}`);
      const due = !this.#waits || record.updated_at >= record.run_at;
      check("I13", due, "started too early");
      if (!this.#resuming) this.#progress = 0;
      this.#attempt = attempt;
      this.#last = null;
      this.starts++;
    } else if (status === "running") {
      check("I2", cancel_requested && mayBeCanceled, "running again");
    } else if (status === "completed") {
      const { fails, rows, holds } = script;
      check("I2", !holds && fails < maxAttempts, "completed against its script");
      const whole = this.#last === rows || this.#fate.trims;
      check("I3", whole, `completed with row ${this.#last} of ${rows}`);
      check("I11", attempt === fails + 1, `completed in attempt ${attempt}`);
    } else if (status === "failed") {
      if (error?.name === "ProcessDied") check("I11", mayDie, "called the cause of deaths");
      else {
        const last = attempt === maxAttempts || mayBeCanceled;
        check("I2", script.fails >= attempt && last, "failed against its script");
      }
    } else {
      check("I2", mayBeCanceled, "canceled though nobody asked");
    }
    check("I9", (progress ?? 0) >= this.#progress, `${progress} % after ${this.#progress}`);
    this.#progress = progress ?? 0;
  }

  #completed({ status, result }: TaskRecord<Partial<Script>>, check: Check): void {
    check("I2", !this.#ended && status === this.#status, `complete while ${this.#status}`);
    const right = status !== "completed" || result?.nonce === this.#fate.script.nonce;
    check("I1", right, "another task's result");
    this.#ended = true;
  }

  #started({ from, attempt }: { from: number; attempt: number }, check: Check): void {
    const { from: least, to: most } = this.#saved;
    check("I2", this.#status === "running", `a row while ${this.#status}`);
    check("I11", attempt === this.#attempt, `runs as attempt ${attempt} of ${this.#attempt}`);
    const right = from >= least && from <= most;
    // Outputs are kept where the logs between them were removed.
    check("I4", right || this.#fate.trims, `goes on from ${from}, saved ${least} to ${most}`);
    check("I4", this.#last === null, "started twice");
    this.#last = from;
    this.#saved = { from, to: from };
  }

  #logged(row: number, check: Check): void {
    const { every } = this.#fate.script;
    check("I2", this.#status === "running", `a row while ${this.#status}`);
    // What came before the first may have been removed; all that follows is there.
    if (this.#fate.trims) this.#last = row - 1;
    this.#fate.trims = false;
    check("I3", row === (this.#last ?? NaN) + 1, `row ${row} after ${this.#last}`);
    this.#last = row;
    // The save behind the row may not be stored yet; the one before it must be.
    const saved = (last: number) => Math.max(this.#saved.from, last - last % every);
    this.#saved = { from: saved(row - 1), to: saved(row) };
  }
}

type Check = (invariant: Invariant, condition: boolean, what: string) => void;
