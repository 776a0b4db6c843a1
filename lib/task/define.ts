/**
 * Defines kinds of tasks: {@link defineTask} and the {@link TaskDefinition} that it returns.
 *
 * A task is an async generator. Each `yield` reports something and is the one point where
 * back-pressure, cancel and time-out take hold.
 *
 * @module
 */

import type { TaskContext } from "./context.ts";
import { type NotifyTarget, readTargets } from "./notify.ts";
import { readRetention, type Retention } from "./retention.ts";
import { readTries, type RetryOptions } from "./retry.ts";
import { type KindSchedule, readSchedule } from "./schedule.ts";
import { MAX_STAGE_NAME, MAX_STAGES } from "./stages.ts";
import type { StandardSchema } from "./standard_schema.ts";
import {
  checkLimits,
  type ConcurrencyByKey,
  type DebounceOptions,
  type RateOptions,
} from "./start_limits.ts";
import type { TaskOptions } from "./task_options.ts";
import { brief } from "./text.ts";
import type { CheckpointOf, GivenOf, InputOf, OutputsOf, SavedOf } from "./types_of.ts";
import type { Yield } from "./yield.ts";

/** Marks a task definition. A registered symbol, so that every copy of this module has the same. */
export const DEFINITION: unique symbol = Symbol.for("headway.task");

/**
 * A kind of task, as {@link defineTask} returns it. Its type parameters are the name of the kind,
 * the input and the checkpoint (both as `run` gets them and as they are given), the output and the
 * result.
 */
export interface TaskDefinition<
  Input = unknown,
  Output = unknown,
  Result = unknown,
  Given = Input,
  Kind extends string = string,
  // deno-lint-ignore no-explicit-any -- without a schema, the task knows what it saves
  Checkpoint = any,
  Saved = Checkpoint,
> {
  /** Marks the value as a task definition. */
  readonly [DEFINITION]: true;
  /** See {@link TaskOptions.kind}. */
  readonly kind: Kind;
  /** See {@link TaskOptions.description}. */
  readonly description: string | undefined;
  /** See {@link TaskOptions.input}. */
  readonly input: StandardSchema<Given, Input> | undefined;
  /** See {@link TaskOptions.checkpoint}. */
  readonly checkpoint: StandardSchema<Saved, Checkpoint> | undefined;
  /** See {@link TaskOptions.version}; 0 if none is given. */
  readonly version: number;
  /** See {@link TaskOptions.migrate}. */
  readonly migrate:
    | ((
      // deno-lint-ignore no-explicit-any -- of a layout that the types no longer have
      checkpoint: any,
      from: number,
    ) => Saved | undefined | Promise<Saved | undefined>)
    | undefined;
  /** See {@link TaskOptions.retry}; defaults are filled in. */
  readonly retry: Required<RetryOptions>;
  /** Milliseconds that an attempt may take; `undefined` for no time-out. */
  readonly timeout: number | undefined;
  /** See {@link TaskOptions.concurrency}; `undefined` for no limit. */
  readonly concurrency: number | ConcurrencyByKey<Input> | undefined;
  /** See {@link TaskOptions.rate}. */
  readonly rate: RateOptions<Input> | undefined;
  /** See {@link TaskOptions.debounce}. */
  readonly debounce: DebounceOptions<Input> | undefined;
  /** Whether each run gets a process of its own. */
  readonly isolate: boolean;
  /** Whether the page's form leaves the kind out. */
  readonly hidden: boolean;
  /** See {@link TaskOptions.stages}. */
  readonly stages: Readonly<Record<string, number>> | undefined;
  /** See {@link TaskOptions.notify}; defaults are filled in. */
  readonly notify: readonly NotifyTarget[] | undefined;
  /** See {@link TaskOptions.schedule}; defaults are filled in, and the input is JSON text. */
  readonly schedule: KindSchedule | undefined;
  /** See {@link TaskOptions.retention}; in milliseconds, `null` for ever. */
  readonly retention: Retention | undefined;
  /** Starts a run: called each time the task starts, or starts again. */
  run(
    context: TaskContext<Input, Checkpoint>,
  ): AsyncGenerator<Yield<Output, Saved>, Result, void>;
}

/** A task definition with any type parameters. */
// deno-lint-ignore no-explicit-any -- variance: `run` takes its own input type
export type AnyTask = TaskDefinition<any, any, any, any, string, any, any>;

/** The pattern that the name of a kind must match. */
export const KIND_PATTERN = /^[a-z0-9][a-z0-9._-]{0,63}$/;

/**
 * Defines a kind of task.
 *
 * @example The simplest task is three lines
 * ```ts
 * import { defineTask } from "headway";
 * import { assertEquals } from "@std/assert";
 *
 * const countdown = defineTask({
 *   kind: "countdown",
 *   async *run() {
 *     for (let percent = 0; percent <= 100; percent += 10) yield percent;
 *     return "lift-off";
 *   },
 * });
 * assertEquals(countdown.retry.maxAttempts, 1);
 * ```
 *
 * @throws {TypeError} If the kind's name or another option is invalid; the message names it.
 */
export function defineTask<
  Result,
  Yielded extends Yield<unknown, SavedOf<Saved>>,
  Schema extends StandardSchema | undefined = undefined,
  Kind extends string = string,
  Saved extends StandardSchema | undefined = undefined,
>(
  options: TaskOptions<Schema, Result, Yielded, Kind, Saved>,
): TaskDefinition<
  InputOf<Schema>,
  OutputsOf<Yielded>,
  Result,
  GivenOf<Schema>,
  Kind,
  CheckpointOf<Saved>,
  SavedOf<Saved>
> {
  const { kind, version = 0, concurrency, rate, debounce } = options;
  if (typeof kind !== "string" || !KIND_PATTERN.test(kind)) {
    throw new TypeError(
      `Cannot define a task as 'kind' must be 1 to 64 of a-z, 0-9, '.', '_' and '-': current value is ${
        JSON.stringify(kind)
      }`,
    );
  }
  const what = `define task '${kind}'`;
  const { retry, timeout } = readTries(what, options);
  checkLimits(what, { concurrency, rate, debounce });
  checkStages(kind, options.stages);
  const notify = readTargets(kind, options.notify);
  checkSchema(kind, "input", options.input);
  checkSchema(kind, "checkpoint", options.checkpoint);
  if (options.version !== undefined && !(Number.isSafeInteger(version) && version >= 1)) {
    throw new TypeError(
      `Cannot define task '${kind}' as 'version' must be a whole number from 1: current value is ${
        String(version)
      }`,
    );
  }
  if (options.migrate !== undefined && (typeof options.migrate !== "function" || version === 0)) {
    throw new TypeError(
      `Cannot define task '${kind}' as 'migrate' must be a function, and needs a 'version'`,
    );
  }
  if (typeof options.run !== "function") {
    throw new TypeError(
      `Cannot define task '${kind}' as 'run' must be an async generator function`,
    );
  }
  return Object.freeze({
    [DEFINITION]: true as const,
    kind,
    description: options.description,
    input: options.input as StandardSchema<GivenOf<Schema>, InputOf<Schema>> | undefined,
    checkpoint: options.checkpoint as
      | StandardSchema<SavedOf<Saved>, CheckpointOf<Saved>>
      | undefined,
    version,
    migrate: options.migrate?.bind(options),
    retry,
    timeout,
    concurrency: typeof concurrency === "object" ? Object.freeze({ ...concurrency }) : concurrency,
    rate: rate && Object.freeze({ ...rate }),
    debounce: debounce && Object.freeze({ ...debounce }),
    isolate: options.isolate ?? false,
    hidden: options.hidden ?? false,
    stages: options.stages && Object.freeze({ ...options.stages }),
    notify: notify && Object.freeze(notify),
    schedule: readSchedule(what, options.schedule),
    retention: readRetention(kind, options.retention),
    run: options.run.bind(options) as TaskDefinition<
      InputOf<Schema>,
      OutputsOf<Yielded>,
      Result,
      GivenOf<Schema>,
      Kind,
      CheckpointOf<Saved>,
      SavedOf<Saved>
    >["run"],
  });
}

function checkStages(kind: string, stages: unknown): void {
  if (stages === undefined) return;
  const given = typeof stages === "object" && stages !== null && !Array.isArray(stages)
    ? Object.entries(stages)
    : [];
  const fit = given.every(([name, weight]) =>
    name !== "" && brief(name, MAX_STAGE_NAME) === name && Number.isFinite(weight) && weight > 0
  );
  if (fit && given.length >= 1 && given.length <= MAX_STAGES) return;
  throw new TypeError(
    `Cannot define task '${kind}' as 'stages' must be 1 to ${MAX_STAGES} names of at most ` +
      `${MAX_STAGE_NAME} characters, each with a positive number`,
  );
}

function checkSchema(kind: string, name: string, schema: unknown): void {
  if (schema === undefined) return;
  // In some libraries a schema is a function, not an object.
  const standard = (schema as Partial<StandardSchema> | null)?.["~standard"];
  if (typeof standard?.validate === "function") return;
  throw new TypeError(
    `Cannot define task '${kind}' as '${name}' must be a schema that has '~standard', such as one of Zod`,
  );
}

/** Whether a module's export is a task definition. */
export function isTask(value: unknown): value is AnyTask {
  return typeof value === "object" && value !== null &&
    (value as Partial<AnyTask>)[DEFINITION] === true;
}
