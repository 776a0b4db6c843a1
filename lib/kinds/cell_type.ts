/** What a cell can be, in the order in which they are counted. */
export const CELL_TYPES = ["integer", "number", "boolean", "date", "datetime", "string"] as const;

/** What a cell can be. */
export type CellType = typeof CELL_TYPES[number];

const PLUS = 43;
const HYPHEN = 45;
const POINT = 46;
const ZERO = 48;
const NINE = 57;
const NUMBER = /^[+-]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;
const TIME = /^[T ]([01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?$/;
const BOOLEAN = /^(?:true|false|yes|no)$/i;

/**
 * Tells what a cell is: an integer or another finite number, in decimal, without leading zeros
 * (so that post codes stay texts); `true`, `false`, `yes` or `no`; an ISO 8601 date, or one with
 * a time; or else a string.
 *
 * @param text Neither empty nor with white space around it.
 */
export function cellType(text: string): CellType {
  const first = text.charCodeAt(0);
  if (isDigit(first) || first === HYPHEN || first === POINT || first === PLUS) {
    const short = shortNumber(text);
    if (short !== undefined) return short;
    const date = text.length >= 10 && text.charCodeAt(4) === HYPHEN ? dateType(text) : undefined;
    if (date !== undefined) return date;
    if (!NUMBER.test(text) || !Number.isFinite(Number(text))) return "string";
    return /[.eE]/.test(text) ? "number" : "integer";
  }
  return text.length <= 5 && BOOLEAN.test(text) ? "boolean" : "string";
}

/** The most frequent numbers without a pattern: up to 15 digits, a sign and a point among them. */
function shortNumber(text: string): "integer" | "number" | undefined {
  const length = text.length;
  const start = text.charCodeAt(0) === HYPHEN ? 1 : 0;
  if (length > 15 || !isDigit(text.charCodeAt(start))) return undefined;
  if (text.charCodeAt(start) === ZERO && isDigit(text.charCodeAt(start + 1))) return undefined;
  let type: "integer" | "number" = "integer";
  for (let i = start + 1; i < length; i++) {
    const code = text.charCodeAt(i);
    if (isDigit(code)) continue;
    if (code !== POINT || type === "number") return undefined;
    type = "number";
  }
  return type;
}

function isDigit(code: number): boolean {
  return code >= ZERO && code <= NINE;
}

function dateType(text: string): "date" | "datetime" | undefined {
  const month = digits(text, 5, 7);
  const day = digits(text, 8, 10);
  // NaN fails each of these.
  if (!(month >= 1 && month <= 12 && day >= 1) || text.charCodeAt(7) !== HYPHEN) return undefined;
  if (!(day <= daysIn(digits(text, 0, 4), month))) return undefined;
  if (text.length === 10) return "date";
  return TIME.test(text.slice(10)) ? "datetime" : undefined;
}

/** The number that the digits from `start` to `end` make; `NaN` if there is anything else. */
function digits(text: string, start: number, end: number): number {
  let value = 0;
  for (let i = start; i < end; i++) {
    const code = text.charCodeAt(i);
    if (!isDigit(code)) return NaN;
    value = value * 10 + code - ZERO;
  }
  return value;
}

function daysIn(year: number, month: number): number {
  if (Number.isNaN(year)) return NaN;
  if (month !== 2) return 30 + ((month + (month > 7 ? 1 : 0)) & 1);
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
}
