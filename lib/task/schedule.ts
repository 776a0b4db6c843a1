/**
 * The `schedule` option of a task definition: when tasks of the kind are made.
 *
 * @module
 */

import { byteLength } from "./byte_length.ts";
import { type Duration, durationMs } from "./duration.ts";
import { textOf } from "./text.ts";

/** What happens to times that passed unnoticed: see {@link ScheduleOptions.missed}. */
export type Missed = "skip" | "one" | "all";

/** What happens to a time while an earlier task runs: see {@link ScheduleOptions.overlap}. */
export type Overlap = "skip" | "queue" | "allow";

export const MISSED: readonly Missed[] = ["skip", "one", "all"];
export const OVERLAPS: readonly Overlap[] = ["skip", "queue", "allow"];

/** The most times that are made up for after one gap (the newest), or wait for a task to end. */
export const MAX_MADE_UP = 100;

/** Milliseconds after which a time counts as missed: leaves room for a restart. */
export const LATE_MS = 60_000;

/** The largest jitter, in milliseconds. */
export const MAX_JITTER_MS = 24 * 3600_000;

/** When tasks of a kind are made, and with which input. */
export interface ScheduleOptions<Input = unknown> {
  /**
   * The cron pattern: five fields (minute, hour, day of the month, month, day of the week), or six
   * with the second first.
   */
  cron: string;
  /** The IANA name of the time zone of the pattern, such as `"Europe/Berlin"`. @default {"UTC"} */
  zone?: string;
  /** The input of each task: at most 16 KiB as JSON. */
  input?: Input;
  /**
   * What happens to times that passed while no process was running: no task is made for them
   * (`"skip"`), one task for all of them, or one for each of the newest 100. @default {"one"}
   */
  missed?: Missed;
  /**
   * What happens to a time at which the task of an earlier one has not ended: it is skipped, waits
   * for that (up to 100 do), or has its task anyway. @default {"skip"; "queue" with missed: "all"}
   */
  overlap?: Overlap;
  /**
   * Delays each task by less than this, at most a day, so that many schedules do not start their
   * tasks at the same moment. @default {0}
   */
  jitter?: Duration;
}

/** The rule of a schedule, whether a kind or a request made it. */
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

/** The schedule of a kind, with defaults filled in. */
export interface KindSchedule extends ScheduleRule {
  /** The input of each task as JSON text; `null` for none. */
  readonly input: string | null;
}

/** The most characters of a pattern, and of a zone's name. */
export const MAX_CRON = 200;
export const MAX_ZONE = 64;

export const CRON_SHAPE =
  "five or six fields, the first of six for seconds, such as '30 2 * * *' or '0 30 2 * * MON-FRI'";
export const ZONE_SHAPE = "the IANA name of a time zone, such as 'Europe/Berlin'";

/** Whether a text looks like a cron pattern. Its numbers are not checked. */
export function isCronLike(cron: string): boolean {
  if (cron.length > MAX_CRON) return false;
  return /^@(yearly|annually|monthly|weekly|daily|midnight|hourly)$/.test(cron) ||
    /^[\w*?,/#+-]+(?: +[\w*?,/#+-]+){4,5}$/.test(cron);
}

/** Whether there is a time zone of this name. Offsets, which some engines accept, are refused. */
export function isZone(zone: string): boolean {
  if (zone.length > MAX_ZONE || !/^[A-Za-z]/.test(zone)) return false;
  try {
    return new Intl.DateTimeFormat("en", { timeZone: zone }) !== null;
  } catch {
    return false;
  }
}

const OPTIONS = ["cron", "zone", "input", "missed", "overlap", "jitter"];

/** The most bytes of JSON of the input in a definition: it is stored with the kind's schema. */
const MAX_INPUT = 16 * 1024;

export const DEFAULT_ZONE = "UTC";
export const DEFAULT_MISSED: Missed = "one";

export function overlapFor(missed: Missed): Overlap {
  return missed === "all" ? "queue" : "skip";
}

/**
 * Fills in the defaults. Only the shape of the pattern is checked here.
 *
 * @param what What an invalid option prevents, for the error's text: "define task 'count'".
 * @throws {TypeError} If an option is invalid; the message names it.
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

/** The input as JSON text; `undefined` if JSON cannot hold it. */
function inputText(input: unknown): string | null | undefined {
  if (input === undefined) return null;
  try {
    return JSON.stringify(input);
  } catch {
    return undefined;
  }
}
