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
import type { CsvDialect } from "./csv_rows.ts";
import { type CsvPosition, CsvRows } from "./csv_rows.ts";
import { PIECE_BYTES, pieces } from "./pieces.ts";
import { TableProfile, type TableState, type TableSummary } from "./table_profile.ts";

/** Malformed rows that are logged one by one. */
const MAX_WARNINGS = 100;
/** Milliseconds between two checkpoints, and that a warning waits for one to go with. */
const SAVE_EVERY_MS = 500;
/** The layout of a checkpoint. */
const VERSION = 2;

/** What `csv-profile` takes. */
export interface CsvProfileInput {
  /** The upload's id. */
  upload: string;
  /** One character; without it, the one of `,` `;` tab and `|` that fits the file. */
  delimiter?: string | undefined;
  /** Whether the first row names the columns. @default {true} */
  header: boolean;
  /** What a cell without a value says, as `NA`; blank cells are without one in any case. */
  null_text?: string | undefined;
}

/** The same, without its defaults. */
export type CsvProfileGiven = Omit<CsvProfileInput, "header"> & { header?: boolean | undefined };

/** What `csv-profile` ends with. */
export interface CsvProfile extends TableSummary {
  /** Bytes of the file. */
  size: number;
  /** The delimiter, given or detected. */
  delimiter: string;
  /** Rows profiled; the header and blank lines are none. */
  rows: number;
  /** Rows left out: broken quotes, or too few or too many cells. */
  malformed: number;
}

/** What `csv-profile` saves: where it is in the file, and the profile so far. */
export interface CsvProfileCheckpoint {
  /** The layout of this; a checkpoint of another is of no use. */
  version: 2;
  /** How the file is written. */
  dialect: CsvDialect;
  /** Where to go on reading. */
  position: CsvPosition;
  /** The profile of all before. */
  table: TableState;
  /** Rows left out. */
  malformed: number;
  /** Whether a row that is not UTF-8 has been told. */
  told_utf8: boolean;
}

const input = z.strictObject({
  upload: z.string().min(1).describe("The upload's id"),
  delimiter: z.string().regex(/^[^"\r\n]$/u, "Expected one character, not a quote or a line end")
    .optional().describe("What separates the cells; detected unless given"),
  header: z.boolean().default(true).describe("Whether the first row names the columns"),
  null_text: z.string().min(1).max(100).optional()
    .describe("What a cell without a value says, as NA or NULL"),
});

/**
 * Profiles an uploaded CSV file (RFC 4180, UTF-8) in bounded memory: rows, and by column the type,
 * blank cells, different values, least, greatest and mean. Goes on from its checkpoint after a
 * restart, with the same profile as without one.
 */
export const csvProfile: TaskDefinition<CsvProfileInput, never, CsvProfile, CsvProfileGiven> =
  defineTask({
    kind: "csv-profile",
    description: "Rows, columns, types and values of an uploaded CSV file",
    input,
    run: (context: TaskContext<CsvProfileInput>) => profileCsv(context),
  });

/**
 * The work of {@link csvProfile}.
 *
 * @param saveEveryMs Milliseconds between two checkpoints; 0 saves after each piece of the file.
 * @throws {Error} If the file is UTF-16, its header is malformed, or no row fits the first.
 */
export async function* profileCsv(
  { input, signal, checkpoint, upload, uploadInfo }: TaskContext<CsvProfileInput>,
  saveEveryMs: number = SAVE_EVERY_MS,
): AsyncGenerator<Yield<never, CsvProfileCheckpoint>, CsvProfile, void> {
  const given = checkpoint as CsvProfileCheckpoint | undefined;
  const saved = given?.version === VERSION ? given : undefined;
  const { size } = await uploadInfo(input.upload);
  const dialect = saved?.dialect ??
    detectDialect(await readStart(pieces(upload(input.upload), signal)), input.delimiter);
  const rows = new CsvRows(dialect, saved?.position);
  const table = new TableProfile(input.header, input.null_text, saved?.table);
  let { malformed, told_utf8 } = saved ?? { malformed: 0, told_utf8: false };
  const warnings: Yield<never, never>[] = [];
  let savedAt = performance.now();

  yield report();
  const source = upload(input.upload, { offset: rows.position.offset });
  for await (const piece of pieces(source, signal)) {
    take(piece);
    yield report();
    if (performance.now() - savedAt < saveEveryMs) continue;
    // Right before a checkpoint, so that a restart does not repeat them.
    yield* warnings.splice(0);
    const { position } = rows;
    yield save({ version: VERSION, dialect, position, table: table.state(), malformed, told_utf8 });
    savedAt = performance.now();
  }
  take();
  yield report();
  yield* warnings;
  if (malformed > 0 && table.rows === 0) {
    throw new Error(`Cannot profile the file as none of its ${malformed} rows is well-formed`);
  }
  return { size, delimiter: dialect.delimiter, rows: table.rows, malformed, ...table.summary() };

  function report(): Yield<never, never> {
    const message = `${table.rows} ${table.rows === 1 ? "row" : "rows"}`;
    const done = rows.position.offset;
    return progress({ done, total: size, unit: "bytes", stage: "profile", message });
  }

  function take(piece?: Uint8Array): void {
    for (const { line, cells, problem, undecoded } of rows.read(piece)) {
      if (undecoded && !told_utf8) {
        told_utf8 = true;
        warn(`Line ${line} is not UTF-8: what cannot be read becomes U+FFFD`, { line });
      }
      if (problem !== undefined && input.header && table.width === 0) {
        throw new Error(`Cannot read the header as line ${line} is malformed: ${problem}`);
      }
      const reason = problem ?? table.add(cells);
      if (reason === undefined) continue;
      malformed++;
      if (malformed <= MAX_WARNINGS) warn(`Line ${line} is malformed: ${reason}`, { line, reason });
      if (malformed === MAX_WARNINGS + 1) warn("Further malformed rows are only counted");
    }
  }

  function warn(message: string, data?: Record<string, unknown>): void {
    warnings.push(log(message, { ...data, level: "warn" }));
  }
}

/** The first bytes, so many that the dialect does not depend on how the stream is cut. */
async function readStart(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  let start = Buffer.alloc(0);
  for await (const piece of source) {
    start = Buffer.concat([start, piece]);
    if (start.length >= PIECE_BYTES) break;
  }
  return start.subarray(0, PIECE_BYTES);
}
