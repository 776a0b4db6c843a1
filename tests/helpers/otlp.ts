/**
 * An OpenTelemetry collector that takes OTLP over HTTP, in JSON.
 *
 * @module
 */

import { within } from "./deadline.ts";

export interface CollectedSpan {
  name: string;
  traceId: string;
  spanId: string;
  /** `""` for a root span. */
  parentSpanId: string;
  kind: number;
  attributes: Record<string, unknown>;
  events: { name: string; attributes: Record<string, unknown> }[];
  status: { code: number; message: string };
}

/** Disposing of it ends it. */
export interface Collector extends AsyncDisposable {
  readonly url: string;
  readonly spans: readonly CollectedSpan[];
  /** The `traceparent` of each request to `/called`, in the order of arrival. */
  readonly called: readonly string[];
  /** The bodies that were posted to `/failed`, in the order of arrival. */
  readonly failed: readonly Record<string, unknown>[];
  /** The environment variables that make a process send its spans here. */
  readonly env: Record<string, string>;
  /** Resolves with the spans that `which` accepts, once there are `count` of them. */
  take(count: number, which: (span: CollectedSpan) => boolean): Promise<CollectedSpan[]>;
}

export function startCollector(): Collector {
  const spans: CollectedSpan[] = [];
  const called: string[] = [];
  const failed: Record<string, unknown>[] = [];
  let came = Promise.withResolvers<void>();
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async (request) => {
    const { pathname } = new URL(request.url);
    const body = await request.text();
    if (pathname === "/called") called.push(request.headers.get("traceparent") ?? "");
    if (pathname === "/failed") failed.push(JSON.parse(body));
    if (pathname === "/v1/traces") spans.push(...spansIn(JSON.parse(body)));
    came.resolve();
    came = Promise.withResolvers();
    return Response.json({});
  });
  const url = `http://127.0.0.1:${server.addr.port}`;
  return {
    url,
    spans,
    called,
    failed,
    env: {
      OTEL_DENO: "true",
      OTEL_DENO_CONSOLE: "ignore",
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_EXPORTER_OTLP_ENDPOINT: url,
      OTEL_BSP_SCHEDULE_DELAY: "50",
    },
    async take(count, which) {
      const got = () => spans.filter(which);
      const about = () => `${got().length} of ${count}: ${spans.map(({ name }) => name)}`;
      while (got().length < count) await within(came.promise, about);
      return got();
    },
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

interface Attribute {
  key: string;
  value: Record<string, unknown>;
}

type SentSpan = Omit<CollectedSpan, "attributes" | "events"> & {
  attributes: Attribute[];
  events: { name: string; attributes: Attribute[] }[];
};

function spansIn(
  sent: { resourceSpans: { scopeSpans: { spans: SentSpan[] }[] }[] },
): CollectedSpan[] {
  const plain = (attributes: Attribute[]) =>
    Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
  return sent.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))
    .map(({ attributes, events, ...span }) => ({
      ...span,
      attributes: plain(attributes),
      events: events.map(({ name, attributes }) => ({ name, attributes: plain(attributes) })),
    }));
}
