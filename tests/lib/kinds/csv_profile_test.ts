import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { csvProfile, profileCsv } from "../../../lib/kinds/csv_profile.ts";
import type { CsvProfile } from "../../../lib/kinds/csv_report.ts";
import type { CsvProfileInput } from "../../../lib/kinds/csv_input.ts";
import { type LogYield, type SaveYield, yieldType } from "headway";
import { collect, taskContext, type TaskContextOptions } from "../../helpers/task_context.ts";

const encoder = new TextEncoder();

interface Run {
  yields: unknown[];
  logs: LogYield[];
  saves: unknown[];
  /** How many rows were logged before each checkpoint. */
  told: number[];
  result: CsvProfile;
}

/** Profiles a file, saving after each chunk. Checkpoints pass through JSON, as in the engine. */
async function profile(
  file: string | Uint8Array,
  input: Partial<CsvProfileInput> = {},
  options: TaskContextOptions = {},
): Promise<Run> {
  const bytes = typeof file === "string" ? encoder.encode(file) : file;
  const context = taskContext({ upload: "u", ...input }, { bytes, ...options });
  const { yields, result } = await collect(profileCsv(context, 0));
  const logs = yields.filter((value): value is LogYield => yieldType(value) === "log");
  const saves = yields.filter((value) => yieldType(value) === "save")
    .map((value) => JSON.parse(JSON.stringify((value as SaveYield<unknown>).data)));
  const told: number[] = [];
  let count = 0;
  for (const value of yields) {
    if (yieldType(value) === "log") count++;
    else if (yieldType(value) === "save") told.push(count);
  }
  return { yields, logs, saves, told, result };
}

/** Like {@link profile}, with the message of a failure as its result. */
async function outcome(
  file: Uint8Array,
  input: Partial<CsvProfileInput>,
  options: TaskContextOptions,
): Promise<Pick<Run, "logs" | "saves" | "told"> & { result: CsvProfile | string }> {
  try {
    return await profile(file, input, options);
  } catch (error) {
    return { logs: [], saves: [], told: [], result: (error as Error).message };
  }
}

Deno.test("csvProfile gives the whole profile of a small file", async () => {
  const file = 'id;name;born\r\n1;"Ada; Countess";1815-12-10\r\n\r\n2;;1912-06-23\r\n';
  const { result, logs } = await profile(file);
  const common = { nulls: 0, distinct: 2, distinct_exact: true };
  assertEquals(result, {
    size: file.length,
    encoding: "utf-8",
    delimiter: ";",
    header_line: 1,
    rows: 2,
    malformed: 0,
    warnings: [],
    column_count: 3,
    columns: [
      { name: "id", type: "integer", ...common, min: 1, max: 2, mean: 1.5 },
      {
        name: "name",
        type: "string",
        nulls: 1,
        distinct: 1,
        distinct_exact: true,
        min: "Ada; Countess",
        max: "Ada; Countess",
        min_length: 13,
        max_length: 13,
      },
      {
        name: "born",
        type: "date",
        ...common,
        min: "1815-12-10",
        max: "1912-06-23",
        min_length: 10,
        max_length: 10,
      },
    ],
  });
  assertEquals(logs, []);
});

Deno.test("csvProfile of an empty file gives no rows and no columns", async () => {
  for (const file of ["", "\ufeff", "\n\r\n"]) {
    const { rows, columns } = (await profile(file)).result;
    assertEquals({ rows, columns }, { rows: 0, columns: [] });
  }
});

Deno.test("csvProfile of a header alone gives its columns, of type empty", async () => {
  for (const file of ["a,b", "\ufeffa,b\r\n"]) {
    const { result } = await profile(file);
    assertEquals(result.rows, 0);
    assertEquals(result.columns.map(({ name, type }) => `${name} ${type}`), ["a empty", "b empty"]);
  }
});

Deno.test("csvProfile counts the first row if the input says that there is no header", async () => {
  const { result } = await profile("1,x\n2,y\n", { header: false });
  assertEquals(result.rows, 2);
  assertEquals(result.columns.map((column) => column.name), ["column_1", "column_2"]);
});

Deno.test("csvProfile takes cells that contain null_text as blank", async () => {
  const file = "n,code\n1,NA\n NA ,US\n3,NAM\n,NA\n";
  const { result } = await profile(file, { null_text: "NA" });
  const of = ({ type, nulls, distinct, mean }: CsvProfile["columns"][number]) => [
    type,
    nulls,
    distinct,
    mean,
  ];
  assertEquals(result.columns.map(of), [["integer", 2, 2, 2], ["string", 2, 2, undefined]]);
  assertEquals((await profile(file)).result.columns.map(of)[0], ["mixed", 1, 3, undefined]);
});

Deno.test("csvProfile uses the delimiter that it is given", async () => {
  const { result } = await profile("a b,c\n1 2\n3 4\n", { delimiter: " " });
  assertEquals([result.rows, result.columns[1]!.name], [2, "b,c"]);
});

Deno.test("csvProfile warns of each malformed row, with its line, and goes on", async () => {
  const { logs, result } = await profile(
    'a,b\n1,2\n1\n"x"y,2\n3,"4\n5,6\n7,8,9\n0,0\n0,0\n',
  );
  assertEquals(
    logs.map(({ level, message }) => `${level}: ${message}`),
    [
      "warn: Line 3 is malformed: 1 cell instead of 2",
      "warn: Line 4 is malformed: text after a closing quote",
      "warn: Line 5 is malformed: a quote is not closed",
      "warn: Line 7 is malformed: 3 cells instead of 2",
      "warn: 4 rows were left out as malformed",
    ],
  );
  assertEquals(result.warnings, ["4 rows were left out as malformed"]);
  assertEquals(logs[0]!.data, { line: 3, reason: "1 cell instead of 2" });
  assertEquals([result.rows, result.malformed], [4, 4]);
});

Deno.test("csvProfile reads a quote that does not begin a cell as text", async () => {
  const { logs, result } = await profile('id,part\n1,5" pipe\n2,6" pipe\n3,plain\n');
  assertEquals([result.rows, result.malformed, logs.length], [3, 0, 0]);
  assertEquals(result.columns[1]!.max, "plain");
});

Deno.test("csvProfile fails if most rows are malformed, also when it resumes from a checkpoint", async () => {
  const unfit = (problem: string) =>
    `Cannot profile the file as ${problem}. ` +
    'Give "skip_lines" or "delimiter" if its header or delimiter is a different one';
  await assertRejects(
    () => profile("Report of 2026\na;b\nx;y\n"),
    Error,
    unfit("none of its 2 rows is well-formed, the first at line 2: 2 cells instead of 1"),
  );
  const rows = `a,b\n1,2\n3\n${"4\n".repeat(1000)}${"5,6\n".repeat(1000)}`;
  const half = await profile(rows, {}, { chunkSize: () => 500 });
  assertEquals([half.result.rows, half.result.malformed], [1001, 1001]);
  const problem = unfit(
    "1002 of its 2003 rows are malformed, the first at line 3: 1 cell instead of 2",
  );
  for (const checkpoint of half.saves) {
    await assertRejects(() => profile(`${rows}7\n`, {}, { checkpoint }), Error, problem);
  }
});

Deno.test("csvProfile starts over if its checkpoint has another layout", async () => {
  const file = "a\n1\n2\n";
  const checkpoint = { position: { offset: 4, line: 3, skipping: false }, table: { rows: 99 } };
  const { result } = await profile(file, {}, { checkpoint });
  assertEquals(result, (await profile(file)).result);
});

Deno.test("csvProfile warns of the first 100 malformed rows, and only counts further ones", async () => {
  const { logs, result } = await profile(`a,b\n${"x\n".repeat(150)}${"1,2\n".repeat(150)}`);
  assertEquals(logs.length, 102);
  assertEquals(logs[100]!.message, "Further malformed rows are only counted");
  assertEquals([result.rows, result.malformed], [150, 150]);
});

Deno.test("csvProfile warns once of what it cannot decode, and marks that column's count as inexact", async () => {
  const file = encoder.encode(`id,x\n${"1,é\n".repeat(40_000)}2,?\n2,?\n`);
  file[file.length - 2] = 0xff;
  file[file.length - 6] = 0xfe;
  const { logs, result } = await profile(file);
  assertEquals(result.warnings, ["From line 40002 on, some of it is not utf-8: it became U+FFFD"]);
  assertEquals(logs.map((row) => row.message), result.warnings);
  assertEquals(result.columns.map((it) => it.distinct_exact), [true, false]);
});

Deno.test("csvProfile refuses a malformed header", async () => {
  await assertRejects(
    () => profile('a,"b"c\n1,2\n'),
    Error,
    "Cannot read the header as line 1 is malformed: text after a closing quote",
  );
});

Deno.test("csvProfile loses one row to a stray quote in a large file, and one to a line of megabytes", async () => {
  const rows = "1,abcdefghij\n".repeat(100_000);
  assert(rows.length > 1_048_576);
  const stray = await profile(`a,b\n2,"oops\n${rows}`);
  assertEquals([stray.result.rows, stray.result.malformed], [100_000, 1]);
  const long = await profile(`a,b\n${"x".repeat(3_000_000)}\n1,2\n`);
  assertEquals([long.result.rows, long.result.malformed], [1, 1]);
});

Deno.test("csvProfile reports progress in bytes and rows, and it never goes back", async () => {
  const file = `a,b\n${"1,2\n".repeat(50_000)}`;
  const { yields } = await profile(file, {}, { chunkSize: () => 10_000 });
  const reports = yields.filter((value) => yieldType(value) === "progress") as {
    done: number;
    total: number;
    unit: string;
    message: string;
  }[];
  assert(reports.length > 20);
  for (const [i, { done }] of reports.entries()) assert(i === 0 || done >= reports[i - 1]!.done);
  const { done, total, unit, message } = reports.at(-1)!;
  assertEquals({ done, total, unit, message }, {
    done: file.length,
    total: file.length,
    unit: "bytes",
    message: "50000 rows",
  });
});

Deno.test("csvProfile stops when its signal aborts", async () => {
  const controller = new AbortController();
  const bytes = encoder.encode("a,b\n" + "1,2\n".repeat(100_000));
  const options = { bytes, signal: controller.signal };
  const run = profileCsv(taskContext({ upload: "u" }, options));
  await run.next();
  controller.abort(new Error("Cancel was asked for"));
  await assertRejects(
    async () => {
      for await (const _ of run);
    },
    Error,
    "Cancel was asked for",
  );
});

Deno.test("csvProfile's input refuses a delimiter that cannot separate cells", async () => {
  const { validate } = csvProfile.input!["~standard"];
  assertEquals(await validate({ upload: "u" }), { value: { upload: "u" } });
  for (const delimiter of ["", '"', "\n", "\r", ",,"]) {
    assert("issues" in await validate({ upload: "u", delimiter }), JSON.stringify(delimiter));
  }
  for (const delimiter of [" ", "\t", "¦", "😀"]) {
    assert(!("issues" in await validate({ upload: "u", delimiter })), JSON.stringify(delimiter));
  }
});

/** Files as people have them: well-formed or not, with any line end, in UTF-8 or not. */
const files = fc.tuple(
  fc.constantFrom("", "\ufeff"),
  fc.constantFrom("\n", "\r\n", "\r"),
  fc.array(
    fc.array(
      fc.constantFrom(
        ...["", "1", "-2.5", "x", "é😀", '"q"', '"a""b"', '"1,2"', '"l1\nl2"', '"l1\r\nl2"'],
        ...[" 7 ", "true", "2024-02-29", '"open', 'st"ray', '"x"y', "\0", "\\", "1e308", "-1e308"],
      ),
      { minLength: 1, maxLength: 4 },
    ),
    { maxLength: 40 },
  ),
  fc.boolean(),
).map(([bom, end, rows, utf8]) => {
  const text = bom + ["a,b,c", ...rows.map((row) => row.join(","))].join(end);
  const bytes = encoder.encode(text);
  // Without its lead byte, an é or an emoji is not UTF-8.
  return utf8 ? bytes : bytes.filter((byte) => byte !== 0xc3 && byte !== 0xf0);
});

Deno.test("csvProfile gives the same profile however the upload is cut", async () => {
  await fc.assert(
    fc.asyncProperty(
      files,
      fc.infiniteStream(fc.integer({ min: 1, max: 7 })),
      async (file, sizes) => {
        const whole = await outcome(file, {}, {});
        const cut = await outcome(file, {}, { chunkSize: () => sizes.next().value! });
        assertEquals(cut.result, whole.result);
        assertEquals(cut.logs, whole.logs);
      },
    ),
    { numRuns: 200 },
  );
});

Deno.test("csvProfile gives the same profile from any of its checkpoints, and no warning twice", async () => {
  const inputs = fc.record({ header: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(
      files,
      inputs,
      fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 5, maxLength: 5 }),
      fc.array(fc.nat(), { minLength: 3, maxLength: 3 }),
      async (file, input, sizes, picks) => {
        let turn = 0;
        const chunkSize = () => sizes[turn++ % sizes.length]!;
        const whole = await outcome(file, input, { chunkSize });
        let run = whole;
        // Stopped and resumed three times.
        for (const pick of picks) {
          if (run.saves.length === 0) return;
          const at = pick % run.saves.length;
          const rest = run.logs.slice(run.told[at]);
          run = await outcome(file, input, { chunkSize, checkpoint: run.saves[at] });
          assertEquals(run.result, whole.result);
          assertEquals(run.logs, rest);
        }
      },
    ),
    { numRuns: 200 },
  );
});

Deno.test("csvProfile resumes from a checkpoint within a line too long to keep", async () => {
  const file = `a,b\n1,2\n${"x".repeat(2_500_000)}\n3,4\n`;
  const whole = await profile(file);
  assertEquals([whole.result.rows, whole.result.malformed], [2, 1]);
  for (const checkpoint of whole.saves) {
    assertEquals((await profile(file, {}, { checkpoint })).result, whole.result);
  }
});

Deno.test("csvProfile takes an encoding by its standard name, and says that name for another label", async () => {
  const problem = async (encoding: unknown) => {
    const checked = await csvProfile.input!["~standard"].validate({ upload: "u", encoding });
    return checked.issues?.[0]?.message;
  };
  assertEquals(await problem("gbk"), undefined);
  assertEquals(
    await problem("latin1"),
    'Expected "windows-1252", as the Encoding Standard calls it',
  );
  for (const unknown of ["klingon", "", 7]) {
    assertStringIncludes((await problem(unknown))!, "Expected one of utf-8, utf-16le,");
  }
});
