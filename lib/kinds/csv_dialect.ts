import { type CsvDialect, CsvRows } from "./csv_rows.ts";

/** The delimiters that {@link detectDialect} knows; the first wins a tie. */
const DELIMITERS = [",", ";", "\t", "|"];
/** How many rows the delimiter is judged by. */
const SAMPLE_ROWS = 100;

/**
 * Tells how a CSV file is written, from its first bytes. The delimiter is the one that splits the
 * first row, and then most others into as many cells; a comma if none does.
 *
 * @param delimiter Skips the detection of it.
 * @throws {Error} If the file is UTF-16.
 */
export function detectDialect(sample: Uint8Array, delimiter?: string): CsvDialect {
  const mark = (sample[0] ?? 0) << 8 | (sample[1] ?? 0);
  if (mark === 0xfffe || mark === 0xfeff) {
    throw new Error("Cannot read the file as it is UTF-16: save it as UTF-8");
  }
  const unquoted = new TextDecoder().decode(sample).replace(/"[^"]*"/g, "");
  // The LF of a CR at the very end may be the byte after the sample.
  const newline = !unquoted.includes("\n") && unquoted.slice(0, -1).includes("\r") ? "\r" : "\n";
  let best = { delimiter: DELIMITERS[0]!, score: 0 };
  for (const delimiter of DELIMITERS) {
    const score = rate(sample, { delimiter, newline });
    if (score > best.score) best = { delimiter, score };
  }
  return { delimiter: delimiter ?? best.delimiter, newline };
}

/** How many rows have as many cells as the first; among equals, more cells are better. */
function rate(sample: Uint8Array, dialect: CsvDialect): number {
  const reader = new CsvRows(dialect);
  let rows = reader.read(sample).take(SAMPLE_ROWS).toArray();
  // The sample may end within its only row.
  if (rows.length === 0) rows = reader.read().toArray();
  const widths = rows.map(({ cells, problem }) => problem === undefined ? cells.length : 0);
  const first = widths[0] ?? 0;
  return first < 2 ? 0 : widths.filter((width) => width === first).length - 1 / first;
}
