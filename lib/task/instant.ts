const RFC_3339 =
  /^(\d{4}-\d\d-\d\d)[Tt]((?:[01]\d|2[0-3]):[0-5]\d)(:[0-5]\d(?:\.\d+)?)?([Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;

const YEAR_0 = Date.parse("0000-01-01T00:00:00Z");
const YEAR_9999 = Date.parse("9999-12-31T23:59:59.999Z");

/** What {@link parseInstant} takes, for messages. */
export const INSTANT = "a valid time with its zone (RFC 3339), such as 2030-01-31T08:00:00Z";

/**
 * Reads an RFC 3339 time; seconds may be left out. `Date.parse` alone would take 30 February for
 * 2 March, and read a time without a zone in the server's.
 *
 * @returns Milliseconds since the epoch; `null` for anything else.
 */
export function parseInstant(text: string): number | null {
  const [, day, minutes, seconds = ":00", zone] = RFC_3339.exec(text) ?? [];
  if (day === undefined) return null;
  const midnight = new Date(`${day}T00:00:00Z`);
  if (Number.isNaN(midnight.getTime()) || !midnight.toISOString().startsWith(day)) return null;
  const time = Date.parse(`${day}T${minutes}${seconds}${zone!.toUpperCase()}`);
  // The year must have four digits in UTC as well.
  return time < YEAR_0 || time > YEAR_9999 ? null : time;
}
