/**
 * A list of objects as a table, and the table as a file for spreadsheets.
 *
 * @module
 */

/** Columns of a table at most. A value with more is shown as JSON. */
const MAX_COLUMNS = 24;

/** The beginning of a text that a spreadsheet would run as a formula. */
const FORMULA = /^[=+\-@\t\r]/;

export type Entries = Record<string, unknown>;

export interface Table {
  /** In the order of their first appearance. */
  readonly columns: readonly string[];
  readonly rows: readonly Entries[];
}

export function isObject(value: unknown): value is Entries {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value as a table; `null` if it is not a list of objects, or has too many columns. */
export function asTable(value: unknown): Table | null {
  if (!Array.isArray(value) || value.length === 0 || !value.every(isObject)) return null;
  const columns = new Set<string>();
  for (const row of value) {
    for (const name in row) columns.add(name);
    if (columns.size > MAX_COLUMNS) return null;
  }
  return { columns: [...columns], rows: value };
}

/**
 * The table as CSV (RFC 4180) for spreadsheets: UTF-8 with a byte order mark, and with a `'` before
 * text that would run as a formula, since the values may be hostile.
 */
export function tableCsv({ columns, rows }: Table): string {
  const lines = [columns, ...rows.map((row) => columns.map((column) => row[column]))];
  return `\ufeff${lines.map((cells) => cells.map(cell).join(",")).join("\r\n")}\r\n`;
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const safe = FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
