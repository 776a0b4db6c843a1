import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { z } from "zod";
import type { AnyTask } from "headway";
import { checksum, csvProfile, demo } from "../../../lib/kinds/mod.ts";
import {
  firstValues,
  holdsInput,
  toInput,
  withPending,
} from "../../../static/new_task/form_values.ts";
import {
  type Field,
  fieldAt,
  fileFields,
  formFields,
  jsonField,
  takesFile,
} from "../../../static/new_task/kind_form.ts";

const KINDS = [demo, checksum, csvProfile] as unknown as AnyTask[];

function written(schema: unknown): unknown {
  return z.toJSONSchema(schema as z.ZodType, { io: "input", unrepresentable: "any" });
}

/** What an unchanged form makes of an input, or of none. */
function roundTrip(schema: unknown, input?: unknown): unknown {
  const fields = formFields(schema);
  return toInput(fields, schema, firstValues(fields, schema, input));
}

function types(schema: unknown): string[] {
  return formFields(schema).map(({ type }) => type);
}

/** A schema with nearly every type of field. */
const order = z.strictObject({
  upload: z.string(),
  photo_upload: z.string().optional(),
  name: z.string().min(2).describe("Whose it is"),
  mail: z.email().optional(),
  day: z.iso.date().optional(),
  count: z.int().min(1).max(5).default(2),
  ratio: z.number().nullable().optional(),
  size: z.enum(["s", "m", "l"]).default("m"),
  level: z.literal([1, 2, 3]).optional(),
  colors: z.array(z.enum(["red", "blue"])).default(["blue"]),
  tags: z.array(z.string()).optional(),
  gift: z.boolean().default(false),
  address: z.strictObject({ street: z.string(), zip: z.string().optional() }).optional(),
  extra: z.record(z.string(), z.int()).optional(),
});

Deno.test("formFields() and toInput() make valid inputs for the kinds that ship", async () => {
  for (const task of KINDS) {
    const schema = written(task.input);
    const fields = formFields(schema);
    const values = withPending(
      firstValues(fields, schema),
      fileFields(fields).map(({ path }) => path),
    );
    const made = toInput(fields, schema, values) as { input: unknown };
    const checked = await task.input!["~standard"].validate(made.input);
    assertEquals(checked.issues, undefined, task.kind);
  }
  assertEquals(roundTrip(written(demo.input)), { input: { steps: 10, interval_ms: 1000 } });
});

Deno.test("takesFile() finds the kinds that work on an upload", () => {
  assertEquals(KINDS.map((task) => takesFile(written(task.input))), [false, true, true]);
  assertEquals(takesFile(null), false);
});

Deno.test("formFields() chooses the type of each field by the schema of its property", () => {
  assertEquals(types(written(order)), [
    "file",
    "file",
    "text",
    "email",
    "date",
    "number",
    "number",
    "choice",
    "choice",
    "choices",
    "lines",
    "boolean",
    "group",
    "json",
  ]);
});

Deno.test("formFields() makes a field for JSON where fields cannot represent the schema", () => {
  assertEquals(types(null), ["json"]);
  assertEquals(types({ type: "array" }), ["json"]);
  assertEquals(types({ type: "object" }), ["json"]);
  assertEquals(types({ type: "object", properties: {} }), []);
  assertEquals(types({ type: "object", properties: { a: { type: "object" } } }), ["json"]);
  assertEquals(types({ type: "object", properties: { a: { anyOf: [] } } }), ["json"]);
  assertEquals(types({ type: "string" }), ["text"]);
  assertEquals(types({ anyOf: [{ $ref: "#" }, { type: "null" }] }), ["json"]);
  const node = { type: "object", properties: { next: { $ref: "#" } } };
  const depth = (fields: readonly Field[]): number =>
    fields[0]?.type === "group" ? 1 + depth(fields[0].fields) : 0;
  assertEquals(depth(formFields(node)), 2);
});

Deno.test("toInput() reports every field that is wrong, and leaves out empty ones", () => {
  const schema = written(order);
  const fields = formFields(schema);
  const values = {
    ...firstValues(fields, schema),
    name: "x",
    count: "two",
    ratio: "1e3",
    mail: "nobody",
    tags: "a\n\nb",
    extra: "{",
    "address.zip": "12345",
  };
  const problems = Object.fromEntries(
    (toInput(fields, schema, values) as { problems: { path: string; problem: string }[] })
      .problems.map(({ path, problem }) => [path, problem]),
  );
  assertEquals(problems, {
    upload: "Choose a file first",
    name: "This must have at least 2 characters",
    mail: "This must be an e-mail address",
    count: "This must be a number",
    extra: "This is not JSON",
    "address.street": "This is required",
  });
  const right = {
    ...values,
    upload: "01J",
    name: "xy",
    count: "3",
    mail: "",
    extra: "",
    "address.zip": "",
  };
  assertEquals(toInput(fields, schema, right), {
    input: {
      upload: "01J",
      name: "xy",
      count: 3,
      ratio: 1000,
      size: "m",
      colors: ["blue"],
      tags: ["a", "b"],
      gift: false,
    },
  });
});

Deno.test("toInput() takes JSON as it is, and makes no input of an empty field for JSON", () => {
  const fields = [jsonField()];
  assertEquals(toInput(fields, null, { "": "[1, null]" }), { input: [1, null] });
  assertEquals(toInput(fields, null, { "": "  " }), { input: undefined });
  assertEquals(toInput(fields, null, { "": "{" }), {
    problems: [{ path: "", problem: "This is not JSON" }],
  });
  const schema = written(order);
  const made = toInput(fields, schema, { "": '{"upload": 1, "name": "xy"}' });
  assertEquals(made, { problems: [{ path: "upload", problem: "This must be text" }] });
});

Deno.test("toInput() makes the same values again from the fields that firstValues() fills", () => {
  const text = fc.string({ minLength: 2, maxLength: 20 });
  const input = fc.record({
    upload: text,
    name: text,
    count: fc.integer({ min: 1, max: 5 }),
    ratio: fc.double({ noNaN: true, noDefaultInfinity: true }).filter((n) => !Object.is(n, -0)),
    size: fc.constantFrom("s", "m", "l"),
    level: fc.constantFrom(1, 2, 3),
    colors: fc.subarray(["red", "blue"]),
    tags: fc.array(text.filter((tag) => !tag.includes("\n")), { minLength: 1 }),
    gift: fc.boolean(),
    address: fc.record({ street: text, zip: text }, { requiredKeys: ["street"] }),
    extra: fc.dictionary(text, fc.integer()),
  }, { requiredKeys: ["upload", "name"] });
  const schema = written(order);
  fc.assert(fc.property(input, (given) => {
    assertEquals(holdsInput(formFields(schema), schema, given), true);
    const { input: made } = roundTrip(schema, given) as { input: Record<string, unknown> };
    for (const [name, value] of Object.entries(given)) assertEquals(made[name], value, name);
  }));
});

Deno.test("holdsInput() is false for an input of which a form would lose a part", () => {
  const schema = written(z.object({ name: z.string(), tags: z.array(z.string()).optional() }));
  const holds = (input: unknown) => holdsInput(formFields(schema), schema, input);
  assert(holds({ name: "x" }));
  assert(!holds({ name: "x", more: 1 }));
  assert(!holds({ name: "x", tags: ["two\nlines"] }));
  assert(!holds({ name: 1 }));
});

Deno.test("fieldAt() finds the innermost field that contains a path", () => {
  const fields = formFields(written(order));
  assertEquals(fieldAt(fields, "address.street")?.path, "address.street");
  assertEquals(fieldAt(fields, "extra.a.b")?.path, "extra");
  assertEquals(fieldAt(fields, "nothing"), null);
  assertEquals(fieldAt(fields, ""), null);
  assertEquals(fieldAt([jsonField()], "a.0")?.path, "");
});

Deno.test("toInput() reads a field without a type as JSON, and any other text as a string", () => {
  const schema = {
    type: "object",
    properties: { day: { description: "When" } },
    required: ["day"],
  };
  const fields = formFields(schema);
  assertEquals(fields.map(({ type, hint }) => [type, hint]), [["any", "When"]]);
  const read = (day: string) => toInput(fields, schema, { day });
  assertEquals(read("2026-01-31"), { input: { day: "2026-01-31" } });
  assertEquals(read('{"n": 7}'), { input: { day: { n: 7 } } });
  assertEquals("problems" in read(""), true);
  for (const day of ["2026-01-31", "7", 7, null, "null", { a: [1] }]) {
    assertEquals(toInput(fields, schema, firstValues(fields, schema, { day })), { input: { day } });
  }
});
