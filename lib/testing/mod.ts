/**
 * Runs tasks in tests: in process, without a server, without waiting, and with a crash where you
 * want one.
 *
 * @example
 * ```ts
 * import { defineTask, output } from "headway";
 * import { runTask } from "headway/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const double = defineTask({
 *   kind: "double",
 *   async *run({ input }) {
 *     yield output(2 * Number(input));
 *   },
 * });
 * assertEquals((await runTask(double, 21)).outputs, [42]);
 * ```
 *
 * @module
 */

export { runTask } from "./run_task.ts";
export type { RunTaskOptions, TestCheckpoint } from "./run_task.ts";
export { FakeClock } from "./fake_clock.ts";
export type {
  TestArtifactRow,
  TestCrash,
  TestEnd,
  TestEvent,
  TestLog,
  TestOutput,
  TestRetry,
  TestRewind,
  TestRun,
} from "./test_events.ts";
export type { TestArtifact } from "./test_artifacts.ts";
export type { TestUpload } from "./test_uploads.ts";
