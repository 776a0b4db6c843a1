/**
 * A position in a distributed trace, as the header `traceparent` of W3C Trace Context has it. A
 * submit passes its caller's on to all the runs of its task.
 *
 * Its companion `tracestate` is left out: spans of Deno do not carry it.
 *
 * @see https://www.w3.org/TR/trace-context/
 * @module
 */

/** A span, as OpenTelemetry names one. */
export interface SpanName {
  traceId: string;
  spanId: string;
  traceFlags: number;
}

/** Later versions may append fields after another dash. Version `ff` and ids of zeros are invalid. */
const PATTERN =
  /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:$|-)/;

/** The length of a `traceparent` of version 00, and the most characters of one of a later version. */
const LENGTH = 55;
const MAX_LENGTH = 256;

/** The span that a `traceparent` names; `null` if it is invalid, as if there were none. */
export function spanNameIn(traceparent: unknown): SpanName | null {
  if (typeof traceparent !== "string" || traceparent.length > MAX_LENGTH) return null;
  const [, version, traceId = "", spanId = "", flags = ""] = PATTERN.exec(traceparent) ?? [];
  if (version === undefined || (version === "00" && traceparent.length !== LENGTH)) return null;
  return { traceId, spanId, traceFlags: parseInt(flags, 16) & 1 };
}

/** Converts a `traceparent` of any version to version 00; `undefined` if it is invalid. */
export function readTraceparent(text: unknown): string | undefined {
  const name = spanNameIn(text);
  return name ? traceparentOf(name) : undefined;
}

export function traceparentOf({ traceId, spanId, traceFlags }: SpanName): string {
  return `00-${traceId}-${spanId}-0${traceFlags & 1}`;
}
