import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { parseInstant } from "../../../lib/task/instant.ts";

Deno.test("parseInstant() reads RFC 3339 times, with or without seconds", () => {
  const times: [text: string, utc: string][] = [
    ["2030-01-31T08:00:00Z", "2030-01-31T08:00:00.000Z"],
    ["2030-01-31t08:00:00z", "2030-01-31T08:00:00.000Z"],
    ["2030-01-31T08:00Z", "2030-01-31T08:00:00.000Z"],
    ["2030-01-31T08:00:00.123456789Z", "2030-01-31T08:00:00.123Z"],
    ["2030-01-31T08:00:00+05:30", "2030-01-31T02:30:00.000Z"],
    ["2030-01-01T00:00:00+23:59", "2029-12-31T00:01:00.000Z"],
    ["2030-01-31T08:00:00-00:00", "2030-01-31T08:00:00.000Z"],
    ["2028-02-29T00:00:00Z", "2028-02-29T00:00:00.000Z"],
    ["0000-01-01T00:00:00Z", "0000-01-01T00:00:00.000Z"],
    ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59.000Z"],
  ];
  for (const [text, utc] of times) {
    const at = parseInstant(text);
    assertEquals(at === null ? null : new Date(at).toISOString(), utc, text);
  }
});

Deno.test("parseInstant() returns null for times that do not exist and for any other notation", () => {
  const wrong = [
    "2026-02-30T00:00:00Z",
    "2026-02-29T00:00:00Z",
    "2026-04-31T00:00:00Z",
    "2026-00-01T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-01-00T00:00:00Z",
    "2026-01-32T00:00:00Z",
    "2026-01-01T24:00:00Z",
    "2026-01-01T12:60:00Z",
    "2016-12-31T23:59:60Z",
    "2026-01-01T00:00:00+25:00",
    "2026-01-01T00:00:00+14:60",
    "2026-01-01T00:00:00+1400",
    "2026-01-01T00:00:00",
    "2026-01-01",
    "2026-01-01 00:00:00Z",
    "10000-01-01T00:00:00Z",
    "+275760-09-13T00:00:00Z",
    "-000001-01-01T00:00:00Z",
    "2026-01-01T00:00:00.Z",
    "2026-W01-1T00:00:00Z",
    "1798761600000",
    "tomorrow",
    "",
    " 2026-01-01T00:00:00Z",
    "2026-01-01T00:00:00Z\n",
    "２０２６-01-01T00:00:00Z",
  ];
  for (const text of wrong) assertEquals(parseInstant(text), null, JSON.stringify(text));
});

Deno.test("parseInstant() reads what toISOString() writes", () => {
  const date = fc.date({
    min: new Date("0000-01-01T00:00:00Z"),
    max: new Date("9999-12-31T23:59:59Z"),
    noInvalidDate: true,
  });
  fc.assert(fc.property(date, (it) => assertEquals(parseInstant(it.toISOString()), it.getTime())));
});
