/**
 * Kinds for the tests of traces. One makes spans of its own, as users' code does.
 *
 * @module
 */

import { trace } from "@opentelemetry/api";
import { children, defineTask, log, type OnError, step } from "headway";
import { z } from "zod";

/** This module's address, for `HEADWAY_KINDS`. */
export const TRACED_KINDS: string = new URL(import.meta.url).href;

/** Reports errors as an error tracker does, but to the test's collector. */
export const onError: OnError = async (error, failed) => {
  const url = `${Deno.env.get("OTEL_EXPORTER_OTLP_ENDPOINT")}/failed`;
  const { message, stack } = error as Error;
  const span = trace.getActiveSpan()?.spanContext().spanId;
  const of = error instanceof RangeError ? "RangeError" : "other";
  const body = JSON.stringify({ of, message, stack, span, ...failed });
  await (await fetch(url, { method: "POST", body })).text();
};

/** Fetches `url` in a step, logs `rows` and has a child. Its first attempt fails after the fetch. */
export const traced = defineTask({
  kind: "traced",
  input: z.object({ url: z.string(), rows: z.int() }),
  retry: { maxAttempts: 2, baseMs: 0 },
  async *run({ input: { url, rows }, attempt }) {
    yield* step("asks", async ({ signal }) => void await (await fetch(url, { signal })).text());
    if (attempt === 1) {
      yield* step("breaks", () => Promise.reject(new RangeError("too far")));
    }
    for (let row = 1; row <= rows; row++) yield log(`row ${row}`, { level: "warn" });
    trace.getTracer("own").startSpan("own").end();
    yield* children("parts", [{ kind: "child" }]);
    return attempt;
  },
});

/** The child of {@link traced}. */
export const child = defineTask({
  kind: "child",
  // deno-lint-ignore require-yield -- a task that has nothing to tell
  async *run() {
    return "child";
  },
});
