import { assert, assertEquals } from "@std/assert";
import { z } from "zod";
import { checkInput, readInput } from "../../../lib/child/check_input.ts";
import { defineTask } from "../../../lib/task/define.ts";
import type { StandardSchema } from "../../../lib/task/standard_schema.ts";

const GIVEN = '{"a":1}';

/** A kind whose schema turns {@link GIVEN} into `value`, and leaves any other input unchanged. */
function making(value: unknown) {
  const validate = (given: unknown) => ({
    value: JSON.stringify(given) === GIVEN ? value : given,
  });
  const input = {
    "~standard": { version: 1, vendor: "test", validate },
  } as unknown as StandardSchema;
  return defineTask({ kind: "made", input, async *run() {} });
}

Deno.test("checkInput() marks an input as parsed if JSON can hold what its schema made of it", async () => {
  const value = { id: "a", rows: [1, null, { left: undefined }] };
  assertEquals(await checkInput(making(value), GIVEN), {
    input: '{"id":"a","rows":[1,null,{}]}',
    parsed: true,
  });
});

Deno.test("checkInput() stores the input as given if JSON cannot hold what its schema made of it", async () => {
  const cyclic: Record<string, unknown> = {};
  cyclic.self = cyclic;
  const named = Object.assign([1], { name: "one" });
  // deno-lint-ignore no-sparse-arrays -- what a schema may make
  for (const value of [[1, , 2], named, cyclic, { n: -0 }, [undefined], { map: new Map() }]) {
    assertEquals(await checkInput(making(value), GIVEN), { input: GIVEN, parsed: false });
  }
});

Deno.test("checkInput() stores what gives each attempt the same defaults, also beside dates and transforms", async () => {
  const id = z.string().default(() => crypto.randomUUID());
  const rows = z.array(z.object({ id, at: z.coerce.date() }));
  const fields = {
    id,
    at: z.coerce.date().optional(),
    count: z.number().transform((count) => count * 2).optional(),
    rows: rows.optional(),
    nested: z.object({ id, since: z.coerce.date().default(() => new Date()) }).prefault({}),
  };
  const input = z.object(fields).prefault({});
  const task = defineTask({ kind: "made", input, async *run() {} });
  for (
    const given of [
      null,
      "{}",
      '{"count":4}',
      '{"count":4,"at":"2026-01-02","nested":{"other":1}}',
      '{"id":"mine","count":4,"rows":[{"at":"2026-01-02"},{"at":"2026-01-03","id":"r"}]}',
    ]
  ) {
    const checked = await checkInput(task, given);
    assert("input" in checked);
    const first = await readInput(task, checked) as { id: string; count?: number };
    assertEquals(await readInput(task, checked), first, given ?? "nothing");
    if (given?.includes("count")) assertEquals(first.count, 8);
  }
});
