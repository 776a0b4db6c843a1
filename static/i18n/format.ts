/**
 * Formats numbers, sizes and times in the page's language.
 *
 * @module
 */

import { locale, strings } from "./strings.ts";

/** The formats of one locale, which are expensive to create. */
function writers(locale: string) {
  const number = (options: Intl.NumberFormatOptions) => new Intl.NumberFormat(locale, options);
  const time = (options: Intl.DateTimeFormatOptions) =>
    new Intl.DateTimeFormat(locale, { ...options, timeStyle: "medium", hourCycle: "h23" });
  const unit = (unit: string, maximumFractionDigits = 0) =>
    number({ style: "unit", unit, unitDisplay: "narrow", maximumFractionDigits });
  return {
    locale,
    whole: number({ maximumFractionDigits: 0 }),
    oneDigit: number({ minimumFractionDigits: 1, maximumFractionDigits: 1 }),
    someDigits: number({ maximumFractionDigits: 2 }),
    percent: number({ style: "percent", maximumFractionDigits: 0 }),
    ms: unit("millisecond"),
    someSeconds: unit("second", 1),
    units: { day: unit("day"), hour: unit("hour"), minute: unit("minute"), second: unit("second") },
    parts: new Intl.ListFormat(locale, { type: "unit", style: "narrow" }),
    conjunction: new Intl.ListFormat(locale, { type: "conjunction" }),
    ago: new Intl.RelativeTimeFormat(locale, { style: "narrow" }),
    timeOfDay: time({}),
    dateAndTime: time({ dateStyle: "medium" }),
  };
}

let current: ReturnType<typeof writers> | undefined;

function write(): ReturnType<typeof writers> {
  if (current?.locale !== locale) current = writers(locale);
  return current!;
}

/** Keeps a number and its unit on one line. */
const NBSP = "\u00a0";

const SECOND = 1000;

/** Units of time in milliseconds, longest first. */
const TIMES = [
  ["day", 86_400 * SECOND],
  ["hour", 3600 * SECOND],
  ["minute", 60 * SECOND],
  ["second", SECOND],
] as const;

/** A number: an integer with separators, any other with at most two decimals. */
export function number(value: number): string {
  const { whole, someDigits } = write();
  return (Number.isInteger(value) ? whole : someDigits).format(value);
}

/** A list in words: `one, two, and three`. */
export function conjunction(things: readonly string[]): string {
  return write().conjunction.format(things);
}

/** Whole percent, rounded down: 99.9 is not shown as 100. */
export function percent(value: number): string {
  const shown = value < 100 ? Math.min(99, Math.floor(value)) : 100;
  return write().percent.format(Math.max(0, shown) / 100);
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
  // 999.95 kB would be shown as 1,000.0 kB.
  for (let size = reference; size >= 999.95 && power < BYTE_UNITS.length - 1; size /= 1000) power++;
  const scaled = value / 1000 ** power;
  return {
    text: (power === 0 ? write().whole : write().oneDigit).format(scaled),
    unit: BYTE_UNITS[power]!,
  };
}

/** How much is done: `7 / 10 steps`, `1.4 / 20.0 MB`, `1,204 rows`; `null` if not known. */
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
  return counted(count, unit);
}

/** A figure with its unit, translated if the language has a translation. */
function counted(figure: string, unit: string | null): string {
  if (unit === null) return figure;
  return `${figure} ${Object.hasOwn(strings.units, unit) ? strings.units[unit] : unit}`;
}

/** Units per second, or per minute if they are few; `null` if there is no rate. */
export function rate(
  perSecond: number | null,
  unit: string | null,
  counts: boolean,
): string | null {
  if (perSecond === null || perSecond <= 0) return null;
  if (unit === "bytes") return strings.perSecond(bytes(perSecond));
  const slow = perSecond < 0.5;
  const value = slow ? perSecond * 60 : perSecond;
  const figure = (value < 100 ? write().oneDigit : write().whole).format(value);
  const what = counts ? counted(figure, unit) : `${figure}%`;
  return slow ? strings.perMinute(what) : strings.perSecond(what);
}

/** A duration that is running, in whole seconds and at most two units: `12s`, `1m 20s`, `3d 4h`. */
export function duration(ms: number): string {
  const { units, parts } = write();
  let rest = Math.max(0, Math.round(ms / SECOND)) * SECOND;
  const first = TIMES.findIndex(([, size]) => rest >= size);
  if (first < 0) return units.second.format(0);
  const shown: string[] = [];
  for (const [name, size] of TIMES.slice(first, first + 2)) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) shown.push(units[name].format(count));
  }
  return parts.format(shown);
}

/** A duration that is over, with more digits if it is short: `320ms`, `4.2s`, `1m 20s`. */
export function tookTime(ms: number): string {
  if (ms < SECOND) return write().ms.format(Math.max(0, Math.round(ms)));
  return ms < 9.95 * SECOND ? write().someSeconds.format(ms / SECOND) : duration(ms);
}

/** How long ago, in one unit: `just now`, `12s ago`, `3h ago`. */
export function ago(ms: number): string {
  if (ms < 2 * SECOND) return strings.justNow;
  const [name, size] = TIMES.find(([, size]) => ms >= size)!;
  return write().ago.format(-Math.floor(ms / size), name);
}

/** The time of day, such as `14:03:59`. */
export function clockTime(iso: string | number): string {
  return write().timeOfDay.format(new Date(iso));
}

export function fullTime(iso: string): string {
  return write().dateAndTime.format(new Date(iso));
}

/** Indented JSON; a value that JSON cannot represent, as a string. */
export function json(value: unknown): string {
  return JSON.stringify(value, null, 2) ?? String(value);
}
