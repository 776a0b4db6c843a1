/**
 * Runs a task to its end in this process, as Headway would: {@link runTask}.
 *
 * @module
 */

import { checkInput } from "../child/check_input.ts";
import { checkpointText } from "../task/checkpoint_text.ts";
import type { AnyTask } from "../task/define.ts";
import type { GivenOf, SavedOf } from "../task/types_of.ts";
import { pathText, toJson } from "../task/json_value.ts";
import { FakeClock } from "./fake_clock.ts";
import type { TestEvent, TestRun } from "./test_events.ts";
import { TestChildren } from "./test_children.ts";
import { TestedTask } from "./tested_task.ts";
import { type TestUpload, TestUploads } from "./test_uploads.ts";

/** The options of {@link runTask}. */
export type RunTaskOptions<Task> = TestCheckpoint<Task> & {
  /**
   * Cuts the first run off after this many yields, as a crash would: no `finally` block runs. The
   * next run starts from the last checkpoint, in the same attempt.
   */
  crashAfter?: number;
  /** Cancels the task when it aborts. */
  signal?: AbortSignal;
  /** The clock that `pause()`, `sleep()`, time-outs and retries go by. @default {a new one} */
  clock?: FakeClock;
  /** The signals to send, by name: each is there when the task waits for it. */
  signals?: Readonly<Record<string, unknown>>;
  /**
   * The functions that stand in for children, by kind: each is called with a child's input, as the
   * task gave it, and returns the child's result. A child whose function throws has failed; another
   * attempt of the task calls it again.
   */
  children?: Readonly<Record<string, (input: unknown) => unknown>>;
  /** The content of uploads, by id. The name of a `File` is that of the upload. */
  uploads?: Readonly<Record<string, TestUpload>>;
  /** How many bytes of an upload the task gets at once. @default {65536} */
  chunkBytes?: number;
};

/** The checkpoint that a tested task starts from, and the version that saved it if that differs. */
export type TestCheckpoint<Task> =
  | { checkpoint?: SavedOf<Task>; version?: undefined }
  | { checkpoint: unknown; version: number };

/**
 * Runs a task to its end: in this process, without a server, and without waiting. The code that
 * runs real tasks reads its input, yields, checkpoints, progress and errors, and it is retried as
 * its `retry` says.
 *
 * @example
 * ```ts
 * import { defineTask, progress, save } from "headway";
 * import { runTask } from "headway/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const count = defineTask({
 *   kind: "count",
 *   async *run({ checkpoint }) {
 *     for (let done: number = checkpoint?.done ?? 0; done < 3; done++) {
 *       yield progress({ done, total: 3 });
 *       yield save({ done: done + 1 });
 *     }
 *     return "counted";
 *   },
 * });
 * const { status, result, events } = await runTask(count, null, { crashAfter: 3 });
 * assertEquals([status, result], ["completed", "counted"]);
 * assertEquals(events.find(({ type }) => type === "crash")?.data, {
 *   after: 3,
 *   checkpoint: { done: 1 },
 * });
 * ```
 *
 * @throws {TypeError} If the input is invalid, or JSON cannot hold it or the checkpoint.
 * @throws {RangeError} If a numeric option is not a whole number from 1, or the task yields more
 * than 100,000 times.
 */
export async function runTask<Task extends AnyTask>(
  task: Task,
  input?: GivenOf<Task>,
  options: RunTaskOptions<Task> = {},
): Promise<TestRun<Task>> {
  const { crashAfter, chunkBytes = 64 * 1024, clock = new FakeClock(), uploads = {} } = options;
  const { signals = {} } = options;
  for (const [name, value = 1] of Object.entries({ crashAfter, chunkBytes })) {
    if (Number.isSafeInteger(value) && value >= 1) continue;
    throw new RangeError(
      `Cannot run '${task.kind}' as '${name}' must be a whole number from 1: ` +
        `current value is ${value}`,
    );
  }
  const tested = new TestedTask({
    task,
    ...await checked(task, input),
    checkpoint: storedCheckpoint(task, options),
    crashAfter,
    signal: options.signal,
    clock,
    signals: sent(signals),
    children: new TestChildren(options.children ?? {}),
    uploads: new TestUploads(uploads, chunkBytes),
  });
  await tested.run();
  const { events, stack, result, record, record: { status, error } } = tested;
  const run = {
    status,
    result,
    error,
    ...(status === "failed" ? { stack } : {}),
    events,
    dataOf: (type: string) => events.filter((event) => event.type === type).map(({ data }) => data),
    outputs: outputsOf(events),
    artifacts: tested.artifacts,
    checkpoint: tested.checkpoint,
    yields: tested.yields,
    record,
  };
  return run as TestRun<Task>;
}

/** The data of all outputs, without those that a rewind took back. */
function outputsOf(events: readonly TestEvent<AnyTask>[]): unknown[] {
  let rows: { seq: number; data: unknown }[] = [];
  for (const { type, data } of events) {
    if (type === "output") rows.push(data);
    else if (type === "rewind") rows = rows.filter(({ seq }) => seq <= data.after);
  }
  return rows.map(({ data }) => data);
}

/** The JSON texts of the signals, as they are stored. */
function sent(signals: Readonly<Record<string, unknown>>): Map<string, string> {
  const use = { what: "runTask()", root: "signals", exact: false };
  return new Map(Object.entries(signals).map(([name, value]) => [name, toJson(value, use)]));
}

/** Checks the input, and returns what is stored of it. */
async function checked(task: AnyTask, given: unknown) {
  const json = given === undefined
    ? null
    : toJson(given, { what: "runTask()", root: "input", exact: false });
  const checked = await checkInput(task, json);
  if (!("issues" in checked)) return checked;
  const [{ path, message }] = checked.issues as [typeof checked.issues[0]];
  throw new TypeError(`Cannot run '${task.kind}': ${pathText("input", path)}: ${message}`);
}

function storedCheckpoint(
  task: AnyTask,
  { checkpoint, version = task.version ?? 0 }: {
    checkpoint?: unknown;
    version?: number | undefined;
  },
): string | null {
  if (checkpoint === undefined) return null;
  const json = toJson(checkpoint, { what: "runTask()", root: "checkpoint", exact: true });
  return checkpointText(json, version);
}
