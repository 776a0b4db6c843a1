import { assert, assertEquals, assertThrows } from "@std/assert";
import { createParser } from "eventsource-parser";
import fc from "fast-check";
import {
  encodeBytes,
  encodeMessage,
  HEARTBEAT,
  SSE_HEADERS,
  type SseMessage,
} from "../../../lib/sse/encode.ts";

interface Read {
  events: { id: string | undefined; event: string | undefined; data: string }[];
  retries: number[];
  comments: string[];
}

/** Reads bytes as a client does, cut into chunks of the given sizes. */
function read(bytes: Uint8Array, sizes: readonly number[] = []): Read {
  const got: Read = { events: [], retries: [], comments: [] };
  const parser = createParser({
    onEvent: ({ id, event, data }) => got.events.push({ id, event, data }),
    onRetry: (retry) => got.retries.push(retry),
    onComment: (comment) => got.comments.push(comment),
    onError: (error) => {
      throw error;
    },
  });
  // The parser removes a byte order mark at the start; the decoder must not remove a later one.
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let at = 0;
  for (let n = 0; at < bytes.length; n++) {
    const size = sizes[n % sizes.length] ?? bytes.length;
    parser.feed(decoder.decode(bytes.subarray(at, at += size), { stream: true }));
  }
  return got;
}

/** Text with everything that could break a line-based format. */
const text = fc.string({
  unit: fc.oneof(
    {
      weight: 3,
      arbitrary: fc.constantFrom("\r", "\n", "\r\n", "\0", " ", ":", "\uFEFF", "\u2028"),
    },
    { weight: 1, arbitrary: fc.constantFrom("\ud800", "\udc00", "😀", "é", "data: x", "id: 9\n") },
    { weight: 3, arbitrary: fc.string({ unit: "binary", maxLength: 3 }) },
  ),
});

/** Text that is valid as an id or as an event name. */
const field = text.map((value) => value.replace(/[\r\n\0]/g, ""));

/** The text as a client gets it: UTF-8 has no lone surrogates, and every line end is an LF. */
function received(value: string): string {
  return value.replace(/\r\n|\r/g, "\n").toWellFormed();
}

Deno.test("encodeMessage() writes messages that a client reads back, however the bytes are split into chunks", () => {
  const message = fc.record({ event: field, id: field, data: text, retry: fc.nat() }, {
    requiredKeys: ["data"],
  });
  const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(fc.array(message, { maxLength: 5 }), sizes, (messages, sizes) => {
      const text = [": begin\n\n", ...messages.map(encodeMessage)].join("");
      const { events, retries } = read(new TextEncoder().encode(text), sizes);
      assertEquals(
        events,
        messages.map(({ id, event, data }) => ({
          id: id?.toWellFormed(),
          event: event?.toWellFormed() || undefined,
          data: received(data),
        })),
      );
      assertEquals(retries, messages.flatMap(({ retry }) => retry ?? []));
    }),
    { numRuns: 1000 },
  );
});

Deno.test("encodeMessage() refuses an id or event name that would forge fields, and accepts any other", () => {
  fc.assert(
    fc.property(text, fc.constantFrom<"id" | "event">("id", "event"), (value, name) => {
      const message: SseMessage = { [name]: value, data: "x" };
      if (/[\r\n\0]/.test(value)) {
        assertThrows(() => encodeMessage(message), TypeError, `Cannot encode '${name}'`);
      } else {
        const lines = encodeMessage(message).split("\n");
        assertEquals(lines, [`${name}: ${value}`, "data: x", "", ""]);
      }
    }),
  );
});

Deno.test("encodeMessage() lets no line of the data end its message early", () => {
  fc.assert(
    fc.property(text, (data) => {
      const lines = encodeMessage({ data }).split("\n");
      assertEquals(lines.splice(-2), ["", ""]);
      for (const line of lines) assert(line.startsWith("data: ") && !line.includes("\r"));
    }),
  );
});

Deno.test("encodeMessage() keeps a leading space and an empty text", () => {
  assertEquals(read(encodeBytes({ data: "  two" })).events[0]?.data, "  two");
  assertEquals(read(encodeBytes({ data: "" })).events, [{
    id: undefined,
    event: undefined,
    data: "",
  }]);
  assertEquals(encodeMessage({ id: "7" }), "id: 7\n\n");
});

Deno.test("encodeMessage() refuses a retry that is not a whole number of milliseconds", () => {
  for (const retry of [-1, 1.5, NaN, Infinity, 2 ** 53]) {
    assertThrows(() => encodeMessage({ retry }), RangeError, "Cannot encode 'retry'");
  }
  assertEquals(encodeMessage({ retry: 0 }), "retry: 0\n\n");
});

Deno.test("HEARTBEAT is a comment, which makes no event at a client", () => {
  assertEquals(read(HEARTBEAT), { events: [], retries: [], comments: ["heartbeat"] });
});

Deno.test("SSE_HEADERS keeps proxies from compressing and buffering, and has no hop-by-hop header", () => {
  const headers = new Headers(SSE_HEADERS);
  assertEquals(headers.get("content-type"), "text/event-stream");
  assertEquals(headers.get("cache-control"), "no-cache, no-store, no-transform");
  assertEquals(headers.get("x-accel-buffering"), "no");
  for (const name of ["connection", "keep-alive", "transfer-encoding"]) assert(!headers.has(name));
});
