/**
 * How a task is written: {@link defineTask} and what its generator is given.
 *
 * A task is an async generator. Each `yield` reports something and is the one point where
 * back-pressure, cancel and time-out take hold.
 *
 * @module
 */

import { type NotifyTarget, readTargets } from "./notify.ts";
import type { OutputOf, SchemaInputOf, StandardSchema } from "./standard_schema.ts";
import { readTries, type RetryOptions } from "./retry.ts";
import { type KindSchedule, readSchedule, type ScheduleOptions } from "./schedule.ts";
import { readRetention, type Retention, type RetentionOptions } from "./retention.ts";
import {
  checkLimits,
  type ConcurrencyByKey,
  type DebounceOptions,
  type RateOptions,
} from "./start_limits.ts";
import { brief } from "./text.ts";
import { MAX_STAGE_NAME, MAX_STAGES } from "./stages.ts";
import type { OutputYield, Yield } from "./yield.ts";

/** What is known of an upload. */
export interface UploadInfo {
  /** Names it in a task's input. */
  upload_id: string;
  /** Bytes. */
  size: number;
  /** SHA-256 of the content, in hex. */
  sha256: string;
  /** The file name the client gave, or `null`. */
  name: string | null;
  /** When it will be removed. ISO 8601. */
  expires_at: string;
}

/** What `run` is given. */
// deno-lint-ignore no-explicit-any -- without a schema, what this task's own `save` wrote
export interface TaskContext<Input, Checkpoint = any> {
  /** The validated input. */
  input: Input;
  /** Aborts on cancel, time-out and stop. `signal.reason` tells which. */
  signal: AbortSignal;
  /**
   * What the task last saved, as its `checkpoint` schema makes it where it has one; `undefined` at a
   * first start.
   */
  checkpoint: Checkpoint | undefined;
  /** From 1. A restart after a crash is the same attempt. */
  attempt: number;
  /** The task's id. */
  taskId: string;
  /**
   * The same text whenever this task does the step of this name, and another for any other: for the
   * idempotency key of whom the step calls. ASCII, without spaces.
   */
  stepKey(name: string): string;
  /** The bytes of an upload, from `offset` (default 0). Errors with `NotFound` when it is gone. */
  upload(uploadId: string, options?: { offset?: number }): ReadableStream<Uint8Array>;
  /** Size, name and digest of an upload. Rejects with `NotFound` when it is gone. */
  uploadInfo(uploadId: string): Promise<UploadInfo>;
}

/** What {@link defineTask} takes. */
export interface TaskOptions<
  Schema extends StandardSchema | undefined,
  Result,
  Yielded extends Yield,
  Kind extends string = string,
  Saved extends StandardSchema | undefined = undefined,
> {
  /** Names it: lower-case letters, digits, `-`, `_` and `.`, at most 64 characters. */
  kind: Kind;
  /** A sentence for the form that starts it. */
  description?: string;
  /**
   * Any Standard Schema. The input is checked when the task is submitted, and what the schema makes
   * of it is what `run` gets. The page makes a form of it where its library writes JSON Schema (Zod
   * from 4.2, ArkType, Valibot with `toStandardJsonSchema()`), and offers a box for JSON where not.
   */
  input?: Schema;
  /**
   * Any Standard Schema, of what `save()` takes. A checkpoint is checked when it is yielded and when a
   * run starts with it, and `checkpoint` is what the schema makes of it.
   */
  checkpoint?: Saved;
  /**
   * Which layout of checkpoints this code writes, from 1. Raise it when the layout changes, and give
   * `migrate`. A checkpoint of a newer version fails the attempt.
   */
  version?: number;
  /**
   * Makes a checkpoint of this version out of an older one; `undefined` starts the work from its
   * beginning. `from` is 0 for one that was saved before there was a `version`. It may be called
   * again with the same checkpoint.
   */
  migrate?(
    // deno-lint-ignore no-explicit-any -- of a layout that the types no longer have
    checkpoint: any,
    from: number,
  ): SavedOf<Saved> | undefined | Promise<SavedOf<Saved> | undefined>;
  /** What happens when an attempt fails. Without it, a failure is final. */
  retry?: RetryOptions;
  /** Milliseconds an attempt may take. Without it, as long as it likes. */
  timeout?: number;
  /** How many run at once, over the whole cluster: of the kind, or of each key. */
  concurrency?: number | ConcurrencyByKey<InputOf<Schema>>;
  /** How many runs may start in a time, over the whole cluster. The others wait. */
  rate?: RateOptions<InputOf<Schema>>;
  /**
   * A submit with the key of a task that has not begun yet replaces its input and postpones it. No
   * child, and no task of a schedule, is postponed.
   */
  debounce?: DebounceOptions<InputOf<Schema>>;
  /** Gives each run a process of its own. @default {false} */
  isolate?: boolean;
  /** Leaves it out of the page's form: only other tasks have it run, as their child. @default {false} */
  hidden?: boolean;
  /**
   * Its stages in order, each with its part of the whole: `{ download: 1, parse: 3 }`. Each gets a bar
   * of its own. At most 20, with names of at most 64 characters.
   */
  stages?: Readonly<Record<string, number>>;
  /**
   * Whom webhooks tell of its tasks, unless a submit names others: at most 5. It signs with the
   * server's `HEADWAY_WEBHOOK_SECRET`, or with the target's own secrets.
   */
  notify?: readonly NotifyTarget[];
  /** Has tasks of this kind made by themselves, at the times of a cron pattern. */
  schedule?: ScheduleOptions<GivenOf<Schema>>;
  /**
   * How long a task is kept after its end, by how it ended: `{ failed: { days: 90 } }`. Taken at the
   * submit, as the other options are. What is left out, the server's settings say.
   */
  retention?: RetentionOptions;
  /** The work. */
  run(
    context: TaskContext<InputOf<Schema>, CheckpointOf<Saved>>,
  ): AsyncGenerator<Yielded, Result, void>;
}

/** The validated input, by a definition or by its schema; `unknown` without a schema. */
export type InputOf<Of> = Of extends StandardSchema ? OutputOf<Of>
  : Of extends { readonly input: StandardSchema<infer _, infer Input> | undefined } ? Input
  : unknown;

/** What a submit takes: as {@link InputOf}, where a default may be left out. */
export type GivenOf<Of> = Of extends StandardSchema ? SchemaInputOf<Of>
  : Of extends { readonly input: StandardSchema<infer Given, infer _> | undefined } ? Given
  : unknown;

/** What a task goes on from, by its definition or by the schema of it; `any` without one. */
export type CheckpointOf<Of> = Of extends StandardSchema ? OutputOf<Of>
  : Of extends { readonly checkpoint: StandardSchema<infer _, infer Checkpoint> | undefined }
    ? Checkpoint
  // deno-lint-ignore no-explicit-any -- without a schema, the task knows what it saves
  : any;

/** What `save()` takes: as {@link CheckpointOf}, where a default may be left out. */
export type SavedOf<Of> = Of extends StandardSchema ? SchemaInputOf<Of>
  : Of extends { readonly checkpoint: StandardSchema<infer Saved, infer _> | undefined } ? Saved
  // deno-lint-ignore no-explicit-any -- likewise
  : any;

/** What a task puts out with `output()`, by its definition or by what it yields. */
export type OutputsOf<Of> = Of extends OutputYield<infer Output> ? Output
  : Of extends { run(context: never): AsyncGenerator<infer Yielded> } ? OutputsOf<Yielded>
  : unknown extends Of ? unknown
  : never;

/** What a task returns, by its definition. */
export type ResultOf<Task> = Task extends
  { run(context: never): AsyncGenerator<unknown, infer Result> } ? Result
  : unknown;

/** The marker of a task definition, the same in two copies of this module. */
export const DEFINITION: unique symbol = Symbol.for("headway.task");

/**
 * A kind of task. Made by {@link defineTask}; its type carries the kind, the input and the checkpoint
 * (as `run` has them and as they are given), the output and the result.
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
  /** Marks the value, also across two copies of this module. */
  readonly [DEFINITION]: true;
  /** See {@link TaskOptions.kind}. */
  readonly kind: Kind;
  /** See {@link TaskOptions.description}. */
  readonly description: string | undefined;
  /** See {@link TaskOptions.input}. */
  readonly input: StandardSchema<Given, Input> | undefined;
  /** See {@link TaskOptions.checkpoint}. */
  readonly checkpoint: StandardSchema<Saved, Checkpoint> | undefined;
  /** See {@link TaskOptions.version}; 0 without one. */
  readonly version: number;
  /** See {@link TaskOptions.migrate}. */
  readonly migrate:
    | ((
      // deno-lint-ignore no-explicit-any -- of a layout that the types no longer have
      checkpoint: any,
      from: number,
    ) => Saved | undefined | Promise<Saved | undefined>)
    | undefined;
  /** With its defaults filled in. */
  readonly retry: Required<RetryOptions>;
  /** Milliseconds, or `undefined` for no time-out. */
  readonly timeout: number | undefined;
  /** Cluster-wide bound, or `undefined` for none. */
  readonly concurrency: number | ConcurrencyByKey<Input> | undefined;
  /** See {@link TaskOptions.rate}. */
  readonly rate: RateOptions<Input> | undefined;
  /** See {@link TaskOptions.debounce}. */
  readonly debounce: DebounceOptions<Input> | undefined;
  /** Whether each run gets a process of its own. */
  readonly isolate: boolean;
  /** Whether the page's form leaves it out. */
  readonly hidden: boolean;
  /** See {@link TaskOptions.stages}. */
  readonly stages: Readonly<Record<string, number>> | undefined;
  /** See {@link TaskOptions.notify}; with its defaults filled in. */
  readonly notify: readonly NotifyTarget[] | undefined;
  /** See {@link TaskOptions.schedule}; with its defaults, and its input as JSON text. */
  readonly schedule: KindSchedule | undefined;
  /** Milliseconds, `null` for ever; see {@link TaskOptions.retention}. */
  readonly retention: Retention | undefined;
  /** Starts the work. */
  run(
    context: TaskContext<Input, Checkpoint>,
  ): AsyncGenerator<Yield<Output, Saved>, Result, void>;
}

/** A definition of any types, as the engine sees it. */
// deno-lint-ignore no-explicit-any -- variance: `run` takes its own input type
export type AnyTask = TaskDefinition<any, any, any, any, string, any, any>;

/** What a kind may be called. */
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
 * @throws {TypeError} If the kind's name or an option is not as described.
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
      `Cannot define task '${kind}' as 'migrate' must be a function, beside a 'version'`,
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
  // That of some libraries is a function.
  const standard = (schema as Partial<StandardSchema> | null)?.["~standard"];
  if (typeof standard?.validate === "function") return;
  throw new TypeError(
    `Cannot define task '${kind}' as '${name}' must be a schema that has '~standard', as one of Zod`,
  );
}

/** Whether a module's export is a task definition. */
export function isTask(value: unknown): value is AnyTask {
  return typeof value === "object" && value !== null &&
    (value as Partial<AnyTask>)[DEFINITION] === true;
}
