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

/** What {@link runTask} takes beside the input. */
export type RunTaskOptions<Task> = TestCheckpoint<Task> & {
  /**
   * Cuts the first run off after so many yields, as a crash would: no `finally` runs. The next run
   * starts from the last checkpoint, in the same attempt.
   */
  crashAfter?: number;
  /** Cancels the task when it aborts. */
  signal?: AbortSignal;
  /** What `pause()`, time-outs and the waits between attempts go by. @default {a new one} */
  clock?: FakeClock;
  /** The signals that are sent, by name: each is there when the task waits for it. */
  signals?: Readonly<Record<string, unknown>>;
  /**
   * What children do, by their kinds: each is called once for each child, with its input as the task
   * gave it, and returns the result. One that throws has failed.
   */
  children?: Readonly<Record<string, (input: unknown) => unknown>>;
  /** The uploads that there are, by id. The name of a `File` is that of the upload. */
  uploads?: Readonly<Record<string, TestUpload>>;
  /** Bytes of an upload that the task gets at once. @default {65536} */
  chunkBytes?: number;
};

/** What a tested task starts from, and the version of the code that saved it, if another. */
export type TestCheckpoint<Task> =
  | { checkpoint?: SavedOf<Task>; version?: undefined }
  | { checkpoint: unknown; version: number };

/**
 * Runs a task to its end: in this process, without a server, and without waiting. Its input, yields,
 * checkpoints, progress and errors are read by what runs real tasks, and it is tried again as its
 * `retry` says.
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
 * @throws {TypeError} If the input does not fit, or it or the checkpoint cannot be kept as JSON.
 * @throws {RangeError} If a number is not a whole one from 1, or the task yields 100,000 times.
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

/** What it put out and was not taken back. */
function outputsOf(events: readonly TestEvent<AnyTask>[]): unknown[] {
  let rows: { seq: number; data: unknown }[] = [];
  for (const { type, data } of events) {
    if (type === "output") rows.push(data);
    else if (type === "rewind") rows = rows.filter(({ seq }) => seq <= data.after);
  }
  return rows.map(({ data }) => data);
}

/** Signals as they are stored. */
function sent(signals: Readonly<Record<string, unknown>>): Map<string, string> {
  const use = { what: "runTask()", root: "signals", exact: false };
  return new Map(Object.entries(signals).map(([name, value]) => [name, toJson(value, use)]));
}

/** The input as it is stored. */
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
