/**
 * One execution of a task's generator, seen from the server: from its claim to its end. It decides
 * when the task is asked to stop, and when its task process is killed for that.
 *
 * @module
 */

import type { Logger } from "../base/log.ts";
import type { Metrics } from "../base/metrics.ts";
import type { RunEnd, StopReason } from "../child/protocol.ts";
import { errorFrom, thrownIn } from "../child/error_hook.ts";
import { endRunSpan, startRunSpan } from "../child/run_span.ts";
import { AwakeTimer } from "../base/awake_timer.ts";
import { forAWhile, patiently } from "../base/patiently.ts";
import { Timer } from "../base/timer.ts";
import { fetchKept, readText } from "../kv/head.ts";
import { keys } from "../kv/keys.ts";
import { readCancel } from "../kv/cancel.ts";
import type { LiveTask } from "../store/live_task.ts";
import { type Interruption, outcomeOf } from "./outcome.ts";
import type { FailedAttempt } from "../task/on_error.ts";
import { DEFAULT_RETRY } from "../task/retry.ts";
import type { Kinds } from "./kinds.ts";
import type { Slot } from "./slots.ts";
import type { RowTrimmer } from "../store/trim.ts";
import type { Member } from "./member.ts";

/** What all runs of a server share. */
export interface RunParts {
  kv: Deno.Kv;
  kinds: Pick<Kinds, "get">;
  /** The runs of this process. */
  runs: { delete(run: Run): void };
  trimmer: Pick<RowTrimmer, "removeRewound">;
  /** Milliseconds between asking a task to stop and killing its process. @default {10_000} */
  killAfterMs?: number;
  metrics?: Metrics | undefined;
  /** Called for each attempt that failed; must not throw. */
  onerror?: ((error: unknown, failed: FailedAttempt) => void) | undefined;
  log: Logger;
}

export interface RunOptions {
  live: LiveTask;
  /** The task process that runs it. */
  member: Member<Run>;
  /** Its slot under the concurrency limit; `null` if its kind has none. */
  slot: Slot | null;
  /** Milliseconds that the task waited for this run. */
  waitedMs: number;
  /** Called when it ended or was interrupted and its task has changed; not when it was dropped. */
  onended(run: Run): void;
}

export class Run {
  /** Names it to its task process. Random: a task there that guessed it could speak for this one. */
  readonly number: number = randomNumber();
  readonly live: LiveTask;
  readonly member: Member<Run>;
  readonly slot: Slot | null;
  /** By signal name, who sent each signal that the run was told of and has not taken yet. */
  readonly senders = new Map<string, string>();
  readonly #parts: RunParts;
  readonly #options: RunOptions;
  readonly #claimedAt = performance.now();
  /** Whether no other run was in its process when it entered. */
  readonly #first: boolean;
  /** How many runs had entered its process by then, this one included. */
  readonly #entry: number;
  /** Whether its task process was told to start it: from then on the generator may run. */
  #sent = false;
  #sentAt = 0;
  #stop: StopReason | null = null;
  readonly #timeout = new Timer();
  /** Limits the time to stop. Leaves out stalls of this server, in which it reads no end of a run. */
  readonly #grace = new AwakeTimer();
  #isOver = false;
  readonly #over = Promise.withResolvers<void>();

  /** Enters its process at once. */
  constructor(parts: RunParts, options: RunOptions) {
    const { live, member, slot } = options;
    this.#parts = parts;
    this.#options = options;
    this.live = live;
    this.member = member;
    this.slot = slot;
    this.#first = member.runs.size === 0;
    this.#entry = ++member.entries;
    member.pool.enter(member, this.number, this);
  }

  /** Whether it is over, and must not change its task any more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Resolves when it is over, however it ended. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  /** Whether no other run was in its process at any time of this one. */
  get alone(): boolean {
    return this.#first && this.member.entries === this.#entry;
  }

  /** Starts the generator once the claim is durable, unless the run is over by now. Never rejects. */
  async begin(): Promise<void> {
    try {
      await this.#begin();
    } catch (error) {
      if (this.#isOver) return;
      this.#parts.log.error("a task could not be started", { id: this.live.id, error });
      const told = { name: "StartError", message: "The task could not be started" };
      this.end({ how: "threw", error: told, stack: "" });
    }
  }

  async #begin(): Promise<void> {
    const { live, number } = this;
    const { task_id: id, kind, attempt, max_attempts, started_at: attemptAt } = live.record;
    this.#parts.metrics?.claimed(kind, this.#options.waitedMs);
    const waits = forAWhile(() => !this.#isOver);
    const { input, checkpoint, asked } = await patiently(() => this.#read(), waits);
    // It may have been interrupted, or asked to stop, while we read.
    if (this.#isOver) return;
    if (asked) {
      live.change({ type: "request-cancel", ...asked });
      this.#stop ??= "cancel";
    }
    const { timeoutMs, ranMs = 0 } = live.task;
    const leftMs = timeoutMs === null ? Infinity : timeoutMs - ranMs;
    // Earlier runs of the attempt may have used up its time.
    if (leftMs <= 0) this.#stop ??= "timeout";
    if (this.#stop !== null) return this.end({ how: "stopped", reason: this.#stop });
    this.#sent = true;
    this.#sentAt = performance.now();
    const { parsed = false, answers = 0, traceparent } = live.task;
    this.member.process.send({
      type: "start",
      run: number,
      kind,
      id,
      attempt,
      maxAttempts: max_attempts,
      attemptAt,
      input,
      parsed,
      checkpoint,
      answers,
      ...(traceparent === undefined ? {} : { traceparent }),
    });
    if (timeoutMs !== null) this.#timeout.set(leftMs, () => this.stop("timeout"));
  }

  /** Reads what the generator starts with. */
  async #read() {
    const { kv, trimmer } = this.#parts;
    const { live, live: { id } } = this;
    if (live.task.rewound?.left) await trimmer.removeRewound(live);
    const input = await fetchKept(kv, live.input, keys.input(id));
    const checkpoint = live.task.checkpointed ? await readText(kv, keys.checkpoint(id)) : null;
    // Another process may have asked for a cancel before we took the task over from a dead one.
    const asked = live.task.interruptions > 0 ? await readCancel(kv, id) : null;
    return { input, checkpoint, asked };
  }

  /** Lets it run on to its end or to its next checkpoint, where it stops. */
  quiesce(): void {
    if (this.#sent) this.member.process.send({ type: "quiesce", run: this.number });
    else this.stop("stop");
  }

  /** Asks it to stop. If it does not, its process is killed, unless the server stops anyway. */
  stop(reason: StopReason): void {
    if (this.#isOver || this.#stop !== null) return;
    this.#stop = reason;
    this.#timeout.clear();
    if (!this.#sent) return;
    this.member.process.send({ type: "abort", run: this.number, reason });
    if (reason === "stop") return;
    const { killAfterMs = 10_000, log } = this.#parts;
    this.#grace.set(killAfterMs, () => {
      log.warn("a task does not stop: its process is killed", { id: this.live.id });
      this.live.rows.log("error", "It did not stop when asked to: its process was killed");
      this.#traceLost("ProcessKilled", "It did not stop when asked to: its process was killed");
      this.end({ how: "stopped", reason });
      this.member.pool.kill(this.member);
    });
  }

  /** Ends it as its generator ended. */
  end(end: RunEnd): void {
    this.#end(end);
  }

  /** Ends it as it was cut off; `died` says whether its process ended by itself. */
  interrupt(because: string, died: boolean): void {
    // A task that was not sent to its process yet cannot have killed it.
    if (this.#sent) {
      if (!this.#isOver) this.#traceLost(died ? "ProcessDied" : "Interrupted", because);
      return this.#end({ how: "interrupted", because, died });
    }
    this.#end({ how: "interrupted", because: `${because} before it began`, died: false });
  }

  /** Sends a span from here, as the run's own was lost with its process. */
  #traceLost(name: string, message: string): void {
    const { live: { id, record: { kind, attempt }, task: { traceparent } }, member } = this;
    if (member.process.pid === null) return;
    const began = Date.now() - (performance.now() - this.#sentAt);
    const span = startRunSpan({ id, kind, attempt, traceparent }, began);
    if (span) endRunSpan(span, "interrupted", { error: { name, message }, stack: "" });
  }

  #end(end: RunEnd | Interruption): void {
    if (this.#isOver) return;
    const { kinds, metrics, log } = this.#parts;
    const { live, live: { record: { kind, attempt } } } = this;
    const { row, change, result } = outcomeOf(
      { task: live.task, alone: this.alone },
      end,
      kinds.get(kind)?.retry ?? DEFAULT_RETRY,
    );
    const stack = "stack" in end ? end.stack : undefined;
    if (end.how === "strayed") {
      log.warn("a task threw an error that nobody caught", { id: live.id, kind, stack });
    }
    if (change.type === "fail") {
      const { name: _name, message: error, ...more } = change.error;
      log.info("a task failed", { id: live.id, kind, attempt, error, ...more, stack });
    }
    if (row) live.rows.log(row.level, row.message, row.data);
    if (this.#sent) metrics?.ran(kind, performance.now() - this.#claimedAt);
    const ranMs = this.#sent ? performance.now() - this.#sentAt : 0;
    const counts = change.type === "interrupt" || change.type === "wait";
    live.change(counts ? { ...change, ranMs } : change, result);
    if (change.type === "fail" || live.record.status === "failed") this.#tellFailure(end, stack);
    this.drop();
    this.#options.onended(this);
  }

  #tellFailure(end: RunEnd | Interruption, stack: string | undefined): void {
    const { live: { id, record: { kind, attempt, max_attempts, status, error } } } = this;
    if (!error) return;
    const known = end.how === "threw" || end.how === "strayed" ? thrownIn(end) : undefined;
    this.#parts.onerror?.(known ?? errorFrom(error, stack), {
      taskId: id,
      kind,
      attempt,
      maxAttempts: max_attempts,
      willRetry: status !== "failed",
    });
  }

  /** Marks it as over and takes it out of its process and of the runs here. Its task stays as it is. */
  drop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#timeout.clear();
    this.#grace.clear();
    this.member.pool.release(this.member, this.number);
    this.#parts.runs.delete(this);
    this.#over.resolve();
  }
}

const random = new BigUint64Array(1);

function randomNumber(): number {
  crypto.getRandomValues(random);
  return Number(random[0]! >> 11n);
}
