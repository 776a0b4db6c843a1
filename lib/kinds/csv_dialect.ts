import { type CsvDialect, type CsvRow, CsvRows } from "./csv_rows.ts";
import { hasWidth, type TableStart, tableStart } from "./table_start.ts";
import { SAMPLE_BYTES } from "./text_encoding.ts";

/** The delimiters that are looked for. */
const DELIMITERS = [",", ";", "\t", "|", "^", "~"];
/** How many rows the delimiters are judged by. */
const SAMPLE_ROWS = 200;
/** How many of the last of these rows tell whether there is a table after all. */
const LAST_ROWS = 40;
/** By how much the best score must lead. */
const CLEAR_LEAD = 0.01;
/** Sheets of Excel may say what separates their cells. */
const SEP_LINE = /^\ufeff?"?sep=([^"])"?[\r\n]/iu;

export interface DialectGiven {
  /** What separates the cells. */
  delimiter?: string | undefined;
  /** Whether there is a header. */
  header?: boolean | undefined;
  /** Lines before the table. */
  skip_lines?: number | undefined;
}

/** How a file is written, and where its table begins. */
export interface DetectedDialect {
  dialect: CsvDialect;
  /** Where its table begins. */
  start: TableStart;
  /** The rows it was judged by, from the header on. */
  rows: CsvRow[];
}

/** A {@link DetectedDialect} among others. */
interface Candidate extends DetectedDialect {
  /** 1 if all rows have as many cells as the first, less what speaks against it. */
  score: number;
}

/**
 * Tells how a CSV file is written, from its first bytes. The delimiter is the one that splits most rows
 * into as many cells as the header; among equals, the one that leaves no other in the cells.
 *
 * @throws {Error} If the delimiter, or where the table begins, cannot be told.
 */
export function detectDialect(
  sample: Uint8Array,
  encoding: string | undefined,
  given: DialectGiven = {},
): DetectedDialect {
  const text = new TextDecoder(encoding, { ignoreBOM: true }).decode(sample);
  const sep = SEP_LINE.exec(text)?.[1];
  const first = Math.max(sep === undefined ? 1 : 2, (given.skip_lines ?? 0) + 1);
  const escapes = text.includes('\\"') ? [false, true] : [false];
  const known = given.delimiter ?? sep;
  if (known !== undefined) return judge(known);
  const candidates = DELIMITERS.filter((it) => text.includes(it)).map(judge);
  const [one, other] = candidates.filter(splitsHeader).sort((a, b) => b.score - a.score);
  if (one !== undefined && other !== undefined && one.score - other.score < CLEAR_LEAD) {
    const names = [one, other].map(({ dialect }) => JSON.stringify(dialect.delimiter));
    throw new Error(
      `Cannot tell which of ${names.join(" and ")} is the delimiter: give "delimiter"`,
    );
  }
  // One that splits all rows but the first: there, most likely, a name is missing.
  const found = one ?? candidates.find(splitsOthers);
  if (found !== undefined) return found;
  const doubtful = candidates.find(splitsAll);
  if (doubtful !== undefined) {
    const { dialect: { delimiter }, rows: [header, ...others] } = doubtful;
    const unfit = others.filter(({ cells }) => !hasWidth(cells, header!.cells.length)).length;
    throw new Error(
      `Cannot tell whether ${JSON.stringify(delimiter)} is the delimiter, as ${unfit} of ` +
        `${others.length} rows do not fit the first: give "delimiter"`,
    );
  }
  const single = judge([...DELIMITERS, "\x1f"].find((it) => !text.includes(it))!);
  // If quotes break most rows, or the only one of a full sample, the delimiter is another one.
  const lost = broken(single);
  if (lost * 2 > single.rows.length && (lost > 1 || sample.length >= SAMPLE_BYTES)) {
    throw new Error(
      `Cannot tell what the delimiter is, as ${lost} of ${single.rows.length} rows are malformed ` +
        'without one: give "delimiter"',
    );
  }
  const late = candidates.find(splitsLast);
  if (late !== undefined) {
    throw new Error(
      `Cannot tell where the table begins, as the last rows looked at are split by ${
        JSON.stringify(late.dialect.delimiter)
      } and the first ones are not: give "skip_lines", and "delimiter"`,
    );
  }
  return single;

  function judge(delimiter: string): Candidate {
    const [plain, escaped] = escapes.map((escape) => {
      const dialect = { delimiter, escape };
      const all = sampleRows(sample, dialect, encoding).filter(({ line }) => line >= first);
      const start = tableStart(all, first, given);
      const rows = all.filter(({ line }) => line >= start.line);
      return { dialect, start, rows, score: score(rows, dialect, start.trailing) };
    });
    // A backslash before a quote is text, unless rows would break with that.
    return escaped !== undefined && broken(escaped) < broken(plain!) ? escaped : plain!;
  }
}

/** How many of the rows fit the first, less the other delimiters that are left in a row of them. */
function score(rows: CsvRow[], { delimiter }: CsvDialect, trailing: boolean): number {
  const [header, ...others] = rows;
  if (header === undefined || header.cells.length < 2) return 0;
  const width = header.cells.length - (trailing ? 1 : 0);
  const fitting = others.filter(({ cells }) => hasWidth(cells, width));
  const foreign = DELIMITERS.filter((it) => it !== delimiter);
  const left = [header, ...fitting].reduce(
    (sum, { cells }) => sum + delimitersIn(cells, foreign),
    0,
  );
  const fit = others.length === 0 ? 1 : fitting.length / others.length;
  return fit - Math.min(1, left / (fitting.length + 1));
}

function splitsHeader({ rows, dialect, start }: Candidate): boolean {
  const [header, ...others] = rows;
  if (header === undefined || header.cells.length < 2) return false;
  // Names with spaces between them may be one name, unless rows are split alike.
  if (
    start.header && delimitersIn([header.cells.join(dialect.delimiter)], [dialect.delimiter]) > 0
  ) {
    return true;
  }
  const fitting = others.filter(({ cells }) => hasWidth(cells, header.cells.length));
  return others.length === 0 || fitting.length * 2 > others.length;
}

function splitsOthers({ rows, dialect: { delimiter } }: Candidate): boolean {
  const [header, ...others] = rows;
  const width = others[0]?.cells.length ?? 0;
  if (width < 2 || others.some(({ cells }) => cells.length !== width)) return false;
  // A quote that breaks the header is one only after this delimiter.
  if (header!.problem !== undefined) return true;
  return others.length > 1 &&
    others.every(({ cells }) => delimitersIn([cells.join(delimiter)], [delimiter]) > 0);
}

/** Whether the delimiter is in each of several rows, so that these hardly have a single column. */
function splitsAll({ rows }: Candidate): boolean {
  return rows.length > 2 && rows.every(({ cells }) => cells.length > 1);
}

/** Whether the delimiter is in most of the last rows, as often in each: above them is no table. */
function splitsLast({ rows, dialect: { delimiter } }: Candidate): boolean {
  const last = rows.slice(-LAST_ROWS);
  const counts = new Map<number, number>();
  for (const { cells } of last) {
    const count = cells.length > 1 ? delimitersIn([cells.join(delimiter)], [delimiter]) : 0;
    if (count > 0) counts.set(count, (counts.get(count) ?? 0) + 1);
  }
  return last.length > 2 && Math.max(0, ...counts.values()) * 2 > last.length;
}

/** Counts delimiters in cells, except in numbers and before spaces. */
function delimitersIn(cells: string[], delimiters: string[]): number {
  let count = 0;
  for (const cell of cells) {
    for (let at = 0; at < cell.length; at++) {
      if (!delimiters.includes(cell[at]!)) continue;
      const decimal = cell[at] === "," && /^\d,\d$/.test(cell.slice(at - 1, at + 2));
      if (!decimal && cell[at + 1] !== " ") count++;
    }
  }
  return count;
}

function broken({ rows }: Candidate): number {
  return rows.filter(({ problem }) => problem !== undefined).length;
}

/** The first rows of a file. A sample may end within one; that counts only if there is no other. */
function sampleRows(sample: Uint8Array, dialect: CsvDialect, encoding?: string): CsvRow[] {
  const reader = new CsvRows(dialect, encoding);
  const rows = reader.read(sample).take(SAMPLE_ROWS).toArray();
  const whole = sample.length < SAMPLE_BYTES;
  if (rows.length === 0 || whole && rows.length < SAMPLE_ROWS) rows.push(...reader.read());
  return rows;
}
