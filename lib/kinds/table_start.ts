import { cellType } from "./cell_type.ts";
import type { CsvRow } from "./csv_rows.ts";
import { type Decimal, decimalOf, plainNumber } from "./plain_number.ts";

/** How many rows may come before a header, to be found. */
const MAX_PREAMBLE = 40;
/** The share of the rows after a header that must have as many cells. */
const MIN_FIT = 0.8;

/** Where the table of a file begins, and what its cells look like. */
export interface TableStart {
  /** The line of its first row, from 1. */
  line: number;
  /** Whether rows above it are passed over. */
  passed: boolean;
  /** Whether that row names the columns. */
  header: boolean;
  /** Whether a delimiter follows the last cell of it. */
  trailing: boolean;
  /** What separates the decimals of its numbers, if that is plain. */
  decimal?: Decimal | undefined;
}

/**
 * Finds the table in the first rows of a file: what banks and spreadsheets write above it are not its
 * rows. Rows are passed over only for good reasons, as they are not profiled.
 *
 * @param line The line to look from.
 */
export function tableStart(
  all: CsvRow[],
  line: number,
  given: { header?: boolean | undefined; skip_lines?: number | undefined },
): TableStart {
  const sound = all.filter(({ problem }) => problem === undefined);
  const look = given.header !== false && given.skip_lines === undefined;
  const at = look ? Math.max(0, sound.findIndex((_, at) => at > 0 && beginsTable(sound, at))) : 0;
  const rows = sound.slice(at);
  const [first, ...others] = rows.map(({ cells }) => cells);
  // A malformed first row is reported as such.
  const begin = (at === 0 ? all[0] : rows[0])?.line ?? line;
  if (first === undefined || begin < rows[0]!.line) {
    return { line: begin, passed: false, header: given.header ?? true, trailing: false };
  }
  const decimal = decimalOf(rows.flatMap(({ cells }) => cells));
  return {
    line: begin,
    passed: at > 0,
    header: given.header ?? !looksLikeData(first, others, decimal),
    trailing: isBlank(first.at(-1)!) && first.length > 1 && others.length > 0 &&
      others.every((cells) => cells.length < first.length || isBlank(cells[first.length - 1]!)),
    decimal,
  };
}

/** Whether a row has that many cells. A delimiter at its end adds a blank one. */
export function hasWidth(cells: string[], width: number): boolean {
  return cells.length === width || cells.length === width + 1 && isBlank(cells[width]!);
}

/** Whether a row is a header, and all before it something else. */
function beginsTable(rows: CsvRow[], at: number): boolean {
  if (at > MAX_PREAMBLE) return false;
  const row = rows[at]!;
  const names = row.cells.slice(0, filled(row.cells));
  const others = rows.slice(at + 1).map(({ cells }) => cells);
  const before = rows.slice(0, at).map(({ cells }) => filled(cells));
  const last = rows[at - 1]!;
  const gap = before.at(-1) === 0 || row.line > last.line + 1;
  // Below a gap, one of many names may be there twice.
  if (names.length < 2 || others.length === 0 || !areNames(names, gap ? 0.75 : 1)) return false;
  const titles = before.every((cells) => cells <= 1);
  // Titles, or lines of names and values as account statements have them.
  if (!titles && !isBelowData(before, names.length, gap ? others : undefined)) return false;
  const fitting = others.filter((cells) =>
    hasWidth(cells, row.cells.length) ||
    cells.length >= names.length && filled(cells) <= names.length
  );
  if (fitting.length < others.length * MIN_FIT) return false;
  // Without a gap it must be plain that this row is a header and the others are not.
  return gap || titles && names.length > 2 && last.cells.length === row.cells.length ||
    differs(names, fitting);
}

/** Whether a header stands below other data, of rows that have so many cells, rather than in a table. */
function isBelowData(before: number[], names: number, below: string[][] | undefined): boolean {
  const most = Math.max(...before);
  if (most <= 2) return names > (below ? 2 : 3);
  const sum = (counts: number[]) => counts.reduce((one, other) => one + other, 0);
  return below !== undefined && most < names &&
    sum(before) < names + sum(below.map(filled));
}

/** Whether the first row has the values of a row rather than names. */
function looksLikeData(first: string[], others: string[][], decimal: Decimal | undefined): boolean {
  if (others.length === 0) {
    return first.every((cell) => family(cell, decimal) !== undefined && !isYear(cell));
  }
  return first.some((cell, i) => {
    const type = family(cell, decimal);
    if (type === undefined || isYear(cell)) return false;
    const column = others.map((cells) => cells[i] ?? "").filter((cell) => !isBlank(cell));
    return column.length > 0 &&
      column.filter((cell) => family(cell, decimal) === type).length * 2 > column.length;
  });
}

/** Whether a column has a name above, and mostly numbers or dates below. */
function differs(names: string[], rows: string[][]): boolean {
  return names.some((_, i) => {
    const typed = rows.filter(({ [i]: cell = "" }) => family(cell, ",") ?? family(cell, "."));
    return typed.length * 2 > rows.length;
  });
}

/** @param different The share of the names that must be different ones. */
function areNames(cells: string[], different: number): boolean {
  return cells.every((cell) =>
    !isBlank(cell) && (family(cell, undefined) === undefined || isYear(cell))
  ) &&
    new Set(cells.map((cell) => cell.trim())).size >= cells.length * different;
}

/** Whether a text is a number or a date, in any of the usual ways. */
function family(cell: string, decimal: Decimal | undefined): "number" | "date" | undefined {
  const text = cell.trim();
  if (text === "") return undefined;
  if (/^(?:\d{1,2}[./-]\d{1,2}[./-](?:\d\d|\d{4})|\d{4}[./]\d{1,2}[./]\d{1,2})(?!\d)/.test(text)) {
    return "date";
  }
  const type = cellType(plainNumber(text, decimal) ?? text);
  if (type === "date" || type === "datetime") return "date";
  return type === "integer" || type === "number" || type === "code" ? "number" : undefined;
}

function isYear(cell: string): boolean {
  return /^\s*(?:19|20)\d\d\s*$/.test(cell);
}

function isBlank(cell: string): boolean {
  return cell.trim() === "";
}

/** How many cells there are up to the last that is not blank. */
function filled(cells: string[]): number {
  return cells.findLastIndex((cell) => !isBlank(cell)) + 1;
}
