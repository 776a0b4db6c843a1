import { assertEquals, assertLess, assertMatch, assertNotEquals, assertThrows } from "@std/assert";
import { decodeTime, monotonicUlid, ulid } from "@std/ulid";
import fc from "fast-check";

const TIME_MAX = 2 ** 48 - 1;

Deno.test("ulid() is 26 characters of Crockford's Base32, never the same twice", () => {
  assertMatch(ulid(), /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/);
  assertNotEquals(ulid(5), ulid(5));
});

Deno.test("decodeTime() returns the time that was passed to ulid() or monotonicUlid()", () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: TIME_MAX }), (time) => {
    assertEquals(decodeTime(ulid(time)), time);
  }));
  const time = Date.now();
  assertEquals(decodeTime(monotonicUlid(time)), time);
});

Deno.test("ulid() returns ids that sort by time", () => {
  const time = fc.integer({ min: 0, max: TIME_MAX });
  fc.assert(fc.property(time, time, (a, b) => {
    fc.pre(a !== b);
    assertEquals(ulid(a) < ulid(b), a < b);
  }));
});

Deno.test("monotonicUlid() returns a greater id each time, even if the clock stands still or goes back", () => {
  const now = Date.now();
  const made = [now, now, now - 1000, now + 1, now, now + 1].map((time) => monotonicUlid(time));
  for (let index = 1; index < made.length; index++) assertLess(made[index - 1]!, made[index]!);
});

Deno.test("ulid() refuses a time that is not an integer of 48 bits", () => {
  for (const time of [-1, 1.5, NaN, Infinity, TIME_MAX + 1]) {
    assertThrows(() => ulid(time), RangeError, "Time must be a positive integer");
  }
});

Deno.test("decodeTime() refuses a text that is not a ULID", () => {
  assertThrows(() => decodeTime(""), Error, "must be exactly 26 characters");
  assertThrows(() => decodeTime("01hyfkhg5f8rhm2pm3d7nstdas"), Error, "Invalid ULID character");
  assertThrows(() => decodeTime("U1HYFKHG5F8RHM2PM3D7NSTDAS"), Error, "found: U");
  assertThrows(() => decodeTime("8ZZZZZZZZZ0000000000000000"), RangeError, "exceeds maximum");
});
