/**
 * The kind `csv-split`: finds out what is in an uploaded CSV file, with many tasks at once. An
 * example of children and an artifact.
 *
 * @module
 */

import { artifact, children, defineTask, progress } from "headway";
import type { TaskContext, TaskDefinition, Yield } from "headway";
import { type CsvBorders, findBorders } from "./csv_borders.ts";
import { type CsvSplitGiven, type CsvSplitInput, csvSplitInput } from "./csv_input.ts";
import { csvPart, type CsvPartInput } from "./csv_part.ts";
import { type CsvProfile, csvReport, rowsText } from "./csv_report.ts";
import { CsvTally } from "./csv_tally.ts";
import { profileMarkdown } from "./profile_markdown.ts";

/** A part with fewer bytes is not worth a task. */
const MIN_PART_BYTES = 50_000;
/** Parts under way at once: other tasks want to run, too. */
const CONCURRENCY = 8;

/** What `csv-split` ends with: what `csv-profile` does, and how many parts it took. */
export interface CsvSplitResult extends CsvProfile {
  /** Tasks that profiled a part each. */
  parts: number;
}

/**
 * Profiles an uploaded CSV file as `csv-profile` does, in parts: finds borders between rows, has a
 * task profile each part, and puts together what they found, as the result and as the artifact
 * `report.md`. A restart goes on from where it was; no part is counted twice.
 */
export const csvSplit: TaskDefinition<
  CsvSplitInput,
  never,
  CsvSplitResult,
  CsvSplitGiven,
  "csv-split",
  CsvBorders
> = defineTask({
  kind: "csv-split",
  description: "The same as csv-profile, in parts that run in parallel, with a report as a file",
  input: csvSplitInput,
  // Finding a border takes a tenth of what profiling does.
  stages: { split: 1, profile: 9 },
  run: (context: TaskContext<CsvSplitInput>) => splitCsv(context),
});

/**
 * The work of {@link csvSplit}.
 *
 * @param minPartBytes Bytes of a part, at least.
 * @throws {Error} Where `csv-profile` would.
 */
export async function* splitCsv(
  context: TaskContext<CsvSplitInput>,
  minPartBytes: number = MIN_PART_BYTES,
): AsyncGenerator<Yield<never, CsvBorders>, CsvSplitResult, void> {
  const { input, uploadInfo } = context;
  const found = yield* findBorders(
    context,
    (size) => Math.max(minPartBytes, Math.ceil(size / input.parts)),
  );
  const parts = partsOf(input, found);
  yield progress({ stage: "profile", message: `${parts.length} parts` });
  const profiled = yield* children(
    "parts",
    parts.map((part) => ({ kind: csvPart, input: part })),
    { concurrency: CONCURRENCY, onFailure: "cancel" },
  );
  const tally = new CsvTally(found.start, input.null_text, tableOf(found));
  for (const part of profiled) tally.merge(part);
  const { size, name } = await uploadInfo(input.upload);
  const profile = yield* csvReport({ input, size, ...found, tally });
  const rows = profiled.map(({ table, malformed }, n) => ({
    line: parts[n]!.from.line,
    rows: table.rows,
    malformed,
  }));
  yield* artifact("report.md", profileMarkdown(name ?? input.upload, profile, rows), {
    type: "text/markdown; charset=utf-8",
  });
  yield progress({ message: rowsText(profile.rows) });
  return { ...profile, parts: parts.length };
}

function partsOf(
  { upload, null_text }: CsvSplitInput,
  { dialect, start, encoding, borders, table }: CsvBorders,
): CsvPartInput[] {
  const { width, names, line } = table ?? { width: 0, names: [], line: start.line };
  const common = {
    upload,
    dialect,
    encoding: (encoding?.name ?? "utf-8") as CsvPartInput["encoding"],
    line,
    width,
    names,
    ...(start.decimal === undefined ? {} : { decimal: start.decimal }),
    ...(null_text === undefined ? {} : { null_text }),
  };
  return borders.map((from, n) => ({ ...common, from, to: borders[n + 1] ?? null }));
}

/** The table without its rows. */
function tableOf({ table }: CsvBorders): ConstructorParameters<typeof CsvTally>[2] {
  const { width = 0, names = [] } = table ?? {};
  return { table: { rows: 0, width, names, columns: [] }, malformed: 0 };
}
