/**
 * The events of runs that the server has not taken yet: rows in order, and the newest progress of
 * each run. They go out in batches, one at a time, and tell a run when it has to wait.
 *
 * @module
 */

import type { RunEvent } from "./protocol.ts";
import type { Report } from "../task/report.ts";
import { MAX_MORE } from "../task/task_error.ts";

/** Events of all runs that may wait for the server; with more, a `yield` waits. */
const MAX_WAITING = 1024;

/** Characters of the events that may wait; with more, a `yield` waits. */
const MAX_WAITING_SIZE = 256 * 1024;

/** Characters sent at once: all runs may end, or report, in the same moment. */
const MAX_BATCH_SIZE = 1024 * 1024;

/** Characters that an event takes beside its texts. */
const AROUND = 64;

/** Milliseconds a generator may go on yielding progress before the event loop gets its turn. */
const SLICE_MS = 4;

/** Takes the events of runs. */
export type RunEventSink = Pick<RunEvents, "push" | "report" | "pause" | "taken">;

export class RunEvents {
  readonly #send: (events: RunEvent[]) => void;
  /** By run: the newest progress, not yet sent. */
  readonly #reports = new Map<number, Report>();
  #events: RunEvent[] = [];
  #size = 0;
  #sending = false;
  #scheduled = false;
  #room = Promise.withResolvers<void>();
  #sliceEnd = 0;

  /** `send` sends a batch; {@link RunEvents.taken} must be called when it was taken. */
  constructor(send: (events: RunEvent[]) => void) {
    this.#send = send;
  }

  /** Adds an event. A run's last progress goes before its end. */
  push(event: RunEvent): void {
    const [run, type] = event;
    const report = type === "end" ? this.#reports.get(run) : undefined;
    if (report) {
      this.#reports.delete(run);
      this.#add([run, "progress", report]);
    }
    this.#add(event);
  }

  /**
   * Adds progress. Only the newest of each run waits, but what was counted in one stage is not taken
   * for the next one's.
   */
  report(run: number, report: Report): void {
    let before = this.#reports.get(run);
    if (before && isOfOther(before, report)) {
      this.#add([run, "progress", before]);
      before = undefined;
    }
    this.#reports.set(run, before ? { ...before, ...report } : report);
    this.#schedule();
  }

  /** The last batch was taken: the next may go. */
  taken(): void {
    this.#sending = false;
    this.#flush();
  }

  /** What a run must wait for before it goes on; `null` for nothing. */
  pause(): Promise<void> | null {
    if (!this.#hasRoom) return this.#room.promise;
    if (performance.now() < this.#sliceEnd) return null;
    // Gives timers, messages and other runs a turn.
    return nextTurn().then(() => {
      this.#sliceEnd = performance.now() + SLICE_MS;
    });
  }

  get #hasRoom(): boolean {
    return this.#events.length < MAX_WAITING && this.#size < MAX_WAITING_SIZE;
  }

  #add(event: RunEvent): void {
    this.#events.push(event);
    this.#size += sizeOf(event);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled || this.#sending) return;
    this.#scheduled = true;
    // What is yielded in one turn of the event loop travels together.
    void nextTurn().then(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#sending || (this.#events.length === 0 && this.#reports.size === 0)) return;
    this.#sending = true;
    this.#send(this.#nextBatch());
    if (!this.#hasRoom) return;
    this.#room.resolve();
    this.#room = Promise.withResolvers();
  }

  /** As much of what waits as one batch holds. */
  #nextBatch(): RunEvent[] {
    let size = 0;
    let count = 0;
    while (count < this.#events.length && size < MAX_BATCH_SIZE) {
      size += sizeOf(this.#events[count++]!);
    }
    const events = this.#events.splice(0, count);
    this.#size -= size;
    // Progress goes after what its run yielded before.
    if (this.#events.length > 0) return events;
    for (const [run, report] of this.#reports) {
      if (size >= MAX_BATCH_SIZE) break;
      const event: RunEvent = [run, "progress", report];
      size += sizeOf(event);
      events.push(event);
      this.#reports.delete(run);
    }
    return events;
  }
}

/** Whether a report has counts of another stage than the next report. */
function isOfOther(report: Report, next: Report): boolean {
  if (next.stage === undefined || next.stage === report.stage) return false;
  const { done, total, progress } = report;
  return done !== undefined || total !== undefined || progress !== undefined;
}

/** Characters of its texts, and some around them. */
function sizeOf([, type, content]: RunEvent): number {
  switch (type) {
    case "progress":
      return AROUND + (content.message?.length ?? 0) + (content.stage?.length ?? 0);
    case "end":
      if (content.how === "returned") return AROUND + (content.json?.length ?? 0);
      if (content.how === "waits") return AROUND;
      return AROUND + (content.stack?.length ?? 0) +
        (content.how === "threw" ? content.error.message.length + MAX_MORE : 0);
    case "answer":
      return AROUND + content.row.length + (content.answer.json?.length ?? 0);
  }
  return AROUND + content.length;
}

export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
