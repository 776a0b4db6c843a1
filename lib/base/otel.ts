/**
 * OpenTelemetry, if this process has it: with `OTEL_DENO=true`, or if a module registered an SDK.
 *
 * It is found where every version of `@opentelemetry/api` finds it. Importing the package would put
 * it into the lock file of each project whose tasks run, even if they never trace.
 *
 * @module
 */

import type { Thrown } from "../task/task_error.ts";
import { brief } from "../task/text.ts";
import { readTraceparent, type SpanName, spanNameIn, traceparentOf } from "../task/traceparent.ts";

export type AttributeValue = string | number | boolean;
export type Attributes = Readonly<Record<string, AttributeValue>>;

/** The part of the API's `Span` that we use. */
export interface Span {
  spanContext(): SpanName;
  addEvent(name: string, attributes?: Attributes): unknown;
  setAttribute(name: string, value: AttributeValue): unknown;
  setStatus(status: { code: number; message?: string }): unknown;
  updateName(name: string): unknown;
  end(): void;
}

interface Context {
  getValue(key: symbol): unknown;
  setValue(key: symbol, value: unknown): Context;
}

interface Api {
  context?: {
    active(): Context;
    with<T>(context: Context, action: () => T): T;
  };
  trace?: {
    getTracer(name: string): {
      startSpan(name: string, options: Record<string, unknown>, context: Context): Span;
    };
  };
}

export interface SpanOptions {
  /** The parent, as a `traceparent` if it is in another process; `undefined` begins a new trace. */
  parent: string | Span | undefined;
  kind: keyof typeof KINDS;
  attributes: Attributes;
  /** Milliseconds since the epoch. @default {now} */
  startTime?: number;
}

const KINDS = { internal: 0, consumer: 4 };

/** The code of a span's status for an error. */
const ERROR = 2;

/** Most characters of a text, and of a stack: a collector gets many of them at once. */
export const MAX_TEXT = 1024;
const MAX_STACK = 8 * 1024;

/** Symbols that all versions 1.x of the API share. */
const API = Symbol.for("opentelemetry.js.api.1");
const SPAN = Symbol.for("OpenTelemetry Context Key SPAN");

function api(): Required<Api> | null {
  const { context, trace } = (globalThis as { [API]?: Api })[API] ?? {};
  return context && trace ? { context, trace } : null;
}

/** Begins a span; `null` if nobody traces. Never throws. */
export function startSpan(name: string, options: SpanOptions): Span | null {
  const otel = api();
  if (!otel) return null;
  const { parent, kind, attributes, startTime } = options;
  const active = otel.context.active();
  const upper = typeof parent === "string" ? remote(parent) : parent;
  try {
    return otel.trace.getTracer("headway").startSpan(name, {
      kind: KINDS[kind],
      attributes,
      root: !upper,
      ...(startTime === undefined ? {} : { startTime }),
    }, upper ? active.setValue(SPAN, upper) : active);
  } catch {
    return null;
  }
}

/** Runs `action` with `span` active, so that spans begun in it become its children. */
export function within<T>(span: Span | null | undefined, action: () => T): T {
  const otel = span && api();
  if (!otel) return action();
  return otel.context.with(otel.context.active().setValue(SPAN, span), action);
}

/** Marks a span as failed. */
export function noteFailure(span: Span, { error: { name, message }, stack }: Thrown): void {
  const short = brief(message, MAX_TEXT);
  span.setAttribute("error.type", name);
  span.setStatus({ code: ERROR, message: short });
  span.addEvent("exception", {
    "exception.type": name,
    "exception.message": short,
    ...(stack === "" ? {} : { "exception.stacktrace": stack.slice(0, MAX_STACK) }),
  });
}

/** The `traceparent` of the active span; `undefined` if there is none. */
export function activeTraceparent(): string | undefined {
  const span = api()?.context.active().getValue(SPAN) as Span | undefined;
  return span && traceparentBy(span);
}

/** Names the span of a request, which Deno began, by the route that answers it. */
export function nameRequest(method: string, route: string): void {
  const span = api()?.context.active().getValue(SPAN) as Span | undefined;
  span?.setAttribute("http.route", route);
  span?.updateName(`${method} ${route}`);
}

/** The `traceparent` that names a span to another process. Never throws. */
export function traceparentBy(span: Span): string | undefined {
  try {
    return readTraceparent(traceparentOf(span.spanContext()));
  } catch {
    return undefined;
  }
}

function remote(traceparent: string): Pick<Span, "spanContext"> | undefined {
  const name = spanNameIn(traceparent);
  return name ? { spanContext: () => ({ ...name, isRemote: true }) } : undefined;
}
