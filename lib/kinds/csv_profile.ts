/**
 * The kind `csv-profile`: what is in an uploaded CSV file.
 *
 * @module
 */

import { defineTask, log, progress, save } from "headway";
import type { TaskContext, TaskDefinition, Yield } from "headway";
import { type CsvStart, detectCsv, readStart } from "./csv_detect.ts";
import { csvInput, type CsvProfileInput } from "./csv_input.ts";
import { doubtsOf, type MalformedRow, whyUnfit } from "./csv_doubts.ts";
import { type CsvPosition, CsvRows } from "./csv_rows.ts";
import { readChunks } from "./read_chunks.ts";
import type { Decimal } from "./plain_number.ts";
import { TableProfile, type TableState, type TableSummary } from "./table_profile.ts";
import { encodingOf } from "./text_encoding.ts";
import { untilForeign } from "./until_foreign.ts";

/** Malformed rows that are logged one by one. */
const MAX_WARNINGS = 100;
/** Milliseconds between two checkpoints, and that a warning waits for one to go with. */
const SAVE_EVERY_MS = 500;
/** The layout of a checkpoint. */
const VERSION = 3;

export interface CsvProfile extends TableSummary {
  /** Bytes of the file. */
  size: number;
  /** The encoding, as the Encoding Standard calls it; ASCII counts as UTF-8. */
  encoding: string;
  /** The delimiter, given or detected. */
  delimiter: string;
  /** What separates decimals, where that is plain; else only a point does. */
  decimal?: Decimal;
  /** The line of the header, from 1; `null` if there is none. */
  header_line: number | null;
  /** Rows profiled; the header and blank lines are none. */
  rows: number;
  /** Rows left out: broken quotes, or too few or too many cells. */
  malformed: number;
  /** What makes the profile less than certain. */
  warnings: string[];
}

/** What `csv-profile` saves: where it is in the file, and the profile so far. */
export interface CsvProfileCheckpoint extends CsvStart {
  /** The layout of this; a checkpoint of another is of no use. */
  version: 3;
  /** Where to go on reading. */
  position: CsvPosition;
  /** The profile of all before. */
  table: TableState;
  /** Rows left out, and which was the first. */
  malformed: number;
  firstMalformed?: MalformedRow | undefined;
  /** The first line in which something could not be decoded. */
  undecoded?: number | undefined;
}

/**
 * Profiles an uploaded CSV file in bounded memory: rows, and by column the type, blank cells,
 * different values, least, greatest and mean. Goes on from its checkpoint after a restart, with the
 * same profile as without one.
 */
export const csvProfile: TaskDefinition<
  CsvProfileInput,
  never,
  CsvProfile,
  CsvProfileInput,
  "csv-profile",
  CsvProfileCheckpoint
> = defineTask({
  kind: "csv-profile",
  description: "Rows, columns, types and values of an uploaded CSV file",
  input: csvInput,
  run: (context: TaskContext<CsvProfileInput>) => profileCsv(context),
});

/**
 * The work of {@link csvProfile}.
 *
 * @param saveEveryMs Milliseconds between two checkpoints; 0 saves after each chunk of the file.
 * @throws {Error} If the file is not CSV, its delimiter is not plain, its header is malformed,
 * or most rows do not fit it.
 */
export async function* profileCsv(
  { input, signal, checkpoint, upload, uploadInfo }: TaskContext<CsvProfileInput>,
  saveEveryMs: number = SAVE_EVERY_MS,
): AsyncGenerator<Yield<never, CsvProfileCheckpoint>, CsvProfile, void> {
  const given = checkpoint as CsvProfileCheckpoint | undefined;
  const saved = given?.version === VERSION ? given : undefined;
  const { size } = await uploadInfo(input.upload);
  const { dialect, start, encoding: known } = saved ??
    detectCsv(await readStart(readChunks(upload(input.upload), signal)), input);
  let encoding = known;
  const rows = new CsvRows(dialect, encoding?.name, saved?.position);
  const { header, trailing, decimal } = start;
  const options = { header, trailing, decimal, nullText: input.null_text };
  const table = new TableProfile(options, saved?.table);
  let { malformed, firstMalformed, undecoded } = saved ??
    { malformed: 0, firstMalformed: undefined, undecoded: undefined };
  const rowsToLog: Yield<never, never>[] = [];
  let savedAt = performance.now();

  yield report();
  let source = readChunks(upload(input.upload, { offset: rows.position.offset }), signal);
  if (encoding === undefined) source = untilForeign(source, setEncoding);
  for await (const chunk of source) {
    take(chunk);
    yield report();
    if (performance.now() - savedAt < saveEveryMs) continue;
    // Right before a checkpoint, so that a restart does not repeat them.
    yield* rowsToLog.splice(0);
    const { position } = rows;
    const state = {
      dialect,
      start,
      encoding,
      position,
      table: table.state(),
      malformed,
      firstMalformed,
      undecoded,
    };
    yield save({ version: VERSION, ...state });
    savedAt = performance.now();
  }
  take();
  yield report();
  const unfit = whyUnfit({ rows: table.rows, malformed, firstMalformed });
  if (unfit !== undefined) {
    yield* rowsToLog;
    throw new Error(unfit);
  }
  const { columns, column_count } = table.summary();
  const warnings = doubtsOf({ input, start, encoding, undecoded, malformed, columns });
  for (const doubt of warnings) warn(doubt);
  yield* rowsToLog;
  return {
    size,
    encoding: encoding?.name ?? "utf-8",
    delimiter: dialect.delimiter,
    ...(decimal === undefined ? {} : { decimal }),
    header_line: header && table.width > 0 ? start.line : null,
    rows: table.rows,
    malformed,
    warnings,
    column_count,
    // What was decoded by a guess may differ where it looks alike.
    columns: encoding?.sure === false
      ? columns.map((column) => ({ ...column, distinct_exact: false }))
      : columns,
  };

  function report(): Yield<never, never> {
    const message = `${table.rows} ${table.rows === 1 ? "row" : "rows"}`;
    const done = rows.position.offset;
    return progress({ done, total: size, unit: "bytes", stage: "profile", message });
  }

  function setEncoding(sample: Uint8Array): void {
    encoding = encodingOf(sample);
    rows.decodeAs(encoding.name);
  }

  function take(chunk?: Uint8Array): void {
    for (const row of rows.read(chunk)) {
      const { line, cells, problem } = row;
      if (line < start.line) continue;
      if (row.undecoded) undecoded ??= line;
      if (problem !== undefined && header && table.width === 0) {
        throw new Error(`Cannot read the header as line ${line} is malformed: ${problem}`);
      }
      const reason = problem ?? table.add(cells, row.undecoded);
      if (reason === undefined) continue;
      malformed++;
      firstMalformed ??= { line, reason };
      if (malformed <= MAX_WARNINGS) warn(`Line ${line} is malformed: ${reason}`, { line, reason });
      if (malformed === MAX_WARNINGS + 1) warn("Further malformed rows are only counted");
    }
  }

  function warn(message: string, data?: Record<string, unknown>): void {
    rowsToLog.push(log(message, { ...data, level: "warn" }));
  }
}
