/**
 * Formats the times of schedules, by the viewer's clock or that of a time zone.
 *
 * @module
 */

import { locale } from "../i18n/strings.ts";

const DAY: Intl.DateTimeFormatOptions = { weekday: "short", day: "numeric", month: "short" };
const CLOCK: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };

const formats = new Map<string, Intl.DateTimeFormat>();

/** A day and a time, such as `Fri, 27 Nov, 02:30`; with seconds if they are not 0. */
export function shortTime(iso: string, timeZone?: string): string {
  const seconds = new Date(iso).getUTCSeconds() > 0;
  const key = `${locale} ${timeZone} ${seconds}`;
  let format = formats.get(key);
  if (!format) {
    format = new Intl.DateTimeFormat(locale, {
      ...DAY,
      ...CLOCK,
      ...(seconds ? { second: "2-digit" } : {}),
      ...(timeZone === undefined ? {} : { timeZone }),
    });
    formats.set(key, format);
  }
  return format.format(new Date(iso));
}
