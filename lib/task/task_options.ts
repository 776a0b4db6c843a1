import type { TaskContext } from "./context.ts";
import type { NotifyTarget } from "./notify.ts";
import type { RetentionOptions } from "./retention.ts";
import type { RetryOptions } from "./retry.ts";
import type { ScheduleOptions } from "./schedule.ts";
import type { StandardSchema } from "./standard_schema.ts";
import type { ConcurrencyByKey, DebounceOptions, RateOptions } from "./start_limits.ts";
import type { CheckpointOf, GivenOf, InputOf, SavedOf } from "./types_of.ts";
import type { Yield } from "./yield.ts";

/** The options of {@link ./define.ts defineTask}. */
export interface TaskOptions<
  Schema extends StandardSchema | undefined,
  Result,
  Yielded extends Yield,
  Kind extends string = string,
  Saved extends StandardSchema | undefined = undefined,
> {
  /** The name of the kind: at most 64 lower-case letters, digits, `-`, `_` and `.`. */
  kind: Kind;
  /** A sentence about the kind, shown in the page's form. */
  description?: string;
  /**
   * The schema of the input, of any library with Standard Schema. The input is checked when the
   * task is submitted, and `run` gets what the schema returns. The page shows a form for it if the
   * library writes JSON Schema (Zod from 4.2, ArkType, Valibot with `toStandardJsonSchema()`), and
   * otherwise a text box for JSON.
   */
  input?: Schema;
  /**
   * The schema of what `save()` takes, of any library with Standard Schema. A checkpoint is checked
   * when it is yielded and when a run starts from it, and `run` gets what the schema returns.
   */
  checkpoint?: Saved;
  /**
   * The version of the checkpoints that this code writes, a whole number from 1. Raise it when
   * their layout changes, and give `migrate`. A checkpoint of a newer version fails the attempt.
   */
  version?: number;
  /**
   * Turns a checkpoint of version `from` into one of this version; returning `undefined` starts the
   * work from its beginning. `from` is 0 for a checkpoint that was saved without a `version`. It
   * may be called more than once for the same checkpoint.
   */
  migrate?(
    // deno-lint-ignore no-explicit-any -- of a layout that the types no longer have
    checkpoint: any,
    from: number,
  ): SavedOf<Saved> | undefined | Promise<SavedOf<Saved> | undefined>;
  /** How failed attempts are retried. Without it, the first failure is final. */
  retry?: RetryOptions;
  /** Milliseconds that an attempt may take. Without it, there is no limit. */
  timeout?: number;
  /** How many tasks of the kind, or with the same key, run at once in the whole cluster. */
  concurrency?: number | ConcurrencyByKey<InputOf<Schema>>;
  /** How many runs may start in a given time in the whole cluster. The others wait. */
  rate?: RateOptions<InputOf<Schema>>;
  /**
   * A submit with the key of a task that has not begun replaces the input of that task and
   * postpones it. This does not apply to children and to tasks of schedules.
   */
  debounce?: DebounceOptions<InputOf<Schema>>;
  /** Gives each run a task process of its own. @default {false} */
  isolate?: boolean;
  /** Leaves the kind out of the page's form, as for one that runs as a child. @default {false} */
  hidden?: boolean;
  /**
   * The stages in order, each with its weight, a positive number: `{ download: 1, parse: 3 }`. Each
   * has a bar of its own. At most 20, with names of at most 64 characters.
   */
  stages?: Readonly<Record<string, number>>;
  /**
   * The targets of webhooks about its tasks, unless a submit names others: at most 5. Webhooks are
   * signed with the target's own secrets, or else with the server's `HEADWAY_WEBHOOK_SECRET`.
   */
  notify?: readonly NotifyTarget[];
  /** Makes tasks of this kind at the times of a cron pattern. */
  schedule?: ScheduleOptions<GivenOf<Schema>>;
  /**
   * How long a task is kept after its end, by how it ended: `{ failed: { days: 90 } }`. The value
   * at the time of its submit counts; without one, the server's settings apply.
   */
  retention?: RetentionOptions;
  /** The work: called each time the task starts, or starts again. */
  run(
    context: TaskContext<InputOf<Schema>, CheckpointOf<Saved>>,
  ): AsyncGenerator<Yielded, Result, void>;
}
