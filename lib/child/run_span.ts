/**
 * The OpenTelemetry span of a run. It ends with the run, and the spans of the run's code are its
 * children. There is none if nothing is traced.
 *
 * @module
 */

import {
  MAX_TEXT,
  noteFailure,
  type Span,
  startSpan,
  traceparentBy,
  within,
} from "../base/otel.ts";
import { errorOf, type Thrown } from "../task/task_error.ts";
import { brief } from "../task/text.ts";
import type { RunEnd } from "./protocol.ts";

export interface TracedRun {
  id: string;
  kind: string;
  attempt: number;
  /** The trace context of the submit, if it is known. */
  traceparent?: string | undefined;
}

/** Deno keeps the first 128 events of a span: the error must be one of them. */
const MAX_EVENTS = 100;

/** Begins the span of a run; in the server, of one whose process died. */
export function startRunSpan(run: TracedRun, startTime?: number): Span | null {
  const { id, kind, attempt, traceparent } = run;
  return startSpan(`run ${kind}`, {
    parent: traceparent,
    kind: "consumer",
    attributes: {
      "messaging.system": "headway",
      "messaging.operation.name": "run",
      "messaging.operation.type": "process",
      "messaging.destination.name": kind,
      "messaging.message.id": id,
      "headway.task.id": id,
      "headway.task.kind": kind,
      "headway.task.attempt": attempt,
    },
    ...(startTime === undefined ? {} : { startTime }),
  });
}

/** Ends the span of a run with how the run ended. */
export function endRunSpan(span: Span, outcome: string, thrown?: Thrown): void {
  span.setAttribute("headway.run.outcome", outcome);
  if (thrown) noteFailure(span, thrown);
  span.end();
}

export class RunSpan {
  readonly #span: Span;
  #events = 0;

  private constructor(span: Span) {
    this.#span = span;
  }

  /** `null` if nothing is traced. */
  static start(run: TracedRun): RunSpan | null {
    const span = startRunSpan(run);
    return span && new RunSpan(span);
  }

  /** The trace context for the tasks that it makes. */
  get traceparent(): string | undefined {
    return traceparentBy(this.#span);
  }

  within<T>(action: () => T): T {
    return within(this.#span, action);
  }

  /** Adds a log row of the run, given as an object's text. */
  log(json: string): void {
    if (this.#events++ >= MAX_EVENTS) return;
    const { level, message } = JSON.parse(json) as { level: string; message: string };
    this.#span.addEvent("log", {
      "log.severity": level,
      "log.message": brief(message, MAX_TEXT),
    });
  }

  /** Does the work of a step in a span of its own. */
  async step<T>(name: string, work: () => Promise<T>): Promise<T> {
    const span = startSpan(`step ${name}`, {
      parent: this.#span,
      kind: "internal",
      attributes: { "headway.step.name": name },
    });
    if (!span) return await work();
    try {
      return await within(span, work);
    } catch (error) {
      noteFailure(span, errorOf(error));
      throw error;
    } finally {
      span.end();
    }
  }

  end(end: RunEnd): void {
    const left = this.#events - MAX_EVENTS;
    if (left > 0) this.#span.setAttribute("headway.log.left_out", left);
    endRunSpan(this.#span, outcomeOf(end), thrownIn(end));
  }
}

function outcomeOf(end: RunEnd): string {
  if (end.how === "returned") return "completed";
  if (end.how === "waits") return "waiting";
  if (end.how === "strayed") return "interrupted";
  if (end.how === "threw" || end.reason === "timeout") return "failed";
  return end.reason === "cancel" ? "canceled" : "interrupted";
}

function thrownIn(end: RunEnd): Thrown | undefined {
  if (end.how === "threw" || end.how === "strayed") return end;
  if (end.how !== "stopped" || end.reason !== "timeout") return undefined;
  const error = { name: "TimeoutError", message: "The attempt took longer than its time-out" };
  return { error, stack: end.stack ?? "" };
}
