// deno-lint-ignore-file no-console -- prints for the person who runs the tests
/**
 * Runs the tests and ends with one line alone: `12 passed, 0 failed`, with `, 1 skipped` if any.
 *
 * `deno task test` runs the whole suite, documentation examples included; paths and flags of
 * `deno test` are passed on. HEADWAY_TEST_JOBS sets how many test files run at once (default 2).
 *
 * The figures are those of the runner's own last line: its JUnit report leaves out a file that
 * fails outside of a test, counts each step as a test, and each test that `--filter` left out as
 * skipped.
 *
 * @module
 */

/** The result of a run. */
export interface Totals {
  /** Tests that passed. Steps do not count. */
  passed: number;
  /** Tests that failed, and files that failed outside of a test. */
  failed: number;
  /** Tests marked as ignored. */
  skipped: number;
}

/**
 * The files that take longest, the longest first. Deno begins files that are named before those
 * that it finds in folders: a long one that began last would leave a core idle for all of its time.
 */
export const LONGEST = [
  "tests/cluster/contract_test.ts",
  "tests/model/model_test.ts",
  "tests/cluster/cluster_test.ts",
  "tests/crash/crash_test.ts",
  "tests/e2e/accessibility_test.ts",
  "tests/e2e/client_test.ts",
];

/** The suite, where no path is named. */
export const SUITE = [...LONGEST, "lib", "tests", "README.md", "docs"];

/** Flags of `deno test` that take the next argument as their value. */
const VALUE_FLAGS = new Set([
  "--filter",
  "--reporter",
  "--retry",
  "--repeats",
  "--shard",
  "--related",
  "--seed",
  "--preload",
  "--coverage-threshold",
]);

/** The arguments of `deno` for a run of the suite, or of what `args` names. */
export function testArguments(
  args: readonly string[],
  { jobs }: { jobs: number },
): string[] {
  const named = args.some((arg, index) =>
    !arg.startsWith("-") && !VALUE_FLAGS.has(args[index - 1] ?? "")
  );
  return [
    "test",
    "-A",
    "--lock=tests/deno.lock",
    "--no-prompt",
    "--trace-leaks",
    "--doc",
    "--ignore=tests/bench",
    ...(jobs > 1 ? ["--parallel"] : []),
    ...args,
    ...(named ? [] : SUITE),
  ];
}

/**
 * The totals by the output of `deno test` and its exit code. A run that ended before its summary,
 * or failed without a failed test (a leak, a threshold), counts as one failure.
 */
export function totals(output: string, code: number): Totals {
  // deno-lint-ignore no-control-regex -- colors
  const plain = output.replace(/\x1b\[[0-9;]*m/g, "");
  const summary = [...plain.matchAll(
    /^(?:ok|FAILED) \| (\d+) passed(?: \([^)]*\))? \| (\d+) failed(?: \([^)]*\))?(?: \| (\d+) ignored)?[^\n]*$/gm,
  )].at(-1);
  if (summary === undefined) return { passed: 0, failed: 1, skipped: 0 };
  const [passed = 0, failed = 0, skipped = 0] = summary.slice(1).map((text) => Number(text ?? 0));
  return { passed, failed: failed === 0 && code !== 0 ? 1 : failed, skipped };
}

/** The line a run ends with. */
export function summaryLine({ passed, failed, skipped }: Totals): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}

/** Characters of the output's end that hold the summary, even with a coverage table after it. */
const TAIL = 20_000;

/** Milliseconds to wait for a process that outlived its test and keeps the pipe open. */
const GRACE = 10_000;

/** Runs `deno test`, shows its output as it comes, and gives the last of it and the exit code. */
async function runTests(args: string[], jobs: number): Promise<{ tail: string; code: number }> {
  const child = new Deno.Command(Deno.execPath(), {
    args,
    env: {
      DENO_JOBS: String(jobs),
      // A pipe would turn the colors off.
      ...(Deno.stdout.isTerminal() && !Deno.noColor ? { FORCE_COLOR: "1" } : {}),
    },
    stdout: "piped",
  }).spawn();
  const decoder = new TextDecoder();
  let tail = "";
  const shown = child.stdout.pipeTo(
    new WritableStream({
      async write(chunk): Promise<void> {
        tail = (tail + decoder.decode(chunk, { stream: true })).slice(-TAIL);
        for (let at = 0; at < chunk.length;) at += await Deno.stdout.write(chunk.subarray(at));
      },
    }),
  );
  const { code } = await child.status;
  const { promise: late, resolve } = Promise.withResolvers<void>();
  setTimeout(resolve, GRACE);
  await Promise.race([shown, late]);
  return { tail, code };
}

if (import.meta.main) {
  const jobs = Math.max(1, Math.trunc(Number(Deno.env.get("HEADWAY_TEST_JOBS") ?? 2)) || 1);
  const { tail, code } = await runTests(testArguments(Deno.args, { jobs }), jobs);
  const result = totals(tail, code);
  console.log(summaryLine(result));
  Deno.exit(result.failed === 0 && result.passed > 0 ? 0 : 1);
}
