import { progress, save, type TaskContext, type Yield } from "headway";
import { type CsvStart, detectCsv, readStart } from "./csv_detect.ts";
import type { CsvProfileInput } from "./csv_input.ts";
import { type CsvPosition, CsvRows } from "./csv_rows.ts";
import { CsvTally } from "./csv_tally.ts";
import { readChunks } from "./read_chunks.ts";
import { encodingOf } from "./text_encoding.ts";
import { untilForeign } from "./until_foreign.ts";

/** Milliseconds between two checkpoints. */
const SAVE_EVERY_MS = 500;
/** The layout of a checkpoint. */
const VERSION = 1;

/** How a CSV file is to be read in parts. */
export interface CsvBorders extends CsvStart {
  /** The layout of this; a checkpoint with another one is not used. */
  version: 1;
  /** Where to go on looking; `null` once all of the file was seen. */
  position: CsvPosition | null;
  /** Where each part begins. */
  borders: CsvPosition[];
  /** The columns, once the first row was seen, and the line from which on rows count. */
  table: { width: number; names: string[]; line: number } | null;
}

/**
 * Finds out where a CSV file can be cut between two rows. For that, all before must be read, as a line
 * end may be in quotes. It looks at no value, and so takes a small part of what profiling takes.
 *
 * @param partBytes Bytes of a part, at least.
 * @param saveEveryMs Milliseconds between two checkpoints; 0 saves after each chunk of the file.
 * @throws {Error} If the file is not CSV, its delimiter is ambiguous, or its header is malformed.
 */
export async function* findBorders(
  { input, signal, checkpoint, upload, uploadInfo }: TaskContext<CsvProfileInput>,
  partBytes: (size: number) => number,
  saveEveryMs: number = SAVE_EVERY_MS,
): AsyncGenerator<Yield<never, CsvBorders>, CsvBorders, void> {
  const given = checkpoint as CsvBorders | undefined;
  const saved = given?.version === VERSION ? given : undefined;
  if (saved?.position === null) return saved;
  const { size } = await uploadInfo(input.upload);
  const { dialect, start, encoding: known } = saved ??
    detectCsv(await readStart(readChunks(upload(input.upload), signal)), input);
  let encoding = known;
  const rows = new CsvRows(dialect, encoding?.name, saved?.position ?? undefined);
  const borders = saved?.borders ?? [rows.position];
  const least = partBytes(size);
  // Takes rows up to the first well-formed one, which gives the columns.
  const first = new CsvTally(start, input.null_text);
  let table = saved?.table ?? null;
  let savedAt = performance.now();

  yield report();
  let source = readChunks(upload(input.upload, { offset: rows.position.offset }), signal);
  if (encoding === undefined) source = untilForeign(source, setEncoding);
  for await (const chunk of source) {
    look(chunk);
    const { position } = rows;
    if (position.offset - borders.at(-1)!.offset >= least && position.offset < size) {
      borders.push(position);
    }
    yield report();
    if (performance.now() - savedAt < saveEveryMs) continue;
    yield save(found(position));
    savedAt = performance.now();
  }
  look();
  const all = found(null);
  // The borders must stay as they are: parts are made from them.
  yield save(all);
  yield report();
  return all;

  function look(chunk?: Uint8Array): void {
    for (const row of rows.read(chunk)) {
      if (table !== null) continue;
      first.take(row);
      const { width, names } = first.table.state();
      if (width === 0) continue;
      table = { width, names, line: start.header ? row.line + 1 : start.line };
    }
  }

  function found(position: CsvPosition | null): CsvBorders {
    return { version: VERSION, dialect, start, encoding, position, borders: [...borders], table };
  }

  function report(): Yield<never, never> {
    // In percent, as tasks are counted later.
    return progress({
      progress: size === 0 ? 100 : 100 * rows.position.offset / size,
      stage: "split",
    });
  }

  function setEncoding(sample: Uint8Array): void {
    encoding = encodingOf(sample);
    rows.decodeAs(encoding.name);
  }
}
