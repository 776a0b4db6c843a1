/**
 * The kind `csv-profile`: what is in an uploaded CSV file.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { z } from "zod";
import { defineTask, log, progress, save } from "headway";
import type { TaskContext, TaskDefinition, Yield } from "headway";
import { detectDialect } from "./csv_dialect.ts";
import { type CsvDialect, type CsvPosition, CsvRows } from "./csv_rows.ts";
import { otherFormat } from "./file_format.ts";
import { readChunks } from "./read_chunks.ts";
import type { Decimal } from "./plain_number.ts";
import {
  type NamedColumn,
  TableProfile,
  type TableState,
  type TableSummary,
} from "./table_profile.ts";
import type { TableStart } from "./table_start.ts";
import {
  encodingAtStart,
  encodingName,
  encodingOf,
  SAMPLE_BYTES,
  type TextEncoding,
} from "./text_encoding.ts";
import { untilForeign } from "./until_foreign.ts";

/** Malformed rows that are logged one by one. */
const MAX_WARNINGS = 100;
/** Milliseconds between two checkpoints, and that a warning waits for one to go with. */
const SAVE_EVERY_MS = 500;
/** What is hardly a part of a name. */
const SIGN = /[^\p{L}\p{M}\p{N}\s_.()-]/u;
/** The layout of a checkpoint. */
const VERSION = 3;

export interface CsvProfileInput {
  upload: string;
  /** One character; without it, the one of `,` `;` tab `|` `^` and `~` that fits the file. */
  delimiter?: string | undefined;
  /** The encoding, by any name that browsers know; detected unless given. */
  encoding?: string | undefined;
  /** Whether the first row names the columns; taken to unless it has the values of a row. */
  header?: boolean | undefined;
  /** Lines before the table; found unless given. */
  skip_lines?: number | undefined;
  /** What separates decimals; told by the numbers unless given. */
  decimal?: Decimal | undefined;
  /** What a cell without a value says, as `NA`; blank cells are without one in any case. */
  null_text?: string | undefined;
}

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
export interface CsvProfileCheckpoint {
  /** The layout of this; a checkpoint of another is of no use. */
  version: 3;
  dialect: CsvDialect;
  /** Where the table begins. */
  start: TableStart;
  /** How the text is encoded; nothing where all so far is ASCII. */
  encoding?: TextEncoding | undefined;
  /** Where to go on reading. */
  position: CsvPosition;
  /** The profile of all before. */
  table: TableState;
  /** Rows left out. */
  malformed: number;
  /** The first line in which something could not be decoded. */
  undecoded?: number | undefined;
}

const input = z.strictObject({
  upload: z.string().min(1).describe("The upload's id"),
  delimiter: z.string().regex(/^[^"\r\n]$/u, "Expected one character, not a quote or a line end")
    .optional().describe("What separates the cells; detected unless given"),
  encoding: z.string().max(40)
    .refine((label) => encodingName(label) !== undefined, "Expected an encoding, as utf-8 or gbk")
    .optional().describe("The encoding, as utf-8 or gbk; detected unless given"),
  header: z.boolean().optional()
    .describe("Whether the first row names the columns; detected unless given"),
  skip_lines: z.int().min(0).max(1000).optional()
    .describe("Lines before the table; found unless given"),
  decimal: z.enum([".", ","]).optional().describe("What separates decimals; found unless given"),
  null_text: z.string().min(1).max(100).optional()
    .describe("What a cell without a value says, as NA or NULL"),
});

/**
 * Profiles an uploaded CSV file in bounded memory: rows, and by column the type, blank cells,
 * different values, least, greatest and mean. Goes on from its checkpoint after a restart, with the
 * same profile as without one.
 */
export const csvProfile: TaskDefinition<CsvProfileInput, never, CsvProfile, CsvProfileInput> =
  defineTask({
    kind: "csv-profile",
    description: "Rows, columns, types and values of an uploaded CSV file",
    input,
    run: (context: TaskContext<CsvProfileInput>) => profileCsv(context),
  });

/**
 * The work of {@link csvProfile}.
 *
 * @param saveEveryMs Milliseconds between two checkpoints; 0 saves after each chunk of the file.
 * @throws {Error} If the file is not CSV, its delimiter is not plain, its header is malformed,
 * or no row fits it.
 */
export async function* profileCsv(
  { input, signal, checkpoint, upload, uploadInfo }: TaskContext<CsvProfileInput>,
  saveEveryMs: number = SAVE_EVERY_MS,
): AsyncGenerator<Yield<never, CsvProfileCheckpoint>, CsvProfile, void> {
  const given = checkpoint as CsvProfileCheckpoint | undefined;
  const saved = given?.version === VERSION ? given : undefined;
  const { size } = await uploadInfo(input.upload);
  const { dialect, start, encoding: known } = saved ??
    detect(await readStart(readChunks(upload(input.upload), signal)), input);
  let encoding = known;
  const rows = new CsvRows(dialect, encoding?.name, saved?.position);
  const { header, trailing, decimal } = start;
  const options = { header, trailing, decimal, nullText: input.null_text };
  const table = new TableProfile(options, saved?.table);
  let { malformed, undecoded } = saved ?? { malformed: 0, undecoded: undefined };
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
      undecoded,
    };
    yield save({ version: VERSION, ...state });
    savedAt = performance.now();
  }
  take();
  yield report();
  if (malformed > 0 && table.rows === 0) {
    yield* rowsToLog;
    throw new Error(
      `Cannot profile the file as none of its ${malformed} rows is well-formed: ` +
        'give "skip_lines" or "delimiter" if its header or delimiter is another',
    );
  }
  const { columns, column_count } = table.summary();
  const warnings = doubts(columns);
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
      if (malformed <= MAX_WARNINGS) warn(`Line ${line} is malformed: ${reason}`, { line, reason });
      if (malformed === MAX_WARNINGS + 1) warn("Further malformed rows are only counted");
    }
  }

  /** What a reader of the profile should look at. */
  function doubts([first, ...others]: NamedColumn[]): string[] {
    const name = encoding?.name;
    const found: [boolean, string][] = [
      [
        start.passed,
        `Lines before line ${start.line} were passed over`,
      ],
      [
        !header && input.header === undefined,
        'The first row has values, no names: give "header" if it has names',
      ],
      [
        input.delimiter === undefined && others.length === 0 && header &&
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

  function warn(message: string, data?: Record<string, unknown>): void {
    rowsToLog.push(log(message, { ...data, level: "warn" }));
  }
}

/** How a file is written, from its first bytes and what the input says. */
function detect(
  bytes: Uint8Array,
  input: CsvProfileInput,
): Pick<CsvProfileCheckpoint, "dialect" | "start" | "encoding"> {
  const named = input.encoding && encodingName(input.encoding);
  const encoding = named ? { name: named, sure: true } : encodingAtStart(bytes);
  const sample = bytes.subarray(0, SAMPLE_BYTES);
  const text = new TextDecoder(encoding?.name).decode(sample);
  const format = otherFormat(bytes, text);
  if (format !== undefined) throw new Error(`The file is not CSV but ${format}`);
  const { dialect, start } = detectDialect(sample, encoding?.name, input);
  const { decimal = start.decimal } = input;
  return { dialect, start: { ...start, decimal }, encoding };
}

/** The first bytes: a sample of the text, and one of what is not ASCII in it. */
async function readStart(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  let start = Buffer.alloc(0);
  for await (const chunk of source) {
    start = Buffer.concat([start, chunk]);
    if (start.length >= 2 * SAMPLE_BYTES) break;
  }
  return start.subarray(0, 2 * SAMPLE_BYTES);
}
