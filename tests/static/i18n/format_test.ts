import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  ago,
  amount,
  bytes,
  duration,
  json,
  number,
  percent,
  rate,
  tookTime,
} from "../../../static/i18n/format.ts";

/** Replaces no-break spaces by plain ones. */
function plain(text: string | null): string | null {
  return text?.replaceAll("\u00a0", " ") ?? null;
}

Deno.test("percent() shows 100% only at the end", () => {
  assertEquals([0, 0.99, 42, 99.99, 100].map((value) => plain(percent(value))), [
    "0%",
    "0%",
    "42%",
    "99%",
    "100%",
  ]);
});

Deno.test("bytes() counts in powers of 1000 and never shows 1,000.0 of a unit", () => {
  assertEquals([0, 999, 1000, 1_449_000, 999_950, 999_949].map((size) => plain(bytes(size))), [
    "0 B",
    "999 B",
    "1.0 kB",
    "1.4 MB",
    "1.0 MB",
    "999.9 kB",
  ]);
  fc.assert(fc.property(fc.maxSafeNat(), (size) => {
    assert(!bytes(size).startsWith("1,0"), bytes(size));
  }));
});

Deno.test("amount() shows what is done and the total in one unit", () => {
  assertEquals(amount(null, 10, "rows"), null);
  assertEquals(amount(7, 10, "steps"), "7 / 10 steps");
  assertEquals(amount(1204, null, "rows"), "1,204 rows");
  assertEquals(amount(1204, null, null), "1,204");
  assertEquals(plain(amount(1_400_000, 20_000_000, "bytes")), "1.4 / 20.0 MB");
  assertEquals(plain(amount(1_400_000, null, "bytes")), "1.4 MB");
});

Deno.test("rate() is per second, or per minute if it is low", () => {
  assertEquals(rate(null, "rows", true), null);
  assertEquals(rate(0, "rows", true), null);
  assertEquals(rate(1, "steps", true), "1.0 steps/s");
  assertEquals(rate(12_345.6, "rows", true), "12,346 rows/s");
  assertEquals(rate(0.05, "files", true), "3.0 files/min");
  assertEquals(plain(rate(2_000_000, "bytes", true)), "2.0 MB/s");
  assertEquals(plain(rate(2.5, null, false)), "2.5%/s");
});

Deno.test("duration() uses at most two units, and leaves out those that are zero", () => {
  assertEquals(
    [0, 499, 500, 12_000, 59_999, 80_000, 3_600_000, 3_661_000, 273_600_000, -5].map((ms) =>
      plain(duration(ms))
    ),
    ["0s", "0s", "1s", "12s", "1m", "1m 20s", "1h", "1h 1m", "3d 4h", "0s"],
  );
});

Deno.test("tookTime() is more precise for shorter times", () => {
  assertEquals([0, 319.6, 999, 4210, 9949, 9950, 80_000].map((ms) => plain(tookTime(ms))), [
    "0ms",
    "320ms",
    "999ms",
    "4.2s",
    "9.9s",
    "10s",
    "1m 20s",
  ]);
});

Deno.test("ago() uses one unit, and shows a time in the future as just now", () => {
  assertEquals(
    [-5000, 1999, 2000, 59_999, 60_000, 3_600_000, 172_800_000].map((ms) => plain(ago(ms))),
    ["just now", "just now", "2s ago", "59s ago", "1m ago", "1h ago", "2d ago"],
  );
});

Deno.test("number() groups digits and rounds to two decimals, and json() indents any value", () => {
  assertEquals([number(12_345), number(1.239), number(-0.5)], ["12,345", "1.24", "-0.5"]);
  assertEquals([json({ a: 1 }), json("<b>"), json(undefined)], [
    '{\n  "a": 1\n}',
    '"<b>"',
    "undefined",
  ]);
});
