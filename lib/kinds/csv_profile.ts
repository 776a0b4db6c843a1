/**
 * The kind `csv-profile`: finds out what is in an uploaded CSV file.
 *
 * @module
 */

import { defineTask, progress, save } from "headway";
import type { TaskContext, TaskDefinition, Yield } from "headway";
import { type CsvStart, detectCsv, readStart } from "./csv_detect.ts";
import { csvInput, type CsvProfileInput } from "./csv_input.ts";
import { type CsvProfile, csvReport, rowsText } from "./csv_report.ts";
import { type CsvPosition, CsvRows } from "./csv_rows.ts";
import { readChunks } from "./read_chunks.ts";
import { CsvTally, type TallyState } from "./csv_tally.ts";
import { encodingOf } from "./text_encoding.ts";
import { untilForeign } from "./until_foreign.ts";

/** Milliseconds between two checkpoints, for which warnings wait, too. */
const SAVE_EVERY_MS = 500;
/** The layout of a checkpoint. */
const VERSION = 3;

/** What `csv-profile` saves: where it is in the file, and the profile so far. */
export interface CsvProfileCheckpoint extends CsvStart, TallyState {
  /** The layout of this; a checkpoint with another one is not used. */
  version: 3;
  /** Where to go on reading. */
  position: CsvPosition;
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
 * @throws {Error} If the file is not CSV, its delimiter is ambiguous, its header is malformed,
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
  const tally = new CsvTally(start, input.null_text, saved);
  let savedAt = performance.now();

  yield report();
  let source = readChunks(upload(input.upload, { offset: rows.position.offset }), signal);
  if (encoding === undefined) source = untilForeign(source, setEncoding);
  for await (const chunk of source) {
    for (const row of rows.read(chunk)) tally.take(row);
    yield report();
    if (performance.now() - savedAt < saveEveryMs) continue;
    // Right before a checkpoint, so that a restart does not repeat them.
    yield* tally.logs();
    const { position } = rows;
    yield save({ version: VERSION, dialect, start, encoding, position, ...tally.state() });
    savedAt = performance.now();
  }
  for (const row of rows.read()) tally.take(row);
  yield report();
  return yield* csvReport({ input, size, dialect, start, encoding, tally });

  function report(): Yield<never, never> {
    return progress({
      done: rows.position.offset,
      total: size,
      unit: "bytes",
      stage: "profile",
      message: rowsText(tally.table.rows),
    });
  }

  function setEncoding(sample: Uint8Array): void {
    encoding = encodingOf(sample);
    rows.decodeAs(encoding.name);
  }
}
