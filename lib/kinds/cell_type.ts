/** What a cell can be, in the order in which they are counted: the numeric types come first. */
export const CELL_TYPES = ["integer", "number", "boolean", "date", "datetime", "string"] as const;

/** What a cell can be. */
export type CellType = typeof CELL_TYPES[number];

const INTEGER = /^[+-]?(?:0|[1-9]\d*)$/;
const NUMBER = /^[+-]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;
/** Digits that are no amounts: post codes, article numbers and phone numbers. */
const CODE = /^(?:[+-]?0\d+|\+\d{7,})$/;
const BOOLEAN = /^(?:true|false|yes|no)$/i;
const DATE = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])/;
const TIME = /^[T ](?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?$/;

/**
 * Tells what a cell is: an integer or another finite number, in decimal, without leading zeros (so that
 * post codes stay texts); `true`, `false`, `yes` or `no`; an ISO 8601 date, or one with a time; or else
 * a string. A `code` is a string too, and makes strings of the integers in its column. An integer
 * beyond 2^53 is one, as two such ids may be the same number.
 *
 * @param text Neither empty nor with white space around it.
 */
export function cellType(text: string): CellType | "code" {
  // No number or date starts with a letter.
  if (text.charCodeAt(0) > 57) return BOOLEAN.test(text) ? "boolean" : "string";
  if (INTEGER.test(text)) {
    const exact = text.length < 16 || Number.isSafeInteger(Number(text));
    return !exact || text.startsWith("+") && CODE.test(text) ? "code" : "integer";
  }
  if (CODE.test(text)) return "code";
  if (text[4] === "-" && DATE.test(text) && hasDay(text)) {
    if (text.length === 10) return "date";
    return TIME.test(text.slice(10)) ? "datetime" : "string";
  }
  return NUMBER.test(text) && Number.isFinite(Number(text)) ? "number" : "string";
}

/** Whether the month of a date has that day; the calendar repeats every 400 years. */
function hasDay(date: string): boolean {
  const day = Number(date.slice(8, 10));
  if (day <= 28) return true;
  const year = 2000 + Number(date.slice(0, 4)) % 400;
  return day <= new Date(Date.UTC(year, Number(date.slice(5, 7)), 0)).getUTCDate();
}
