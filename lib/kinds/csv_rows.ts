import { Buffer } from "node:buffer";

/** UTF-16 units a row may have; beyond, something is wrong, most likely a quote that never closes. */
const MAX_ROW = 1_048_576;
const QUOTE = 34;
const BACKSLASH = 92;
const LF = 10;
const CR = 13;

/** How the rows of a CSV file are written. */
export interface CsvDialect {
  /** What separates the cells. */
  delimiter: string;
  /** Whether a backslash keeps the quote after it from closing a cell, as MySQL writes it. */
  escape: boolean;
}

/** A row of a CSV file. */
export interface CsvRow {
  /** The line of the file it starts at, from 1. */
  line: number;
  /** Empty if the row is malformed. */
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
 * Reads the rows of a CSV file (RFC 4180) from chunks of it. CR LF, LF and CR end a line. Only a
 * quote that begins a cell quotes; any other is text. Lines of blanks alone are passed over. A malformed row
 * costs its first line, so that a stray quote does not take the rest of the file with it.
 *
 * The rows depend on the bytes alone, not on how they are cut, and memory is bounded by the longest
 * row and a chunk. All is found in decoded text, as a byte of a character may look like a delimiter.
 */
export class CsvRows {
  /** Where to go on, once all rows of the last chunk are taken. */
  position: CsvPosition;
  #dialect: CsvDialect;
  #decoder: TextDecoder;
  /** The bytes after the position, which make no whole row yet. */
  #rest: Uint8Array = new Uint8Array();
  #text = "";
  #delimiters: Finder;
  #lfs = new Finder("\n");
  #crs = new Finder("\r");

  /** Begins, or goes on from a position. */
  constructor(dialect: CsvDialect, encoding = "utf-8", from?: CsvPosition) {
    this.#dialect = dialect;
    this.#delimiters = new Finder(dialect.delimiter);
    this.#decoder = decoder(encoding);
    this.position = from ?? { offset: 0, line: 1, skipping: false };
  }

  /** Sets the encoding from the next chunk on; all before must have been ASCII. */
  decodeAs(encoding: string): void {
    this.#decoder = decoder(encoding);
  }

  /** The rows that a chunk completes. Without one the file has ended, and its last row is whole. */
  *read(chunk?: Uint8Array): Generator<CsvRow, void, void> {
    const bytes = chunk === undefined ? this.#rest : Buffer.concat([this.#rest, chunk]);
    const usable = chunk === undefined ? bytes : bytes.subarray(0, this.#complete(bytes));
    // May end within a character; then the row that it is in is not whole either.
    const text = this.#begin(this.#decoder.decode(usable));
    const damaged = text.includes("\ufffd");
    let { offset, line, skipping } = this.position;
    let at = offset === 0 && text.startsWith("\ufeff") ? 1 : 0;
    while (at < text.length) {
      if (skipping) {
        at = this.#lineAfter(this.#lineEnd(at));
        skipping = at > text.length;
        if (!skipping) line++;
        continue;
      }
      const { cells, end, lines, broken } = this.#scan(at);
      const tooLong = end - at > MAX_ROW;
      if (end === text.length && chunk !== undefined && !tooLong) break;
      const problem = tooLong ? `no end within ${MAX_ROW} characters` : broken;
      skipping = problem !== undefined;
      const blank = cells.length === 1 && text.slice(at, end).trim() === "";
      if (skipping || cells.length > 0 && !blank) {
        // A malformed row may end within a character.
        const undecoded = damaged && !skipping && text.slice(at, end).includes("\ufffd");
        yield { line, cells: skipping ? [] : cells, problem, undecoded };
      }
      if (skipping) continue;
      line += lines;
      at = this.#lineAfter(end);
    }
    const start = at < text.length ? this.#byteOf(usable, at) : usable.length;
    this.#rest = bytes.subarray(start);
    this.position = { offset: offset + start, line, skipping };
    this.#begin("");
  }

  #begin(text: string): string {
    this.#delimiters.reset();
    this.#lfs.reset();
    this.#crs.reset();
    return this.#text = text;
  }

  /** How many of the bytes mean the same whatever follows: no half of a unit, and no CR of a CR LF. */
  #complete(bytes: Uint8Array): number {
    const unit = unitBytes(this.#decoder);
    const length = bytes.length - bytes.length % unit;
    // If a two-byte unit is CR, its other byte is 0, in either order.
    const last = bytes.subarray(length - unit, length).reduce((sum, byte) => sum | byte, 0);
    return length > 0 && last === CR ? length - unit : length;
  }

  /** Where in the bytes a line begins that begins at `at` in the text. */
  #byteOf(bytes: Uint8Array, at: number): number {
    const unit = unitBytes(this.#decoder);
    if (unit > 1) return bytes.length - (this.#text.length - at) * unit;
    // Text and bytes have as many CR and LF, whatever could not be decoded: no character has
    // either as one of its bytes.
    let ends = 1;
    for (let i = at; i < this.#text.length; i++) if (isEnd(this.#text.charCodeAt(i))) ends++;
    let start = bytes.length;
    while (ends > 0 && --start >= 0) if (isEnd(bytes[start]!)) ends--;
    return start + 1;
  }

  #lineEnd(at: number): number {
    return Math.min(this.#lfs.next(this.#text, at), this.#crs.next(this.#text, at));
  }

  #lineAfter(end: number): number {
    const both = this.#text.charCodeAt(end) === CR && this.#text.charCodeAt(end + 1) === LF;
    return end + (both ? 2 : 1);
  }

  /** The row at `start`. Where it ends with the text, more text may change all of it. */
  #scan(start: number): Scanned {
    const text = this.#text;
    const { delimiter, escape } = this.#dialect;
    const cells: string[] = [];
    let lines = 1;
    let end = this.#lineEnd(start);
    if (end === start) return { cells, end, lines };
    for (let at = start;; at += delimiter.length) {
      if (text.charCodeAt(at) === QUOTE) {
        const close = closingQuote(text, at + 1, escape);
        if (close < 0) return { cells, end: text.length, lines, broken: "a quote is not closed" };
        const cell = text.slice(at + 1, close).replaceAll('""', '"');
        cells.push(escape ? cell.replace(/\\(["\\])/g, "$1") : cell);
        at = close + 1;
        for (; end < at; lines++) end = this.#lineEnd(this.#lineAfter(end));
        if (at < end && !text.startsWith(delimiter, at)) {
          return { cells, end, lines, broken: "text after a closing quote" };
        }
      } else {
        const next = Math.min(this.#delimiters.next(text, at), end);
        cells.push(text.slice(at, next));
        at = next;
      }
      if (at >= end) return { cells, end, lines };
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

/** Finds the next occurrence of a part in a text, and searches no stretch of it twice. */
class Finder {
  #part: string;
  /** There is no occurrence between these two. */
  #from = 1;
  #at = 0;

  constructor(part: string) {
    this.#part = part;
  }

  reset(): void {
    this.#from = 1;
    this.#at = 0;
  }

  /** The first at or after `from`; the end of the text if there is none. */
  next(text: string, from: number): number {
    if (from > this.#at || from < this.#from) {
      const at = text.indexOf(this.#part, from);
      this.#from = from;
      this.#at = at < 0 ? text.length : at;
    }
    return this.#at;
  }
}

function decoder(encoding: string): TextDecoder {
  return new TextDecoder(encoding, { ignoreBOM: true });
}

function unitBytes({ encoding }: TextDecoder): number {
  return encoding.startsWith("utf-16") ? 2 : 1;
}

function isEnd(unit: number): boolean {
  return unit === LF || unit === CR;
}

/** The next quote that closes: neither one of two, nor escaped; -1 if there is none. */
function closingQuote(text: string, from: number, escape: boolean): number {
  let at = text.indexOf('"', from);
  while (at >= 0) {
    const escaped = escape && backslashesBefore(text, at, from) % 2 === 1;
    if (!escaped && text.charCodeAt(at + 1) !== QUOTE) break;
    at = text.indexOf('"', at + (escaped ? 1 : 2));
  }
  return at;
}

function backslashesBefore(text: string, at: number, from: number): number {
  let start = at;
  while (start > from && text.charCodeAt(start - 1) === BACKSLASH) start--;
  return at - start;
}
