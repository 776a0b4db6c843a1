import type { LogYield } from "headway";
import type { CsvStart } from "./csv_detect.ts";
import { doubtsOf, whyUnfit } from "./csv_doubts.ts";
import type { CsvProfileInput } from "./csv_input.ts";
import type { CsvTally } from "./csv_tally.ts";
import type { Decimal } from "./plain_number.ts";
import type { TableSummary } from "./table_profile.ts";

export interface CsvProfile extends TableSummary {
  /** Bytes of the file. */
  size: number;
  /** The encoding, as the Encoding Standard calls it; ASCII counts as UTF-8. */
  encoding: string;
  /** The delimiter, given or detected. */
  delimiter: string;
  /** What separates decimals, if that is clear; otherwise only a point does. */
  decimal?: Decimal;
  /** The line of the header, from 1; `null` if there is none. */
  header_line: number | null;
  /** Rows profiled, without the header and blank lines. */
  rows: number;
  /** Rows left out: broken quotes, or too few or too many cells. */
  malformed: number;
  /** What makes the profile less than certain. */
  warnings: string[];
}

export interface ReadFile extends CsvStart {
  input: CsvProfileInput;
  size: number;
  /** All of its rows. */
  tally: CsvTally;
}

/**
 * The profile of a file that was read, with a warning for each doubt.
 *
 * @throws {Error} If most rows do not fit.
 */
export function* csvReport(
  { input, size, dialect, start, encoding, tally }: ReadFile,
): Generator<LogYield, CsvProfile, void> {
  const { table, malformed, undecoded } = tally;
  const { rows, width } = table;
  const unfit = whyUnfit({ rows, malformed, firstMalformed: tally.firstMalformed });
  if (unfit !== undefined) {
    yield* tally.logs();
    throw new Error(unfit);
  }
  const { columns, column_count } = table.summary();
  const warnings = doubtsOf({ input, start, encoding, undecoded, malformed, columns });
  for (const doubt of warnings) tally.warn(doubt);
  yield* tally.logs();
  const { decimal } = start;
  return {
    size,
    encoding: encoding?.name ?? "utf-8",
    delimiter: dialect.delimiter,
    ...(decimal === undefined ? {} : { decimal }),
    header_line: start.header && width > 0 ? start.line : null,
    rows,
    malformed,
    warnings,
    column_count,
    // Where the encoding is a guess, values that look the same may differ.
    columns: encoding?.sure === false
      ? columns.map((column) => ({ ...column, distinct_exact: false }))
      : columns,
  };
}

export function rowsText(rows: number): string {
  return `${rows} ${rows === 1 ? "row" : "rows"}`;
}
