/**
 * Which uses of task definitions must compile, and which must not. These tests pass once this file
 * compiles.
 *
 * @module
 */

import {
  type AnyTask,
  type CheckpointOf,
  defineTask,
  type GivenOf,
  type InputOf,
  log,
  output,
  type OutputsOf,
  progress,
  type ResultOf,
  save,
  type SavedOf,
  type StandardSchema,
  type TaskContext,
  type TaskDefinition,
  type TaskOptions,
  type Yield,
} from "headway";
import { z } from "zod";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true
  : false;

/** Compiles only for `true`. */
function holds<_Claim extends true>(): void {}

const importCsv = defineTask({
  kind: "import-csv",
  input: z.object({ upload: z.string(), limit: z.number().default(10) }),
  checkpoint: z.object({ offset: z.number(), since: z.coerce.date<string>().optional() }),
  async *run({ input, checkpoint }) {
    holds<Equal<typeof input, { upload: string; limit: number }>>();
    holds<
      Equal<typeof checkpoint, { offset: number; since?: Date | undefined } | undefined>
    >();
    yield 1;
    yield "a message";
    yield progress({ done: 1 });
    yield log("row");
    yield output({ row: 1 });
    yield output("text");
    yield save({ offset: 1 });
    yield save({ offset: 1, since: "2026-01-01" });
    return { rows: input.limit };
  },
});

const bare = defineTask({
  kind: "bare",
  async *run({ checkpoint }) {
    let offset: number = checkpoint?.offset ?? 0;
    yield save({ offset: offset++ });
  },
});

Deno.test("a definition's type has its kind, input, outputs, result and checkpoint", () => {
  type Csv = typeof importCsv;
  holds<Equal<Csv["kind"], "import-csv">>();
  holds<Equal<InputOf<Csv>, { upload: string; limit: number }>>();
  holds<Equal<GivenOf<Csv>, { upload: string; limit?: number | undefined }>>();
  holds<Equal<OutputsOf<Csv>, { row: number } | string>>();
  holds<Equal<ResultOf<Csv>, { rows: number }>>();
  holds<Equal<CheckpointOf<Csv>, { offset: number; since?: Date | undefined }>>();
  holds<Equal<SavedOf<Csv>, { offset: number; since?: string | undefined }>>();
  type Bare = typeof bare;
  holds<Equal<Bare["kind"], "bare">>();
  // deno-lint-ignore no-explicit-any -- as in 0.1
  holds<Equal<CheckpointOf<Bare>, any>>();
  holds<Equal<[InputOf<Bare>, GivenOf<Bare>, OutputsOf<Bare>], [unknown, unknown, never]>>();
  holds<Equal<ResultOf<Bare>, void>>();
  const any: AnyTask[] = [importCsv, bare];
  void any;
});

Deno.test("a submit with a definition's type takes only its kind and its input", () => {
  function submit<Task extends AnyTask = AnyTask>(
    _kind: Task["kind"],
    _input?: GivenOf<Task>,
  ): void {}
  submit<typeof importCsv>("import-csv", { upload: "u" });
  // @ts-expect-error A kind that is spelled wrong.
  submit<typeof importCsv>("import-cvs", { upload: "u" });
  // @ts-expect-error No text where a number is.
  submit<typeof importCsv>("import-csv", { upload: "u", limit: "7" });
  submit("any-kind", { anything: true });
  submit("any-kind");
});

Deno.test("save() does not compile with a value that the checkpoint schema refuses", () => {
  const checkpoint = z.object({ offset: z.number() });
  defineTask({
    kind: "k",
    checkpoint,
    // @ts-expect-error A wrong field.
    async *run() {
      yield save({ wrong: 1 });
    },
  });
  defineTask({
    kind: "k",
    checkpoint,
    // @ts-expect-error One of them is wrong.
    async *run() {
      yield output(1);
      yield save({ offset: 1 });
      yield save({ offset: "1" });
    },
  });
});

Deno.test("migrate() must return what the checkpoint schema takes, and gets a checkpoint of any type", () => {
  const checkpoint = z.object({ offset: z.number() });
  const options = { kind: "k", checkpoint, version: 2, async *run() {} } as const;
  defineTask({ ...options, migrate: (old, from) => from === 0 ? undefined : { offset: old.line } });
  defineTask({ ...options, migrate: (old: { line: number }) => ({ offset: old.line }) });
  // deno-lint-ignore require-await -- it may be async
  defineTask({ ...options, migrate: async ({ line }) => ({ offset: line }) });
  defineTask({
    ...options,
    // @ts-expect-error A wrong field.
    migrate: (old) => ({ line: old.line }),
  });
});

Deno.test("definitions written for Headway 0.1 compile", () => {
  interface Count {
    upTo: number;
  }
  const input = z.object({ upTo: z.number() });
  const named: TaskDefinition<Count, number, string, Count> = defineTask({
    kind: "named",
    input,
    run: (context: TaskContext<Count>) => count(context),
  });
  async function* count(
    { input, checkpoint }: TaskContext<Count>,
  ): AsyncGenerator<Yield<number>, string, void> {
    for (let n: number = checkpoint?.n ?? 0; n < input.upTo; n++) {
      yield output(n);
      yield save({ n });
    }
    return "done";
  }
  function withRetries<
    Schema extends StandardSchema | undefined,
    Result,
    Yielded extends Yield,
  >(options: TaskOptions<Schema, Result, Yielded>) {
    return defineTask({ ...options, retry: { maxAttempts: 3 } });
  }
  const wrapped = withRetries({ kind: "wrapped", input, run: count });
  holds<Equal<ResultOf<typeof wrapped>, string>>();
  const wide: TaskDefinition = defineTask({ kind: "wide", async *run() {} });
  defineTask<void, Yield>({ kind: "explicit", async *run() {} });
  holds<Equal<(typeof named)["kind"], string>>();
  holds<Equal<ResultOf<typeof named>, string>>();
  holds<Equal<OutputsOf<typeof named>, number>>();
  // By a schema, and by what is yielded.
  holds<Equal<InputOf<typeof input>, { upTo: number }>>();
  holds<Equal<GivenOf<typeof input>, { upTo: number }>>();
  holds<Equal<OutputsOf<Yield<7>>, 7>>();
  void wide;
});

Deno.test("InputOf, GivenOf, ResultOf and OutputsOf are unknown without a definition, any for AnyTask", () => {
  holds<
    Equal<
      [InputOf<undefined>, GivenOf<undefined>, ResultOf<undefined>],
      [unknown, unknown, unknown]
    >
  >();
  holds<Equal<OutputsOf<unknown>, unknown>>();
  // deno-lint-ignore no-explicit-any -- any task
  holds<Equal<[InputOf<AnyTask>, GivenOf<AnyTask>, ResultOf<AnyTask>], [any, any, any]>>();
  holds<Equal<AnyTask["kind"], string>>();
});

Deno.test("a limit's key function gets the input as the schema returns it, and must return text", () => {
  defineTask({
    kind: "limited",
    input: z.object({ tenant: z.string(), limit: z.number().default(10) }),
    concurrency: {
      limit: 1,
      key(input) {
        holds<Equal<typeof input, { tenant: string; limit: number }>>();
        return input.tenant;
      },
    },
    rate: { limit: 1, per: { minutes: 1 }, key: ({ tenant }) => tenant },
    debounce: { wait: 1000, key: ({ tenant }) => tenant },
    async *run() {},
  });
  defineTask({
    kind: "limited",
    input: z.object({ n: z.number() }),
    // @ts-expect-error -- a key is text
    concurrency: { limit: 1, key: ({ n }) => n },
    async *run() {},
  });
});
