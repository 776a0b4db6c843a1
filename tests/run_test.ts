import { assertEquals, assertStringIncludes } from "@std/assert";
import { tempDir } from "./helpers/temp_dir.ts";
import { LONGEST, SUITE, summaryLine, testArguments, totals } from "./run.ts";

const RUNNER = new URL("./run.ts", import.meta.url).pathname;

/** Runs `run.ts` on one test file with this source. */
async function run(source: string, ...flags: string[]): Promise<{ lines: string[]; code: number }> {
  await using directory = await tempDir();
  const path = `${directory.path}/sample_test.ts`;
  await Deno.writeTextFile(path, source);
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-lock", RUNNER, path, ...flags],
    env: { NO_COLOR: "1" },
    stderr: "null",
  }).output();
  return { lines: new TextDecoder().decode(stdout).trimEnd().split("\n"), code };
}

Deno.test("testArguments() runs the suite unless a path is named", () => {
  const suite = SUITE;
  assertEquals(suite.slice(-4), ["lib", "tests", "README.md", "docs"]);
  const tail = (...args: string[]) => testArguments(args, { jobs: 1 }).slice(7);
  assertEquals(tail(), suite);
  assertEquals(tail("--filter", "eta", "--fail-fast"), [
    "--filter",
    "eta",
    "--fail-fast",
    ...suite,
  ]);
  assertEquals(tail("--filter=eta", "tests/a_test.ts"), ["--filter=eta", "tests/a_test.ts"]);
});

Deno.test("LONGEST names files that exist", async () => {
  for (const path of LONGEST) {
    assertEquals((await Deno.stat(new URL(`../${path}`, import.meta.url))).isFile, true, path);
  }
});

Deno.test("testArguments() runs files in parallel only when asked to", () => {
  assertEquals(testArguments([], { jobs: 1 }).includes("--parallel"), false);
  assertEquals(testArguments([], { jobs: 2 }).includes("--parallel"), true);
});

Deno.test("totals() reads the runner's last line", () => {
  const expected: [string, number, string][] = [
    ["ok | 52 passed | 0 failed (433ms)\n\n", 0, "52 passed, 0 failed"],
    [
      "FAILED | 1 passed (2 steps) | 3 failed (1 step) | 1 ignored (1 step) (220ms)\n",
      1,
      "1 passed, 3 failed, 1 skipped",
    ],
    ["\x1b[32mok\x1b[0m | 2 passed | 0 failed | 4 filtered out (9ms)\n", 0, "2 passed, 0 failed"],
    ["ok | 3 passed | 0 failed (9ms)\n", 1, "3 passed, 1 failed"],
    ["error: Type checking failed.\n", 1, "0 passed, 1 failed"],
    ["", 0, "0 passed, 1 failed"],
  ];
  for (const [output, code, line] of expected) {
    assertEquals(summaryLine(totals(output, code)), line);
  }
});

Deno.test("run.ts shows the output and ends with the summary", async () => {
  const { lines, code } = await run(`
    Deno.test("passes", async (t) => { await t.step("a step", () => {}); });
    Deno.test.ignore("waits", () => {});
  `);
  assertEquals([lines.at(-1), code], ["1 passed, 0 failed, 1 skipped", 0]);
  assertStringIncludes(lines.join("\n"), "a step ... ok");
});

Deno.test("run.ts counts a file that fails outside of a test", async () => {
  const { lines, code } = await run(`throw new Error("at the top");`);
  assertEquals([lines.at(-1), code], ["0 passed, 1 failed", 1]);
});

Deno.test("run.ts fails when the tests cannot be compiled", async () => {
  const { lines, code } = await run(`const text: string = 1; Deno.test("never", () => {});`);
  assertEquals([lines.at(-1), code], ["0 passed, 1 failed", 1]);
});

Deno.test("run.ts fails when no test ran", async () => {
  const { lines, code } = await run(`Deno.test("passes", () => {});`, "--filter", "nothing");
  assertEquals([lines.at(-1), code], ["0 passed, 0 failed", 1]);
});
