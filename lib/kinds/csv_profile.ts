/**
 * The kind `csv-profile`: what is in an uploaded CSV file.
 *
 * @module
 */

import { z } from "zod";
import { defineTask, log, progress, save } from "../task.ts";
import type { TaskContext, TaskDefinition, Yield } from "../task.ts";
import { type CsvDialect, detectDialect } from "./csv_dialect.ts";
import { type CsvPosition, CsvRows } from "./csv_rows.ts";
import { PIECE_BYTES, pieces } from "./pieces.ts";
import { type NamedColumn, TableProfile, type TableState } from "./table_profile.ts";

/** Malformed rows that are logged one by one. */
const MAX_WARNINGS = 100;
/** Milliseconds between two checkpoints. */
const SAVE_EVERY_MS = 1000;
/** Milliseconds that a warning waits for a checkpoint to go with. */
const WARN_AFTER_MS = 200;

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
export interface CsvProfile {
  /** Bytes of the file. */
  size: number;
  /** The delimiter, given or detected. */
  delimiter: string;
  /** Rows profiled; the header and empty lines are none. */
  rows: number;
  /** Rows left out: broken quotes, or too few or too many cells. */
  malformed: number;
  /** Columns in all. */
  column_count: number;
  /** The first columns: 100, or fewer where their profiles are large. */
  columns: NamedColumn[];
}

/** What `csv-profile` saves: where it is in the file, and the profile so far. */
export interface CsvProfileCheckpoint {
  /** Where to go on reading. */
  position: CsvPosition;
  /** The profile of all before. */
  table: TableState;
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
 * restart, with the same profile as without one. Warnings are logged right before a checkpoint, so
 * that a restart does not repeat them.
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
 * @param saveEveryMs Milliseconds between two checkpoints; 0 saves after each batch of rows.
 * @throws {Error} If the file is UTF-16, or its header is malformed.
 */
export async function* profileCsv(
  { input, signal, checkpoint, upload, uploadInfo }: TaskContext<CsvProfileInput>,
  saveEveryMs = SAVE_EVERY_MS,
): AsyncGenerator<Yield<never, CsvProfileCheckpoint>, CsvProfile, void> {
  const saved = checkpoint as CsvProfileCheckpoint | undefined;
  const { size } = await uploadInfo(input.upload);
  // Read again at a restart: a header may be larger than a checkpoint.
  const head = await readHead(pieces(upload(input.upload), signal), input);
  const table = new TableProfile(head.header, saved?.table, input.null_text);
  const rows = new CsvRows(head.dialect, saved?.position ?? head.position);
  const warnings: Yield<never, never>[] = [];
  let savedAt = performance.now();
  let ended = false;

  yield report();
  const source = pieces(upload(input.upload, { offset: rows.position.offset }), signal);
  try {
    while (!ended) {
      const piece = await source.next();
      if (piece.done) {
        ended = true;
        rows.finish();
      } else {
        rows.push(piece.value);
      }
      for (let batch = rows.read(); batch !== undefined; batch = rows.read()) {
        for (let i = 0; i < batch.rows.length; i++) {
          const line = batch.lines[i]!;
          if (line === batch.invalidUtf8) {
            const message = `Line ${line} is not UTF-8: what cannot be read becomes U+FFFD`;
            warnings.push(log(message, { level: "warn", line }));
          }
          const reason = table.add(batch.rows[i]!);
          if (reason !== undefined) warn(line, reason);
        }
        if (batch.malformed !== undefined) {
          table.addMalformed();
          warn(batch.malformed.line, batch.malformed.reason);
        }
        yield report();
        const wait = warnings.length > 0 ? Math.min(WARN_AFTER_MS, saveEveryMs) : saveEveryMs;
        if (performance.now() - savedAt >= wait) {
          yield* warnings.splice(0);
          yield save({ position: rows.position, table: table.state() });
          savedAt = performance.now();
        }
      }
      // Also where a piece completes no row, as within a very long line.
      yield report();
    }
  } finally {
    await source.return();
  }
  yield* warnings;
  return { size, delimiter: head.dialect.delimiter, ...table.summary() };

  function report(): Yield<never, never> {
    return progress({
      done: rows.position.offset,
      total: size,
      unit: "bytes",
      stage: "profile",
      message: `${table.rows} ${table.rows === 1 ? "row" : "rows"}`,
    });
  }

  function warn(line: number, reason: string): void {
    if (table.malformed > MAX_WARNINGS + 1) return;
    warnings.push(
      table.malformed <= MAX_WARNINGS
        ? log(`Line ${line} is malformed: ${reason}`, { level: "warn", line, reason })
        : log("Further malformed rows are only counted", { level: "warn" }),
    );
  }
}

/** What the file's beginning tells. */
interface Head {
  dialect: CsvDialect;
  header: string[] | undefined;
  /** Where the rows begin. */
  position: CsvPosition | undefined;
}

async function readHead(
  source: AsyncGenerator<Uint8Array, void, void>,
  { delimiter, header }: CsvProfileInput,
): Promise<Head> {
  try {
    const { sample, more } = await readSample(source);
    const dialect = detectDialect(sample.subarray(0, PIECE_BYTES), delimiter);
    if (!header) return { dialect, header: undefined, position: undefined };
    const rows = new CsvRows(dialect);
    rows.push(sample.subarray(dialect.bom));
    if (!more) rows.finish();
    let batch = rows.read(1);
    for (let ended = !more; batch === undefined && !ended; batch = rows.read(1)) {
      const piece = await source.next();
      if (piece.done) {
        ended = true;
        rows.finish();
      } else {
        rows.push(piece.value);
      }
    }
    if (batch?.malformed !== undefined) {
      const { line, reason } = batch.malformed;
      throw new Error(`Cannot read the header as line ${line} is malformed: ${reason}`);
    }
    // What the header has that is not UTF-8 is told with the first such row.
    return {
      dialect,
      header: batch?.rows[0],
      position: batch && { ...rows.position, told_utf8: false },
    };
  } finally {
    await source.return();
  }
}

/** The first bytes, so many that the dialect does not depend on how the stream is cut. */
async function readSample(
  source: AsyncGenerator<Uint8Array, void, void>,
): Promise<{ sample: Uint8Array; more: boolean }> {
  const sample = new Uint8Array(2 * PIECE_BYTES);
  let length = 0;
  while (length < PIECE_BYTES) {
    const piece = await source.next();
    if (piece.done) return { sample: sample.subarray(0, length), more: false };
    sample.set(piece.value, length);
    length += piece.value.length;
  }
  return { sample: sample.subarray(0, length), more: true };
}
