/**
 * The kind `csv-part`: profiles a part of an uploaded CSV file for `csv-split`.
 *
 * @module
 */

import { z } from "zod";
import { defineTask, progress, save, type TaskContext, type TaskDefinition } from "headway";
import type { Yield } from "headway";
import { rowsText } from "./csv_report.ts";
import { type CsvPosition, CsvRows } from "./csv_rows.ts";
import { CsvTally, type TallyState } from "./csv_tally.ts";
import { readChunks } from "./read_chunks.ts";
import { ENCODINGS } from "./text_encoding.ts";

/** Milliseconds between two checkpoints. */
const SAVE_EVERY_MS = 500;

const position = z.strictObject({
  offset: z.int().min(0).describe("Bytes of the file before it"),
  line: z.int().min(1).describe("The line it is at, from 1"),
  skipping: z.boolean().describe("Whether the rest of the line belongs to no row"),
});

const input = z.strictObject({
  upload: z.string().min(1).describe("The upload's id"),
  from: position.describe("Where it begins"),
  to: position.nullable().describe("Where the next part begins; null for the last"),
  dialect: z.strictObject({ delimiter: z.string().min(1), escape: z.boolean() })
    .describe("How rows are written"),
  encoding: z.enum(ENCODINGS).describe("The encoding"),
  decimal: z.enum([".", ","]).optional().describe("What separates decimals"),
  null_text: z.string().optional().describe("What a cell without a value contains"),
  line: z.int().min(1).describe("The line of the first row of the file that counts"),
  width: z.int().min(0).describe("Columns in all"),
  names: z.array(z.string()).describe("Of the columns that are profiled"),
});

/** What `csv-part` takes: all that `csv-split` found out about the file. */
export type CsvPartInput = z.infer<typeof input>;

/** What `csv-part` saves. */
export interface CsvPartCheckpoint extends TallyState {
  /** Where to go on reading. */
  position: CsvPosition;
}

/**
 * Profiles a part of a CSV file. It ends at a row, not at a byte: whether a quote is closed depends on
 * the text after it, as it does if the whole file is read.
 */
export const csvPart: TaskDefinition<
  CsvPartInput,
  never,
  TallyState,
  CsvPartInput,
  "csv-part",
  CsvPartCheckpoint
> = defineTask({
  kind: "csv-part",
  description: "A part of a CSV file, profiled for csv-split",
  hidden: true,
  input,
  retry: { maxAttempts: 3 },
  run: (context: TaskContext<CsvPartInput>) => profilePart(context),
});

/**
 * The work of {@link csvPart}.
 *
 * @param saveEveryMs Milliseconds between two checkpoints; 0 saves after each chunk of the file.
 */
export async function* profilePart(
  { input, signal, checkpoint, upload, uploadInfo }: TaskContext<CsvPartInput>,
  saveEveryMs: number = SAVE_EVERY_MS,
): AsyncGenerator<Yield<never, CsvPartCheckpoint>, TallyState, void> {
  const { dialect, encoding, from, to, line, width, names, decimal, null_text } = input;
  const saved = checkpoint as CsvPartCheckpoint | undefined;
  const end = to?.offset ?? (await uploadInfo(input.upload)).size;
  const rows = new CsvRows(dialect, encoding, saved?.position ?? from);
  const layout = { line, header: false, trailing: false, decimal };
  const begun = { table: { rows: 0, width, names, columns: [] }, malformed: 0 };
  const tally = new CsvTally(layout, null_text, saved ?? begun);
  // A malformed row counts at its first line, the rest of which may belong to the next part.
  const before = to === null ? Infinity : to.line + (to.skipping ? 1 : 0);
  let savedAt = performance.now();

  yield report();
  for await (
    const chunk of readChunks(upload(input.upload, { offset: rows.position.offset }), signal)
  ) {
    take(chunk);
    yield report();
    if (to !== null && rows.position.offset >= to.offset) break;
    if (performance.now() - savedAt < saveEveryMs) continue;
    yield* tally.logs();
    yield save({ position: rows.position, ...tally.state() });
    savedAt = performance.now();
  }
  if (to === null || rows.position.offset < to.offset) take();
  yield report();
  yield* tally.logs();
  return tally.state();

  function take(chunk?: Uint8Array): void {
    for (const row of rows.read(chunk)) if (row.line < before) tally.take(row);
  }

  function report(): Yield<never, never> {
    return progress({
      done: Math.min(rows.position.offset, end) - from.offset,
      total: end - from.offset,
      unit: "bytes",
      message: rowsText(tally.table.rows),
    });
  }
}
