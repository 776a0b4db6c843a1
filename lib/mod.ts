/**
 * Headway's public face: what modules of tasks import, and {@link headway} for your own program.
 *
 * @example
 * ```ts
 * import { defineTask, log, progress, save } from "headway";
 * import { assert } from "@std/assert";
 *
 * export const count = defineTask({
 *   kind: "count",
 *   retry: { maxAttempts: 3 },
 *   async *run({ checkpoint }) {
 *     for (let done = checkpoint?.done ?? 0; done < 10; done++) {
 *       yield progress({ done, total: 10, unit: "steps" });
 *       yield log(`step ${done}`);
 *       yield save({ done });
 *     }
 *     return { counted: 10 };
 *   },
 * });
 * assert(count.kind === "count");
 * ```
 *
 * @module
 */

export { defineTask, DEFINITION, isTask, KIND_PATTERN } from "./task/define.ts";
export type { AnyTask, TaskDefinition } from "./task/define.ts";
export type {
  CheckpointOf,
  GivenOf,
  InputOf,
  OutputsOf,
  ResultOf,
  SavedOf,
} from "./task/types_of.ts";
export type { TaskContext, UploadInfo } from "./task/context.ts";
export type { TaskOptions } from "./task/task_options.ts";
export { artifact } from "./task/artifact.ts";
export type { ArtifactContent, ArtifactOptions } from "./task/artifact.ts";
export type { RetryOptions } from "./task/retry.ts";
export type {
  KindSchedule,
  Missed,
  Overlap,
  ScheduleOptions,
  ScheduleRule,
} from "./task/schedule.ts";
export type { ConcurrencyByKey, DebounceOptions, RateOptions } from "./task/start_limits.ts";
export { step } from "./task/step.ts";
export type { StepContext, StepOptions, StepYield } from "./task/step.ts";
export { sleep } from "./task/sleep.ts";
export type { SleepYield } from "./task/sleep.ts";
export { waitFor } from "./task/wait_for.ts";
export type { SignalOf, SignalYield, WaitOptions } from "./task/wait_for.ts";
export { children } from "./task/children.ts";
export { ChildrenError } from "./task/children_error.ts";
export type { CheckedChild, Child, ChildResult } from "./task/children.ts";
export type { ChildOutcome } from "./task/children_error.ts";
export type { ChildrenOptions, ChildrenYield, GivenChild } from "./task/children_yield.ts";
export type { OnFailure } from "./task/child.ts";
export type { Duration } from "./task/duration.ts";
export { log, output, progress, save, YIELD, yieldType } from "./task/yield.ts";
export type {
  AnsweredYield,
  ArtifactInfo,
  ArtifactPart,
  ArtifactYield,
  GivenLevel,
  LogYield,
  OutputYield,
  Progress,
  ProgressYield,
  SaveYield,
  Yield,
} from "./task/yield.ts";
export type { LogLevel } from "./task/log_level.ts";
export type {
  OutputOf,
  SchemaInputOf,
  StandardIssue,
  StandardProps,
  StandardResult,
  StandardSchema,
} from "./task/standard_schema.ts";
export type { FailedAttempt, OnError } from "./task/on_error.ts";
export type { FinishedStatus, Retention, RetentionOptions } from "./task/retention.ts";
export type { NotifyEvent, NotifyTarget } from "./task/notify.ts";
export { FinalError } from "./task/final_error.ts";
export { pause } from "./task/delay.ts";
export { isFinished, STATUSES } from "./task/record.ts";
export type {
  ArtifactRecord,
  ChildCounts,
  StageProgress,
  Status,
  StepRow,
  TaskError,
  TaskKeys,
  TaskRecord,
  WaitingFor,
} from "./task/record.ts";
export { headway } from "./headway.ts";
export type {
  CloseOptions,
  Headway,
  HeadwayOptions,
  KindsGiven,
  ListQuery,
  Optional,
  SubmitHere,
  TaskPage,
  WatchHere,
} from "./headway.ts";
export type { Settings } from "./config/config.ts";
export type { Authorize, Visitor } from "./http/authorize.ts";
export type { Scope } from "./http/tokens.ts";
