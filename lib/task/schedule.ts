/**
 * When tasks of a kind are made by themselves, as a definition says it.
 *
 * @module
 */

import { byteLength } from "./byte_length.ts";
import { type Duration, durationMs } from "./duration.ts";
import { textOf } from "./text.ts";

/** What becomes of times that passed while no process was there: none, the newest, or each is made up for. */
export type Missed = "skip" | "one" | "all";

/** What becomes of a time at which the task of an earlier one has not ended. */
export type Overlap = "skip" | "queue" | "allow";

export const MISSED: readonly Missed[] = ["skip", "one", "all"];
export const OVERLAPS: readonly Overlap[] = ["skip", "queue", "allow"];

/** Times that are made up for after one gap, the newest, and that wait behind a task: others are skipped. */
export const MAX_MADE_UP = 100;

/** Milliseconds within which a time is not yet missed: a restart takes some. */
export const LATE_MS = 60_000;

/** Milliseconds. */
export const MAX_JITTER_MS = 24 * 3600_000;

/** Has tasks of a kind made by themselves. */
export interface ScheduleOptions<Input = unknown> {
  /**
   * Five fields (minute, hour, day of the month, month, day of the week), or six with the second first.
   */
  cron: string;
  /** The IANA name of the time zone whose clock counts, as `"Europe/Berlin"`. @default {"UTC"} */
  zone?: string;
  /** The input of each task: at most 16 KiB as JSON. */
  input?: Input;
  /**
   * What becomes of times that passed while no process was there: none of them is made up for, one
   * task is made for all of them, or one for each (the newest 100). @default {"one"}
   */
  missed?: Missed;
  /**
   * What becomes of a time while the task of an earlier one has not ended: it is skipped, waits for
   * that (up to 100 do), or has its task all the same. @default {"skip", and "queue" with missed: "all"}
   */
  overlap?: Overlap;
  /**
   * Milliseconds or a duration up to a day: each task runs later than its time by less than this, so
   * that many schedules do not start as one. @default {0}
   */
  jitter?: Duration;
}

/** What a schedule says, whoever made it. */
export interface ScheduleRule {
  /** See {@link ScheduleOptions.cron}. */
  readonly cron: string;
  /** See {@link ScheduleOptions.zone}. */
  readonly zone: string;
  /** See {@link ScheduleOptions.missed}. */
  readonly missed: Missed;
  /** See {@link ScheduleOptions.overlap}. */
  readonly overlap: Overlap;
  /** Milliseconds; see {@link ScheduleOptions.jitter}. */
  readonly jitter_ms: number;
}

/** As a kind's description has it. */
export interface KindSchedule extends ScheduleRule {
  /** JSON text; `null` for none. */
  readonly input: string | null;
}

/** Characters of a pattern, and of a zone's name. */
export const MAX_CRON = 200;
export const MAX_ZONE = 64;

export const CRON_SHAPE =
  "five or six fields, the first of six for seconds, such as '30 2 * * *' or '0 30 2 * * MON-FRI'";
export const ZONE_SHAPE = "the IANA name of a time zone, such as 'Europe/Berlin'";

/** Whether it looks like a pattern: its numbers are not looked at. */
export function isCronLike(cron: string): boolean {
  if (cron.length > MAX_CRON) return false;
  return /^@(yearly|annually|monthly|weekly|daily|midnight|hourly)$/.test(cron) ||
    /^[\w*?,/#+-]+(?: +[\w*?,/#+-]+){4,5}$/.test(cron);
}

/** Whether there is a time zone of this name. An offset, which some engines take for one, is none. */
export function isZone(zone: string): boolean {
  if (zone.length > MAX_ZONE || !/^[A-Za-z]/.test(zone)) return false;
  try {
    return new Intl.DateTimeFormat("en", { timeZone: zone }) !== null;
  } catch {
    return false;
  }
}

const OPTIONS = ["cron", "zone", "input", "missed", "overlap", "jitter"];

/** Bytes of JSON that the input in a definition may have: it lies beside the schema of the kind. */
const MAX_INPUT = 16 * 1024;

export const DEFAULT_ZONE = "UTC";
export const DEFAULT_MISSED: Missed = "one";

export function overlapFor(missed: Missed): Overlap {
  return missed === "all" ? "queue" : "skip";
}

/**
 * Fills in the defaults. Whether the pattern and the zone are some is checked where they are used.
 *
 * @param what What cannot be done with it, for the error: "define task 'count'".
 * @throws {TypeError} Naming the option that is wrong.
 */
export function readSchedule(what: string, given: unknown): KindSchedule | undefined {
  if (given === undefined) return undefined;
  const wrong = (name: string, right: string, value?: unknown) =>
    new TypeError(
      `Cannot ${what} as '${name}' must be ${right}` +
        (value === undefined ? "" : `: current value is ${textOf(value)}`),
    );
  if (typeof given !== "object" || given === null) {
    throw wrong("schedule", "an object, such as { cron: '30 2 * * *' }", given);
  }
  const unknown = Object.keys(given).find((name) => !OPTIONS.includes(name));
  if (unknown !== undefined) {
    throw wrong("schedule", `an object of ${OPTIONS.join(", ")}`, unknown);
  }
  const { cron, zone = DEFAULT_ZONE, input, missed = DEFAULT_MISSED, ...rest } =
    given as ScheduleOptions;
  if (typeof cron !== "string" || !isCronLike(cron)) throw wrong("schedule.cron", CRON_SHAPE, cron);
  if (typeof zone !== "string" || !isZone(zone)) throw wrong("schedule.zone", ZONE_SHAPE, zone);
  if (!MISSED.includes(missed)) {
    throw wrong("schedule.missed", `one of ${MISSED.join(", ")}`, missed);
  }
  const { overlap = overlapFor(missed), jitter = 0 } = rest;
  if (!OVERLAPS.includes(overlap)) {
    throw wrong("schedule.overlap", `one of ${OVERLAPS.join(", ")}`, overlap);
  }
  const jitter_ms = Math.round(jitterOf(jitter));
  if (!(jitter_ms <= MAX_JITTER_MS)) {
    throw wrong("schedule.jitter", "milliseconds or a duration, at most a day");
  }
  const json = inputText(input);
  if (json === undefined || (json !== null && byteLength(json) > MAX_INPUT)) {
    throw wrong("schedule.input", `at most ${MAX_INPUT} bytes as JSON`);
  }
  return Object.freeze({ cron, zone, missed, overlap, jitter_ms, input: json });
}

function jitterOf(jitter: Duration): number {
  try {
    return durationMs(jitter);
  } catch {
    return NaN;
  }
}

/** `undefined` where JSON cannot hold it. */
function inputText(input: unknown): string | null | undefined {
  if (input === undefined) return null;
  try {
    return JSON.stringify(input);
  } catch {
    return undefined;
  }
}
