/**
 * Tests of the client's types. Most of them have passed once this file compiles.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { defineTask, type Headway, output, progress } from "headway";
import { z } from "zod";
import type { checksum } from "../../../lib/kinds/checksum.ts";
import type { csvProfile } from "../../../lib/kinds/csv_profile.ts";
import type { CsvProfile } from "../../../lib/kinds/csv_report.ts";
import * as client from "../../../static/client/client.ts";
import type * as promised from "../../../static/client/client.d.ts";
import type {
  InputOf,
  OutputOf,
  ResultOf,
  submit,
  TaskEvent,
  watch,
} from "../../../static/client/client.d.ts";
import type * as hook from "../../../static/client/use_task.ts";
import type * as promisedHook from "../../../static/client/use_task.d.ts";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true
  : false;

/** Compiles only for `true`. */
function holds<_Claim extends true>(): void {}

const typed = defineTask({
  kind: "typed",
  input: z.object({ size: z.coerce.number<string>(), deep: z.boolean().default(false) }),
  async *run({ input }) {
    yield progress({ done: input.size });
    yield output({ row: 1 });
    yield output("text");
    yield 42;
    return { rows: input.size, deep: input.deep };
  },
});

const bare = defineTask({
  kind: "bare",
  async *run() {
    yield 1;
  },
});

Deno.test("InputOf, OutputOf and ResultOf are the types in a task's definition", () => {
  type Typed = typeof typed;
  holds<Equal<InputOf<Typed>, { size: string; deep?: boolean | undefined }>>();
  holds<Equal<OutputOf<Typed>, { row: number } | string>>();
  holds<Equal<ResultOf<Typed>, { rows: number; deep: boolean }>>();
  holds<Equal<InputOf<typeof bare>, unknown>>();
  holds<Equal<OutputOf<typeof bare>, never>>();
  holds<Equal<ResultOf<typeof bare>, void>>();
  holds<Equal<ResultOf<typeof csvProfile>, CsvProfile>>();
  holds<Equal<InputOf<typeof csvProfile>["header"], boolean | undefined>>();
  holds<Equal<InputOf<typeof checksum>["upload"], string>>();
  holds<
    Equal<[InputOf<unknown>, OutputOf<unknown>, ResultOf<unknown>], [unknown, unknown, unknown]>
  >();
});

Deno.test("watch() and submit() have the types of their task, and submit() its kind", () => {
  type Watch = ReturnType<typeof watch<typeof csvProfile>>;
  type Finished = Awaited<Watch["finished"]>;
  holds<Equal<Extract<Finished, { status: "completed" }>["result"], CsvProfile>>();
  holds<Equal<Extract<Finished, { status: "failed" }>["result"], null>>();
  holds<Equal<NonNullable<Watch["record"]>["result"], CsvProfile | null>>();
  type Output = Extract<TaskEvent<typeof typed>, { type: "output" }>;
  holds<Equal<Output["data"]["data"], { row: number } | string>>();
  const wrong: Parameters<typeof submit<typeof typed>>[1] = {
    size: "3",
    // @ts-expect-error It is not a boolean.
    deep: "yes",
  };
  assertEquals(wrong?.size, "3");
  holds<Equal<Parameters<typeof submit<typeof typed>>[0], "typed">>();
  holds<Equal<Parameters<typeof submit<typeof checksum>>[0], "checksum">>();
  holds<Equal<Parameters<typeof submit>[0], string>>();
  const wrongKind = (jobs: Headway) => [
    jobs.submit("any-kind", { anything: 1 }),
    jobs.submit<typeof typed>("typed", { size: "3" }),
    // @ts-expect-error It is spelled otherwise.
    jobs.submit<typeof typed>("tpyed", { size: "3" }),
    // @ts-expect-error It is not a text.
    jobs.submit<typeof typed>("typed", { size: 3 }),
  ];
  assertEquals(wrongKind.length, 1);
});

Deno.test("client.d.ts and use_task.d.ts have the types of the modules that are served with them", () => {
  holds<Equal<typeof client.watch, typeof promised.watch>>();
  holds<Equal<typeof client.submit, typeof promised.submit>>();
  holds<Equal<typeof client.upload, typeof promised.upload>>();
  holds<Equal<typeof client.cancel, typeof promised.cancel>>();
  const error: typeof promised.HeadwayError = client.HeadwayError;
  assertEquals(new error(404, "x").status, 404);
  holds<Equal<keyof typeof client, keyof typeof promised>>();
  holds<Equal<typeof hook.useTask, typeof promisedHook.useTask>>();
  assertEquals(Object.keys(client).sort(), ["HeadwayError", "cancel", "submit", "upload", "watch"]);
});
