import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { byteLength } from "../../../lib/base/bytes.ts";
import {
  encodeRows,
  entryLine,
  eventSize,
  journalLine,
  parseJournal,
  parseRows,
} from "../../../lib/kv/event_text.ts";
import type { EventType, TaskEvent } from "../../../lib/task/event.ts";

const encoder = new TextEncoder();

const type = fc.constantFrom<EventType>(
  "message",
  "progress",
  "checkpoint",
  "folded",
  "log",
  "output",
  "complete",
  "deleted",
  "cancel",
);
const json = fc.jsonValue({ stringUnit: "binary" }).map((value) => JSON.stringify(value));
const event: fc.Arbitrary<TaskEvent> = fc.record({
  type,
  id: fc.stringMatching(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/),
  kind: fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,63}$/),
  seq: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
  json,
});

Deno.test("parseJournal() reads back what entryLine() and journalLine() wrote", () => {
  fc.assert(
    fc.property(
      fc.stringMatching(/^[0-9A-Z]{1,26}$/),
      fc.nat(),
      fc.array(event),
      (sid, at, events) => {
        const bytes = encoder.encode(entryLine(sid, at) + events.map(journalLine).join(""));
        assertEquals(parseJournal(bytes), { sid, at, events });
      },
    ),
  );
});

Deno.test("parseRows() reads back the rows that encodeRows() wrote", () => {
  fc.assert(
    fc.property(fc.array(fc.record({ type, seq: fc.nat(), json })), (rows) => {
      assertEquals(parseRows(encodeRows(rows)), rows);
    }),
  );
});

Deno.test("eventSize() is at least the bytes of an event's journal line, and less than 60 bytes more", () => {
  fc.assert(
    fc.property(event, (event) => {
      const size = encoder.encode(journalLine(event)).length;
      assert(size <= eventSize(event) && eventSize(event) - size < 60);
    }),
  );
});

Deno.test("byteLength() counts the bytes that TextEncoder writes, also for lone surrogates", () => {
  const units = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(fc.integer({ min: 0, max: 0xffff })).map((codes) => String.fromCharCode(...codes)),
    fc.array(fc.constantFrom("\ud83d", "\ude00", "a", "€")).map((parts) => parts.join("")),
  );
  fc.assert(
    fc.property(units, (text) => assertEquals(byteLength(text), encoder.encode(text).length)),
    { numRuns: 1000 },
  );
});
