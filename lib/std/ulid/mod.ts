/**
 * A stand-in for `jsr:@std/ulid@1` where JSR cannot be reached, over `npm:ulid`: the same names,
 * signatures and errors.
 *
 * @module
 */

// deno-lint-ignore no-import-prefix -- a package of its own, whose deno.json names no imports
import * as npm from "npm:ulid@^3.0.2";

/** Characters of a ULID. */
const LENGTH = 26;

/** Those of them that hold the time; the others are random. */
const TIME_LENGTH = 10;

// The npm package takes 0 and NaN for "now"; the real one encodes the first, refuses the second.
function encodeTime(time: number): string {
  if (!Number.isInteger(time) || time < 0 || time > npm.TIME_MAX) {
    throw new RangeError(`Time must be a positive integer less than ${npm.TIME_MAX}`);
  }
  return npm.encodeTime(time, TIME_LENGTH);
}

function random(): string {
  return npm.ulid().slice(TIME_LENGTH);
}

/**
 * Makes a ULID. Two of one millisecond are in no order.
 *
 * @param seedTime Milliseconds since 1970. Default: now.
 * @throws {RangeError} If `seedTime` is not an integer from 0 to 2^48 - 1.
 */
export function ulid(seedTime: number = Date.now()): string {
  return encodeTime(seedTime) + random();
}

let lastTime = -1;
let lastRandom = "";

/**
 * Makes a ULID that is greater than every one this function made before, also within one
 * millisecond and after the clock went back.
 *
 * @param seedTime Milliseconds since 1970. Default: now.
 * @throws {RangeError} If `seedTime` is not an integer from 0 to 2^48 - 1.
 */
export function monotonicUlid(seedTime: number = Date.now()): string {
  const time = encodeTime(Math.max(seedTime, lastTime));
  lastRandom = seedTime <= lastTime ? npm.incrementBase32(lastRandom) : random();
  lastTime = Math.max(seedTime, lastTime);
  return time + lastRandom;
}

/**
 * The time in a ULID, in milliseconds since 1970.
 *
 * @throws {Error} If it has not 26 characters, the first 10 of them of the alphabet (upper case).
 * @throws {RangeError} If its time is beyond 2^48 - 1.
 */
export function decodeTime(ulid: string): number {
  if (ulid.length !== LENGTH) {
    throw new Error(`ULID must be exactly ${LENGTH} characters long`);
  }
  const time = ulid.slice(0, TIME_LENGTH);
  const invalid = time.match(/[^0-9A-HJKMNP-TV-Z]/);
  if (invalid) throw new Error(`Invalid ULID character found: ${invalid[0]}`);
  if (time > "7ZZZZZZZZZ") {
    throw new RangeError(`ULID timestamp component exceeds maximum value of ${npm.TIME_MAX}`);
  }
  return npm.decodeTime(ulid);
}
