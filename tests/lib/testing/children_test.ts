import { assert, assertEquals } from "@std/assert";
import { type ChildOutcome, children, ChildrenError, defineTask, step } from "headway";
import { runTask } from "headway/testing";
import { z } from "zod";

const square = defineTask({
  kind: "square",
  input: z.number(),
  // deno-lint-ignore require-yield -- a task that has nothing to tell
  async *run({ input }) {
    return input ** 2;
  },
});

const name = defineTask({
  kind: "name",
  // deno-lint-ignore require-yield -- likewise
  async *run() {
    return "ann";
  },
});

/** A task that adds the squares of 0 to `count` − 1, each from a child. */
function adding(count: number) {
  return defineTask({
    kind: "adding",
    retry: { maxAttempts: 2 },
    async *run() {
      const entries = Array.from({ length: count }, (_, input) => ({ kind: square, input }));
      const squares: number[] = yield* children("squares", entries);
      yield "added";
      return squares.reduce((sum, it) => sum + it, 0);
    },
  });
}

Deno.test("children() makes each child once, whatever yield a crash cuts its parent off at", async () => {
  const whole = await runTask(adding(4), null, {
    children: { square: (input) => (input as number) ** 2 },
  });
  assertEquals([whole.status, whole.result], ["completed", 14]);
  assertEquals(whole.record.children, {
    total: 4,
    completed: 4,
    failed: 0,
    canceled: 0,
    running: 0,
  });
  for (let crashAfter = 1; crashAfter <= whole.yields; crashAfter++) {
    const made: unknown[] = [];
    const { result, record } = await runTask(adding(4), null, {
      crashAfter,
      children: {
        square(input) {
          made.push(input);
          return (input as number) ** 2;
        },
      },
    });
    assertEquals([result, record.attempt, made], [14, 1, [0, 1, 2, 3]]);
  }
});

Deno.test("children() in another attempt retries only the children that failed", async () => {
  const made: unknown[] = [];
  const { status, result, dataOf } = await runTask(adding(3), null, {
    children: {
      square(input) {
        made.push(input);
        if (input === 1 && made.length < 4) throw new TypeError("one is odd");
        return (input as number) ** 2;
      },
    },
  });
  assertEquals([status, result, made], ["completed", 5, [0, 1, 2, 1]]);
  const [retry] = dataOf("retry");
  assertEquals([retry?.error.name, retry?.error.message], [
    "ChildrenError",
    "1 of 3 children of 'squares' have no result: one is odd",
  ]);
});

Deno.test("children() infers the types of results and inputs from the kinds that it is given", async () => {
  const typed = defineTask({
    kind: "typed",
    async *run() {
      const [four, ann, any] = yield* children("tuple", [
        { kind: square, input: 2 },
        { kind: name },
        { kind: "elsewhere", input: 1 },
      ]);
      const sum: number = four + 1;
      const called: string = ann.toUpperCase();
      const unknown: unknown = any;
      const [outcome] = yield* children("outcomes", [{ kind: square, input: 3 }], {
        onFailure: "continue",
      });
      const known: ChildOutcome<number> = outcome;
      // @ts-expect-error -- its input is a number
      const wrong = () => children("wrong", [{ kind: square, input: "2" }]);
      // @ts-expect-error -- its input is missing
      const none = () => children("none", [{ kind: square }]);
      assertEquals([typeof wrong, typeof none], ["function", "function"]);
      return { sum, called, unknown, nine: known.result };
    },
  });
  const { result } = await runTask(typed, null, {
    children: {
      square: (input) => (input as number) ** 2,
      name: () => "ann",
      elsewhere: (input) => [input],
    },
  });
  assertEquals(result, { sum: 5, called: "ANN", unknown: [1], nine: 9 });
});

Deno.test("a task may catch a ChildrenError, which has the outcome of each child", async () => {
  const catching = defineTask({
    kind: "catching",
    async *run() {
      try {
        yield* children("parts", [{ kind: square, input: 1 }, { kind: square, input: 2 }], {
          onFailure: "cancel",
        });
      } catch (error) {
        if (!(error instanceof ChildrenError)) throw error;
        return error.outcomes.map(({ status, result }) => [status, result]);
      }
    },
  });
  const { result } = await runTask(catching, null, {
    children: {
      square(input) {
        if (input === 1) throw new Error("no");
        return 4;
      },
    },
  });
  assertEquals(result, [["failed", null], ["completed", 4]]);
});

Deno.test("children() throws for an invalid name, entry or option, and says why", async () => {
  const cases: [Parameters<typeof children>, RegExp][] = [
    [["a", [{ kind: "No Kind" }]], /child 0 of 'a' as its 'kind' must be .* is No Kind$/],
    [["a", [{ kind: "k", input: 1n }]], /Cannot keep input: a BigInt/],
    [["a", [{ kind: "k", input: "x".repeat(50_000) }]], /child 0 of 'a' was given as it is more/],
    [["a", Array(10_001).fill({ kind: "k" })], /there are 10001 and a task may have 10000$/],
    [["a", [{ kind: "k" }], { concurrency: 0 }], /'concurrency' must be a whole number from 1/],
    [["a", [{ kind: "k" }], { onFailure: "stop" as "fail" }], /'onFailure' must be .* is stop$/],
    [["", [{ kind: "k" }]], /each need a name of 1 to 128 characters/],
    [["a", [{ kind: "k" }]], /Cannot run child 0 of 'a': give its kind 'k' in 'children'/],
  ];
  for (const [given, message] of cases) {
    const task = defineTask({
      kind: "refused",
      async *run() {
        yield* children(...given);
      },
    });
    const { status, error } = await runTask(task);
    assertEquals(status, "failed");
    assert(message.test(error!.message), error!.message);
  }
});

Deno.test("children() cannot have the name of a step in the same run", async () => {
  const task = defineTask({
    kind: "twice",
    async *run() {
      yield* step("a", () => 1);
      yield* children("a", [{ kind: name }]);
    },
  });
  const { error } = await runTask(task, null, { children: { name: () => 1 } });
  assertEquals(error?.message, "Cannot use the name 'a' twice in a run: each needs its own name");
});

Deno.test("children() throws a RangeError if the results take more than 16 MiB together", async () => {
  const large = defineTask({
    kind: "large",
    async *run() {
      const entries = Array.from({ length: 400 }, () => ({ kind: "part" }));
      yield* children("parts", entries);
    },
  });
  const { error } = await runTask(large, null, { children: { part: () => "x".repeat(48_000) } });
  assertEquals(error?.name, "RangeError");
  assert(error!.message.startsWith("Cannot give the results of 'parts' as they are larger than"));
});
