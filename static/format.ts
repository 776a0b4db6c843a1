/**
 * Numbers, sizes and times, as people read them.
 *
 * @module
 */

import { LOCALE, strings } from "./strings.ts";

const whole = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 0 });
const oneDigit = new Intl.NumberFormat(LOCALE, {
  minimumFractionDigits: 1,
  maximumFractionDigits: 1,
});
const someDigits = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 2 });
const timeOfDay = new Intl.DateTimeFormat(LOCALE, { timeStyle: "medium", hourCycle: "h23" });
const dateAndTime = new Intl.DateTimeFormat(LOCALE, {
  dateStyle: "medium",
  timeStyle: "medium",
  hourCycle: "h23",
});

/** Between a number and its unit: they stay on one line. */
const NBSP = "\u00a0";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A number: whole ones with separators, others with two digits at the most. */
export function number(value: number): string {
  return Number.isInteger(value) ? whole.format(value) : someDigits.format(value);
}

/** Percent, whole: 100 is shown only for 100. */
export function percent(value: number): string {
  const shown = value < 100 ? Math.min(99, Math.floor(value)) : 100;
  return `${Math.max(0, shown)}${NBSP}%`;
}

const BYTE_UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];

/** Bytes, in powers of 1000 (SI). */
export function bytes(value: number): string {
  const { text, unit } = scaledBytes(value, value);
  return `${text}${NBSP}${unit}`;
}

/** Bytes in the unit that fits `reference`. */
function scaledBytes(value: number, reference: number): { text: string; unit: string } {
  let power = 0;
  // 999.95 kB would be rounded to 1,000.0 kB.
  for (let size = reference; size >= 999.95 && power < BYTE_UNITS.length - 1; size /= 1000) power++;
  const scaled = value / 1000 ** power;
  return {
    text: power === 0 ? whole.format(scaled) : oneDigit.format(scaled),
    unit: BYTE_UNITS[power]!,
  };
}

/** How much is done: `7 / 10 steps`, `1.4 / 20.0 MB`, `1,204 rows`; `null` where it is not told. */
export function amount(
  done: number | null,
  total: number | null,
  unit: string | null,
): string | null {
  if (done === null) return null;
  if (unit === "bytes") {
    const goal = scaledBytes(total ?? done, total ?? done);
    const so = scaledBytes(done, total ?? done).text;
    return `${total === null ? so : strings.of(so, goal.text)}${NBSP}${goal.unit}`;
  }
  const count = total === null ? number(done) : strings.of(number(done), number(total));
  return unit === null ? count : `${count} ${unit}`;
}

/** Units a second, or a minute where they are few; `null` where there is no rate. */
export function rate(
  perSecond: number | null,
  unit: string | null,
  counted: boolean,
): string | null {
  if (perSecond === null || perSecond <= 0) return null;
  if (unit === "bytes") return strings.perSecond(bytes(perSecond));
  const slow = perSecond < 0.5;
  const value = slow ? perSecond * 60 : perSecond;
  const figure = value < 100 ? oneDigit.format(value) : whole.format(value);
  const what = counted ? (unit === null ? figure : `${figure} ${unit}`) : `${figure}${NBSP}%`;
  return slow ? strings.perMinute(what) : strings.perSecond(what);
}

/** A time that passes, in whole seconds and at most two units: `12 s`, `1 min 20 s`, `3 d 4 h`. */
export function duration(ms: number): string {
  const rounded = Math.max(0, Math.round(ms / SECOND)) * SECOND;
  const parts: [size: number, name: string][] = [
    [DAY, "d"],
    [HOUR, "h"],
    [MINUTE, "min"],
    [SECOND, "s"],
  ];
  const first = parts.findIndex(([size]) => rounded >= size);
  if (first < 0) return `0${NBSP}s`;
  let rest = rounded;
  const shown: string[] = [];
  for (const [size, name] of parts.slice(first, first + 2)) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) shown.push(`${count}${NBSP}${name}`);
  }
  return shown.join(" ");
}

/** A time that has passed, with more digits where it was short: `320 ms`, `4.2 s`, `1 min 20 s`. */
export function tookTime(ms: number): string {
  if (ms < SECOND) return `${Math.max(0, Math.round(ms))}${NBSP}ms`;
  if (ms < 9.95 * SECOND) return `${oneDigit.format(ms / SECOND)}${NBSP}s`;
  return duration(ms);
}

/** How long ago: `just now`, `12 s ago`, `3 h ago`. One unit is enough. */
export function ago(ms: number): string {
  if (ms < 2 * SECOND) return strings.justNow;
  const [size, name] = ms < MINUTE
    ? [SECOND, "s"]
    : ms < HOUR
    ? [MINUTE, "min"]
    : ms < DAY
    ? [HOUR, "h"]
    : [DAY, "d"];
  return strings.ago(`${Math.floor(ms / size)}${NBSP}${name}`);
}

/** The time of the day, as `14:03:59`. */
export function clockTime(iso: string | number): string {
  return timeOfDay.format(new Date(iso));
}

/** Day and time. */
export function fullTime(iso: string): string {
  return dateAndTime.format(new Date(iso));
}

/** JSON, indented; anything that has none is shown as it is. */
export function json(value: unknown): string {
  return JSON.stringify(value, null, 2) ?? String(value);
}
