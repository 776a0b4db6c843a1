/**
 * What makes the profile of a CSV file uncertain, and what makes it worthless.
 *
 * @module
 */

import type { CsvProfileInput } from "./csv_input.ts";
import type { NamedColumn } from "./table_profile.ts";
import type { TableStart } from "./table_start.ts";
import type { TextEncoding } from "./text_encoding.ts";

/** A character that is hardly part of a name. */
const SIGN = /[^\p{L}\p{M}\p{N}\s_.()-]/u;

/** A row that was left out. */
export interface MalformedRow {
  line: number;
  reason: string;
}

export interface ReadRows {
  /** Rows that fit. */
  rows: number;
  /** Rows that do not, and the first of them. */
  malformed: number;
  firstMalformed: MalformedRow | undefined;
}

/** Why a table must not be profiled, if most of its rows do not fit; `undefined` if they do. */
export function whyUnfit({ rows, malformed, firstMalformed }: ReadRows): string | undefined {
  if (malformed <= rows) return undefined;
  const which = rows === 0
    ? `none of its ${malformed} rows is well-formed`
    : `${malformed} of its ${rows + malformed} rows are malformed`;
  const first = firstMalformed &&
    `, the first at line ${firstMalformed.line}: ${firstMalformed.reason}`;
  return `Cannot profile the file as ${which}${first ?? ""}. ` +
    'Give "skip_lines" or "delimiter" if its header or delimiter is a different one';
}

export interface ReadTable {
  input: CsvProfileInput;
  start: TableStart;
  encoding: TextEncoding | undefined;
  /** The first line in which something could not be decoded. */
  undecoded: number | undefined;
  malformed: number;
  columns: readonly NamedColumn[];
}

/** What a reader of the profile should look at. */
export function doubtsOf(
  { input, start, encoding, undecoded, malformed, columns: [first, ...others] }: ReadTable,
): string[] {
  const name = encoding?.name;
  const found: [boolean, string][] = [
    [
      start.passed,
      `Lines before line ${start.line} were skipped`,
    ],
    [
      !start.header && input.header === undefined,
      'The first row has values, not names: give "header" if it has names',
    ],
    [
      input.delimiter === undefined && others.length === 0 && start.header &&
      SIGN.test(first?.name ?? ""),
      'No delimiter was found: give "delimiter" if there is more than one column',
    ],
    [encoding?.sure === false, `The encoding is a guess: give "encoding" if it is not ${name}`],
    [
      undecoded !== undefined,
      `From line ${undecoded} on, some of it is not ${name}: it became U+FFFD`,
    ],
    [
      malformed > 0,
      `${malformed} ${malformed === 1 ? "row was" : "rows were"} left out as malformed`,
    ],
  ];
  return found.flatMap(([holds, text]) => holds ? [text] : []);
}
