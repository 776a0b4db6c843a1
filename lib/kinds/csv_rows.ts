import { Buffer } from "node:buffer";

/** UTF-16 units a row may have; beyond, something is wrong, most likely a quote that never closes. */
const MAX_ROW = 1_048_576;
const QUOTE = 34;
const CR = 13;

/** How a CSV file is written. */
export interface CsvDialect {
  /** What separates the cells. */
  delimiter: string;
  /** What ends a line: LF (also for CR LF), or CR in files that have no LF. */
  newline: "\n" | "\r";
}

/** A row of a CSV file. */
export interface CsvRow {
  /** The line of the file it starts at, from 1. */
  line: number;
  /** None where the row is malformed. */
  cells: string[];
  /** Why it is malformed. */
  problem?: string | undefined;
  /** Whether something in it could not be decoded, and is U+FFFD now. */
  undecoded: boolean;
}

/** Where {@link CsvRows} stands: always at the start of a line, or in one that it drops. */
export interface CsvPosition {
  /** Bytes of the file before it. */
  offset: number;
  /** The line it is at, from 1. */
  line: number;
  /** Whether the rest of the line is still to be dropped. */
  skipping: boolean;
}

/**
 * Reads the rows of a CSV file (RFC 4180) from pieces of it. Only a quote that begins a cell quotes;
 * any other is text. Blank lines are passed over. A malformed row costs its first line, so that a
 * stray quote does not take the rest of the file with it.
 *
 * The rows depend on the bytes alone, not on how they are cut, and memory is bounded by the longest
 * row and a piece.
 */
export class CsvRows {
  /** Where to go on, once all rows of the last piece are taken. */
  position: CsvPosition;
  #dialect: CsvDialect;
  #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  /** What follows the position and makes no whole row yet. */
  #rest: Uint8Array = new Uint8Array();
  /** The next delimiter in the text, so that none is looked for twice, however far it is. */
  #delimiterAt = -1;

  /** Begins, or goes on from a position. */
  constructor(dialect: CsvDialect, from?: CsvPosition) {
    this.#dialect = dialect;
    this.position = from ?? { offset: 0, line: 1, skipping: false };
  }

  /** The rows that a piece completes. Without one the file has ended, and its last row is whole. */
  *read(piece?: Uint8Array): Generator<CsvRow, void, void> {
    const bytes = piece === undefined ? this.#rest : Buffer.concat([this.#rest, piece]);
    // May end within a character; then the row that it is in is not whole either.
    const text = this.#decoder.decode(bytes);
    const damaged = text.includes("\ufffd");
    const { newline } = this.#dialect;
    let { offset, line, skipping } = this.position;
    let at = offset === 0 && text.startsWith("\ufeff") ? 1 : 0;
    this.#delimiterAt = -1;
    while (at < text.length) {
      if (skipping) {
        at = indexOrEnd(text, newline, at) + 1;
        skipping = at > text.length;
        if (!skipping) line++;
        continue;
      }
      const { cells, end, lines, broken } = this.#scan(text, at);
      const tooLong = end - at > MAX_ROW;
      if (end === text.length && piece !== undefined && !tooLong) break;
      const problem = tooLong ? `no end within ${MAX_ROW} characters` : broken;
      skipping = problem !== undefined;
      if (skipping || cells.length > 0) {
        // A malformed row may end within a character.
        const undecoded = damaged && !skipping && text.slice(at, end).includes("\ufffd");
        yield { line, cells: skipping ? [] : cells, problem, undecoded };
      }
      if (skipping) continue;
      line += lines;
      at = end + 1;
    }
    // Text and bytes have as many line ends, whatever could not be decoded.
    let lines = at < text.length ? text.slice(at).split(newline).length : 0;
    let start = bytes.length;
    while (lines > 0 && --start >= 0) if (bytes[start] === newline.charCodeAt(0)) lines--;
    if (at < text.length) start++;
    this.#rest = bytes.subarray(start);
    this.position = { offset: offset + start, line, skipping };
  }

  /** The row at `start`. Where it ends with the text, more text may change all of it. */
  #scan(text: string, start: number): Scanned {
    const { delimiter, newline } = this.#dialect;
    const cells: string[] = [];
    let lines = 1;
    let end = indexOrEnd(text, newline, start);
    let stop = withoutCr(text, start, end);
    if (stop === start) return { cells, end, lines };
    for (let at = start;; at += delimiter.length) {
      if (text.charCodeAt(at) === QUOTE) {
        const close = closingQuote(text, at + 1);
        if (close < 0) return { cells, end: text.length, lines, broken: "a quote is not closed" };
        cells.push(text.slice(at + 1, close).replaceAll('""', '"'));
        at = close + 1;
        for (; end < at; lines++) end = indexOrEnd(text, newline, end + 1);
        stop = withoutCr(text, at, end);
        if (at < stop && !text.startsWith(delimiter, at)) {
          return { cells, end, lines, broken: "text after a closing quote" };
        }
      } else {
        if (this.#delimiterAt < at) this.#delimiterAt = indexOrEnd(text, delimiter, at);
        const next = Math.min(this.#delimiterAt, stop);
        cells.push(text.slice(at, next));
        at = next;
      }
      if (at >= stop) return { cells, end, lines };
    }
  }
}

/** What a scan finds: the cells, where the line end after them is, and how many lines they take. */
interface Scanned {
  cells: string[];
  end: number;
  lines: number;
  broken?: string;
}

/** The next quote that is not one of two; -1 if there is none. */
function closingQuote(text: string, from: number): number {
  let at = text.indexOf('"', from);
  while (at >= 0 && text.charCodeAt(at + 1) === QUOTE) at = text.indexOf('"', at + 2);
  return at;
}

function withoutCr(text: string, start: number, end: number): number {
  return end > start && text.charCodeAt(end - 1) === CR ? end - 1 : end;
}

function indexOrEnd(text: string, part: string, from: number): number {
  const at = text.indexOf(part, from);
  return at < 0 ? text.length : at;
}
