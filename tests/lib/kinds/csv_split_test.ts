import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { yieldType } from "headway";
import { runTask } from "headway/testing";
import { findBorders } from "../../../lib/kinds/csv_borders.ts";
import type { CsvProfileInput, CsvSplitInput } from "../../../lib/kinds/csv_input.ts";
import { csvPart, type CsvPartInput, profilePart } from "../../../lib/kinds/csv_part.ts";
import { csvProfile, profileCsv } from "../../../lib/kinds/csv_profile.ts";
import type { CsvProfile } from "../../../lib/kinds/csv_report.ts";
import { csvSplit, splitCsv } from "../../../lib/kinds/csv_split.ts";
import type { TallyState } from "../../../lib/kinds/csv_tally.ts";
import { collect, taskContext } from "../../helpers/task_context.ts";

const encoder = new TextEncoder();

interface Cut {
  /** Bytes of a part, at least. */
  part: number;
  /** Bytes of a chunk. */
  chunk: () => number;
}

/** The result of a kind, or the message of its error. */
async function outcome<T>(work: () => Promise<T>): Promise<T | string> {
  try {
    return await work();
  } catch (error) {
    return (error as Error).message;
  }
}

async function whole(bytes: Uint8Array, input: Partial<CsvProfileInput>): Promise<CsvProfile> {
  return (await collect(profileCsv(taskContext({ upload: "u", ...input }, { bytes })))).result;
}

/** Runs the kind as the engine does: runs the children it asks for, and hands it their results. */
async function split(
  bytes: Uint8Array,
  input: Partial<CsvProfileInput>,
  { part, chunk }: Cut,
): Promise<CsvProfile & { parts: number }> {
  const given: CsvSplitInput = { upload: "u", parts: 100, ...input };
  const options = { bytes, chunkSize: chunk };
  const run = splitCsv(taskContext(given, options), part);
  for (let step = await run.next();; step = await run.next()) {
    if (step.done) return step.value;
    const asked = step.value as { entries?: { input: CsvPartInput }[]; answer?: unknown };
    const kept = step.value as unknown as { part?: { kept?: unknown } };
    if (kept.part && "kept" in kept.part) kept.part.kept = { name: "report.md", size: 1, type: "" };
    if (yieldType(step.value) !== "children") continue;
    asked.answer = await Promise.all(asked.entries!.map(async ({ input }) => {
      const read = await csvPart.input!["~standard"].validate(structuredClone(input));
      assert(!read.issues, JSON.stringify(read.issues));
      const { result } = await collect(profilePart(taskContext(read.value, options), 0));
      return JSON.parse(JSON.stringify(result)) as TallyState;
    }));
  }
}

/**
 * What both kinds must agree on: not the last digits of a mean, nor a count of different values
 * that is not exact.
 */
function alike(found: CsvProfile | string): unknown {
  if (typeof found === "string") return found;
  const { parts: _, ...profile } = found as CsvProfile & { parts?: number };
  return {
    ...profile,
    columns: profile.columns.map(({ mean, ...column }) => ({
      ...column,
      distinct: column.distinct_exact ? column.distinct : 0,
      mean: mean === undefined ? undefined : Number(mean.toPrecision(9)),
    })),
  };
}

const CELLS = fc.constantFrom(
  ...["", "1", "-2.5", "x", "é😀", '"q"', '"a""b"', '"1,2"', '"l1\nl2"', '"l1\r\nl2"', "007"],
  ...[" 7 ", "true", "2024-02-29", '"open', 'st"ray', '"x"y', "\0", "\\", "ÿ".repeat(150), "NA"],
);

/** Files as people have them: well-formed or not, with any line end, in UTF-8 or not. */
const FILES = fc.tuple(
  fc.constantFrom("", "\ufeff"),
  fc.constantFrom("\n", "\r\n", "\r"),
  fc.array(fc.array(CELLS, { minLength: 1, maxLength: 4 }), { maxLength: 40 }),
  fc.constantFrom("utf-8", "broken", "utf-16le"),
).map(([bom, end, rows, how]) => {
  const text = bom + ["a,b,c", ...rows.map((row) => row.join(","))].join(end);
  const bytes = encoder.encode(text);
  if (how === "utf-8") return bytes;
  if (how === "broken") return bytes.filter((byte) => byte !== 0xc3 && byte !== 0xf0);
  const units = Uint16Array.from(`\ufeff${text}`, (_, i) => `\ufeff${text}`.charCodeAt(i));
  return new Uint8Array(units.buffer);
});

Deno.test("csvSplit gives the same profile as csvProfile, however the file is cut", async () => {
  let parts = 0;
  await fc.assert(
    fc.asyncProperty(
      FILES,
      fc.record({ header: fc.boolean(), null_text: fc.constant("NA") }, { requiredKeys: [] }),
      fc.integer({ min: 1, max: 120 }),
      fc.infiniteStream(fc.integer({ min: 1, max: 40 })),
      async (file, input, part, sizes) => {
        const chunk = () => sizes.next().value!;
        const found = await outcome(() => split(file, input, { part, chunk }));
        assertEquals(alike(found), alike(await outcome(() => whole(file, input))));
        if (typeof found !== "string") parts = Math.max(parts, found.parts);
      },
    ),
    { numRuns: 250 },
  );
  assert(parts > 5, `${parts} parts`);
});

Deno.test("findBorders() puts borders only between rows, even if lines of a quoted cell look like rows", async () => {
  const cell = `"${"1,2\n".repeat(30)}"`;
  const file = encoder.encode(`a,b\n${`x,${cell}\n`.repeat(20)}`);
  const { result: { borders } } = await collect(
    findBorders(taskContext({ upload: "u" }, { bytes: file, chunkSize: () => 50 }), () => 200, 0),
  );
  assert(borders.length > 5);
  for (const { offset } of borders.slice(1)) assertEquals(file[offset], "x".charCodeAt(0));
});

Deno.test("csvSplit leaves out a line too long to keep, or an unclosed quote, as csvProfile does", async () => {
  const rows = "1,abcdefghij\n".repeat(100_000);
  for (const file of [`a,b\n2,"oops\n${rows}`, `a,b\n1,2\n${"x".repeat(2_500_000)}\n3,4\n`]) {
    const bytes = encoder.encode(file);
    const found = await split(bytes, {}, { part: 65_536, chunk: () => 65_536 });
    assertEquals(alike(found), alike(await whole(bytes, {})));
    assert(found.parts > 1);
  }
});

Deno.test("csvSplit never counts more different values than there are when it cannot remember them all", async () => {
  const n = 6000;
  const bytes = encoder.encode(`id,x\n${Array.from({ length: n }, (_, i) => `${i},7\n`).join("")}`);
  const { columns: [id, x], rows } = await split(bytes, {}, { part: 10_000, chunk: () => 4096 });
  assertEquals([rows, id!.distinct_exact, x!.distinct, x!.distinct_exact], [n, false, 1, true]);
  assert(id!.distinct > 500 && id!.distinct <= n, `${id!.distinct}`);
});

Deno.test("csvPart gives the same result from any of its checkpoints", async () => {
  const bytes = encoder.encode(`a,b\n${'1,"x\ny"\n2\n'.repeat(300)}`);
  const context = (more: object) => ({ bytes, chunkSize: () => 50, ...more });
  const { result: found } = await collect(
    findBorders(taskContext({ upload: "u" }, context({})), () => 1000, 0),
  );
  const [, from, to] = found.borders;
  const input: CsvPartInput = {
    ...{ upload: "u", from: from!, to: to!, dialect: found.dialect, encoding: "utf-8" },
    ...found.table!,
  };
  const { yields, result } = await collect(profilePart(taskContext(input, context({})), 0));
  assert(result.table.rows > 10 && result.malformed > 10);
  const saves = yields.filter((it) => yieldType(it) === "save") as { data: unknown }[];
  assert(saves.length > 2);
  for (const { data } of saves) {
    const checkpoint = JSON.parse(JSON.stringify(data));
    const again = await collect(profilePart(taskContext(input, context({ checkpoint })), 0));
    assertEquals(again.result, result);
  }
});

/** Options that run the children of kind `csv-part` for real. */
function options(uploads: Record<string, File>) {
  return {
    uploads,
    children: {
      "csv-part": async (input: unknown) =>
        (await runTask(csvPart, input as CsvPartInput, { uploads })).result,
    },
  };
}

Deno.test("csvSplit gives the same result and report, whatever yield it is cut off at", async () => {
  const rows = Array.from({ length: 8000 }, (_, i) => `${i},"city, ${i % 7}"\n`).join("");
  const upload = new File([`id,*city*\n${rows}only one\n`], "a|b.csv");
  const with_ = options({ u: upload });
  const whole = await runTask(csvSplit, { upload: "u", parts: 4 }, with_);
  const { parts, ...profile } = whole.result!;
  assertEquals([parts, profile.rows, profile.malformed], [2, 8000, 1]);
  assertEquals(alike(profile), alike((await runTask(csvProfile, { upload: "u" }, with_)).result!));
  const [report] = whole.artifacts;
  assertEquals([report!.name, report!.type], ["report.md", "text/markdown; charset=utf-8"]);
  const text = new TextDecoder().decode(report!.bytes);
  assertStringIncludes(text, "# a\\|b.csv\n\n8000 rows, 2 columns, ");
  assertStringIncludes(text, "| \\*city\\* | string | 0 | 7 | city, 0 | city, 6 |  |\n");
  for (let crashAfter = 1; crashAfter <= whole.yields; crashAfter++) {
    const { result, artifacts, record } = await runTask(
      csvSplit,
      { upload: "u", parts: 4 },
      { ...with_, crashAfter },
    );
    assertEquals([result, record.attempt], [whole.result, 1]);
    assertEquals(artifacts, whole.artifacts);
  }
});

Deno.test("csvSplit makes one part of a file that is too small to split, has only a header, or is empty", async () => {
  for (
    const [file, rows, columns] of [["a,b\n1,2\n", 1, 2], ["a,b\n", 0, 2], ["", 0, 0]] as const
  ) {
    const { result } = await runTask(
      csvSplit,
      { upload: "u" },
      options({ u: new File([file], "x") }),
    );
    assertEquals([result!.rows, result!.column_count, result!.parts], [rows, columns, 1]);
  }
});

Deno.test("csvSplit fails with the same message as csvProfile", async () => {
  for (const file of ["%PDF-1.7 …", 'a,"b"c\n1,2\n', "Report of 2026\na;b\nx;y\n"]) {
    const with_ = options({ u: new File([file], "x") });
    const one = await runTask(csvProfile, { upload: "u" }, with_);
    const other = await runTask(csvSplit, { upload: "u" }, with_);
    assertEquals([other.status, other.error!.message], ["failed", one.error!.message]);
  }
});
