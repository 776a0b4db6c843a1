import type { TaskContext } from "./context.ts";
import type { NotifyTarget } from "./notify.ts";
import type { RetentionOptions } from "./retention.ts";
import type { RetryOptions } from "./retry.ts";
import type { ScheduleOptions } from "./schedule.ts";
import type { StandardSchema } from "./standard_schema.ts";
import type { ConcurrencyByKey, DebounceOptions, RateOptions } from "./start_limits.ts";
import type { CheckpointOf, GivenOf, InputOf, SavedOf } from "./types_of.ts";
import type { Yield } from "./yield.ts";

/** What {@link ./define.ts defineTask} takes. */
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
