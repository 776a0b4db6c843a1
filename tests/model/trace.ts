import {
  type ArtifactRecord,
  isFinished,
  type Status,
  type TaskError,
  type TaskRecord,
  waits,
} from "../../lib/task/record.ts";
import type { EventRow } from "../helpers/api.ts";
import { holds, type Invariant } from "./invariants.ts";
import { AnswersTrace } from "./answers_trace.ts";
import { FILE, isFileOf, type Script } from "./script.ts";
import { THROWN } from "./thrown.ts";

/** What may have happened to a task. */
export interface Fate {
  /** Its script. */
  script: Script;
  /** The most attempts that it may take. */
  maxAttempts: number;
  /** Milliseconds that an attempt may take; `null` for no bound. */
  timeoutMs: number | null;
  /** Whether it reports its progress in two stages. */
  staged: boolean;
  /** Whether a later submit may delay it before it begins. */
  debounced: boolean;
  /** Whether it is a child that may have to wait for its turn. */
  hasTurn: boolean;
  /** Whether something may have canceled it. */
  mayBeCanceled: boolean;
  /** Whether the clock may have been set since it was submitted. */
  jumped: boolean;
  /** How often its process may have been killed. */
  deaths: number;
  /** Whether its process was killed so often that it may fail as the cause. */
  mayDie: boolean;
  /** Whether its process was killed so often that it may run in a process of its own. */
  mayBeAlone: boolean;
  /** The most retries that it may have had. */
  retries: number;
  /** Whether its oldest rows may have been trimmed. */
  trims: boolean;
}

/** From each state, the states that may follow. */
const WAYS: Record<string, readonly string[]> = {
  "": ["pending", "waiting"],
  // Pending again: it was debounced.
  pending: ["pending", "running", "canceled"],
  // Running again: a cancel was requested.
  running: ["running", "pending", "waiting", "completed", "failed", "canceled"],
  waiting: ["running", "pending", "canceled"],
  completed: ["pending"],
  failed: ["pending", "waiting"],
  canceled: ["pending", "waiting"],
};

/**
 * Reads a task's stored rows in order, and fails at one that neither its script nor what happened to
 * it accounts for.
 */
export class Trace {
  readonly #fate: Fate;
  #seq = 0;
  #status: Status | "" = "";
  #attempt = 0;
  #retries = 0;
  #ended = false;
  #progress = 0;
  /** Whether it waits for a time. */
  #waits = false;
  /** Its `run_at`, which is its place among tasks of the same priority. */
  #runAt = "";
  /** Whether the next run goes on with the same attempt. */
  #resuming = false;
  /** The last row; `null` until the run has logged where it starts. */
  #last: number | null = null;
  /** The row at which the current run started. */
  #from = 0;
  /** The least and greatest row that its checkpoint may have. */
  #saved = { from: 0, to: 0 };
  /** Whether the current run has started, and was not cut off. */
  #runs = false;
  /** Whether the current run has logged the end of its clean-up. */
  #cleaned = false;
  /** How often its process died. */
  #deaths = 0;
  /** When the current run began, and (`#ran`) the milliseconds of its attempt's earlier runs. */
  #runSince = 0;
  #ran = 0;
  /** The outputs that were not taken back, by their `seq` and number. */
  #outputs: { seq: number; row: number }[] = [];
  readonly #answers: AnswersTrace;
  /** The last ten rows, for the message of a failure. */
  #before: readonly EventRow[] = [];

  /** Begins before the task's first row. */
  constructor(fate: Fate) {
    this.#fate = fate;
    this.#answers = new AnswersTrace(fate);
  }

  /** Takes the next row. */
  push(row: EventRow): void {
    const check = (invariant: Invariant, condition: boolean, what: string) =>
      holds(invariant, condition, () => {
        const before = this.#before.map((it) => `\n  ${JSON.stringify(it).slice(0, 300)}`);
        return `${what}, at ${JSON.stringify(row)}, behind${before.join("")}`;
      });
    this.#before = [...this.#before.slice(-9), row];
    check("I3", row.seq > this.#seq, `seq ${row.seq} after ${this.#seq}`);
    this.#seq = row.seq;
    if (row.event === "message") this.#changed(row.data, check);
    else if (row.event === "complete") this.#completed(row.data, check);
    else if (row.event === "step") this.#answers.step(row.data, this.#status, check);
    else if (row.event === "artifact") this.#made(row.data, check);
    else if (row.event === "rewind") this.#rewound(row.data, check);
    else if (row.event === "output") this.#putOut(row.seq, row.data.data.row, check);
    else if (row.data.data?.row !== undefined) this.#logged(row.data.data.row, check);
    else if (row.data.data?.drew !== undefined) this.#answers.drew(row.data.data.drew, check);
    else if (row.data.data?.went !== undefined) this.#answers.went(row.data.data.went, check);
    else if (row.data.data?.from !== undefined) this.#started(row.data.data, check);
    else if (row.data.data?.cleaned !== undefined) this.#cleanedUp(row.data.data.cleaned, check);
    else this.#told(row.data.message, check);
  }

  #made({ name, size }: ArtifactRecord, check: Check): void {
    const { files } = this.#fate.script;
    check("I2", this.#status === "running", `a file while ${this.#status}`);
    check("I22", isFileOf(this.#fate.script, { name, size }), `no file of ${files} bytes`);
  }

  #putOut(seq: number, row: number, check: Check): void {
    const last = this.#outputs.at(-1)?.row ?? 0;
    check("I2", this.#status === "running", `an output while ${this.#status}`);
    check("I19", row === last + 1, `output ${row} after ${last}`);
    this.#outputs.push({ seq, row });
  }

  #rewound({ seq, after }: { seq: number; after: number }, check: Check): void {
    check("I19", seq === this.#seq && after < seq, `takes back what is behind ${after}`);
    const begins = this.#status === "running" && !this.#runs;
    check("I19", begins, `takes outputs back while ${this.#status}`);
    this.#outputs = this.#outputs.filter((output) => output.seq <= after);
  }

  #changed(record: TaskRecord, check: Check): void {
    const { status, attempt, error, progress, cancel_requested, run_at } = record;
    const before = this.#status;
    const { script, maxAttempts, mayBeCanceled, mayDie } = this.#fate;
    check("I2", WAYS[before]!.includes(status), `from '${before}' to '${status}'`);
    const again = status === "pending" || status === "waiting";
    check("I2", !this.#ended || again, "more after the end");
    this.#status = status;
    if (before === "running" && status !== "running") this.#left(record, check);
    if (status === "pending") {
      const putOff = this.#fate.debounced && attempt === 0;
      check("I2", before !== "pending" || putOff, "pending again");
      this.#waits = waits(record);
      const { updated_at } = record;
      if (before === "running" && error === null) {
        // After the clock was set back, its old `run_at` would put it after newer tasks.
        const kept = this.#runAt < updated_at ? this.#runAt : updated_at;
        check("I15", run_at === kept, `interrupted, and put from ${this.#runAt} to ${run_at}`);
      }
      this.#runAt = run_at;
      if (this.#ended || isOver(before)) {
        this.#again(before, check);
      } else if (before === "running") {
        this.#resuming = error === null;
        // An error is stored with every earlier save: that of the last row may have come or not.
        const { from, to } = this.#saved;
        const threw = error !== null && error.name !== "TimeoutError" && !this.#cleaned;
        if (threw) this.#saved = isOfChildren(error) ? { from: to, to } : { from, to: from };
        check("I2", error === null || attempt < maxAttempts, "one attempt too many");
        if (error !== null) this.#failed(record, check);
        check("I2", error?.name !== "FinalError", "tried again after what is final");
      }
      check("I11", attempt === this.#attempt, `attempt ${attempt} after ${this.#attempt}`);
    } else if (status === "waiting") {
      if (this.#ended || isOver(before)) this.#again(before, check);
      this.#answers.waits(record, this.#fate.hasTurn && before !== "running", check);
      this.#waits = record.waiting_for!.until !== null;
      this.#runAt = run_at;
      if (before === "running") this.#resuming = true;
    } else if (status === "running" && (before === "pending" || before === "waiting")) {
      const next = this.#resuming ? this.#attempt : this.#attempt + 1;
      check("I11", attempt === next, `attempt ${attempt}, not ${next}`);
      const due = !this.#waits || record.updated_at >= record.run_at;
      check("I13", due, "started too early");
      if (!this.#resuming) this.#progress = this.#ran = 0;
      this.#attempt = attempt;
      this.#runSince = Date.parse(record.updated_at);
      this.#runs = this.#cleaned = false;
      this.#last = null;
    } else if (status === "running") {
      check("I2", cancel_requested && mayBeCanceled, "running again");
    } else if (status === "completed") {
      const { fails, rows, holds, throws } = script;
      // A timeout or a child may have failed the attempt that was to throw by its script.
      const others = this.#fate.timeoutMs !== null || script.parts.length > 0;
      const final = fails > 0 && throws === "final" && !others;
      check("I2", !holds && fails < maxAttempts && !final, "completed against its script");
      const whole = this.#last === rows || this.#fate.trims;
      check("I3", whole, `completed with row ${this.#last} of ${rows}`);
      const put = this.#outputs.at(-1)?.row;
      check("I19", put === rows, `completed with output ${put} of ${rows}`);
      const right = attempt === fails + 1 || (others && attempt > fails);
      check("I11", right, `completed in attempt ${attempt}`);
      this.#answers.complete(check);
      const file = { name: FILE, size: script.files + 1 };
      const kept = script.files === 0 || record.artifacts?.some((it) => it.size === file.size);
      check("I22", kept ?? false, `completed without its file of ${file.size} bytes`);
    } else if (status === "failed") {
      if (error?.name === "ProcessDied") check("I11", mayDie, "called the cause of deaths");
      else {
        const last = attempt === maxAttempts || mayBeCanceled || error?.name === "FinalError";
        check("I2", last, "failed though there are attempts left");
        this.#failed(record, check);
      }
    } else {
      check("I2", mayBeCanceled, "canceled though nobody asked");
    }
    check("I9", (progress ?? 0) >= this.#progress, `${progress} % after ${this.#progress}`);
    this.#checkFigures(record, check);
    this.#progress = progress ?? 0;
  }

  /** The task ended, and is retried. */
  #again(before: Status | "", check: Check): void {
    check("I2", this.#ended, "retried before 'complete'");
    this.#retries++;
    check("I2", this.#retries <= this.#fate.retries, "retried though nobody asked");
    if (before === "completed") this.#saved = { from: 0, to: 0 };
    this.#attempt = 0;
    this.#progress = 0;
    this.#ended = false;
    this.#resuming = false;
  }

  /** A run ended, in whatever way. */
  #left({ updated_at, status, attempt, error }: TaskRecord, check: Check): void {
    this.#ran += Date.parse(updated_at) - this.#runSince;
    const { script: { cleans, rows, fails, holds, naps, sleeps, parts }, trims } = this.#fate;
    const last = this.#last ?? 0;
    // Its clean-up may have begun before it was told to stop: a `yield` in the clean-up then ends it.
    const ended = (last === rows && !holds) || (attempt <= fails && last > rows / 2) ||
      ((naps > 0 || parts.length > 0) && last >= Math.ceil(rows / 2)) ||
      (sleeps > 0 && last === this.#from);
    const byItself = status === "completed" || (error !== null && error.name !== "TimeoutError");
    const owes = cleans && this.#runs && !trims && (byItself || !ended);
    check("I16", !owes || this.#cleaned, "ended before its clean-up");
  }

  /** Checks the error of an attempt. */
  #failed({ error, attempt }: TaskRecord, check: Check): void {
    const { script, timeoutMs, jumped } = this.#fate;
    if (isOfChildren(error!)) {
      const { parts, on_failure } = script;
      const may = parts.length > 0 && on_failure !== "continue";
      return check("I21", may, `failed by its children: ${JSON.stringify(error)}`);
    }
    if (error!.name !== "TimeoutError") {
      const right = attempt <= script.fails && THROWN[script.throws].fits(error!);
      return check("I2", right, `failed against its script: ${JSON.stringify(error)}`);
    }
    check("I2", timeoutMs !== null, "timed out without a time-out");
    // Timers may be early, since the clocks differ.
    const late = jumped || this.#ran > timeoutMs! - 10;
    check("I13", late, `timed out after ${this.#ran} ms of ${timeoutMs}`);
  }

  #checkFigures(record: TaskRecord, check: Check): void {
    const { status, progress, done, total, stage, stages } = record;
    const all = status === "completed" ||
      (done !== null && done === total && stage !== "first");
    // Progress that was shown stays, while an interrupted run's work is done again.
    const kept = this.#resuming && this.#progress === 100;
    check("I9", progress !== 100 || all || kept, `100 % with ${done} of ${total} done in ${stage}`);
    if (!this.#fate.staged || !stages) return;
    const [first, second] = stages;
    const right = stages.length === 2 && first?.name === "first" && second?.name === "second";
    check("I9", right, "its stages are others");
    const whole = ((first?.progress ?? 0) + 3 * (second?.progress ?? 0)) / 4;
    const same = status === "completed" || Math.abs(whole - (progress ?? 0)) < 0.02;
    check("I9", same, `${progress} % of the whole, and ${whole} % of its stages`);
  }

  /** Takes any other log row, of the task or of the engine. */
  #told(message: string, check: Check): void {
    // The save in its clean-up may be stored, even if nothing that follows is.
    if (message === "cleaning") this.#saved.to = this.#last ?? this.#saved.to;
    if (!/^(Interrupted:|It did not stop)/.test(message)) return;
    // At a stop of the server the task still cleans up, after which this is logged.
    if (!message.startsWith("Interrupted: the server stops;")) this.#runs = false;
    if (!message.startsWith("Interrupted: its process ended")) return;
    const right = ++this.#deaths <= this.#fate.deaths;
    check("I11", right, `its process died ${this.#deaths} times`);
  }

  #cleanedUp(row: number, check: Check): void {
    check("I2", this.#status === "running", `a row while ${this.#status}`);
    const { trims } = this.#fate;
    check("I16", (this.#runs && !this.#cleaned) || trims, "cleaned up and did not run");
    check("I16", row === this.#last || trims, `cleaned up at row ${this.#last}`);
    this.#cleaned = true;
    // It saved before it logged this.
    this.#saved = { from: row, to: row };
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
    // Rows that it logged before may have been trimmed.
    check("I4", right || this.#fate.trims, `goes on from ${from}, saved ${least} to ${most}`);
    check("I4", this.#last === null, "started twice");
    this.#runs = true;
    this.#last = this.#from = from;
    this.#saved = { from, to: from };
  }

  #logged(row: number, check: Check): void {
    const { every } = this.#fate.script;
    check("I2", this.#status === "running", `a row while ${this.#status}`);
    // Rows before the first may have been trimmed; all later ones must be there.
    if (this.#fate.trims) {
      this.#last = row - 1;
      this.#runs = true;
    }
    this.#fate.trims = false;
    check("I3", row === (this.#last ?? NaN) + 1, `row ${row} after ${this.#last}`);
    this.#last = row;
    // The checkpoint after the row may not be stored yet; the one before it must be.
    const saved = (last: number) => Math.max(this.#saved.from, last - last % every);
    this.#saved = { from: saved(row - 1), to: saved(row) };
  }
}

function isOver(status: Status | ""): boolean {
  return status !== "" && isFinished(status);
}

/** Whether an attempt failed because its children did. */
function isOfChildren({ name }: TaskError): boolean {
  return name === "ChildrenError";
}

/** Asserts an invariant of the current row. */
export type Check = (invariant: Invariant, condition: boolean, what: string) => void;
