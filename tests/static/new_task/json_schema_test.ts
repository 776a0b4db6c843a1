import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { z } from "zod";
import { type Schema, schemaProblems } from "../../../static/new_task/json_schema.ts";

/** Schemas as zod writes them, with values that fit and values that do not. */
const CASES: [schema: z.ZodType, fits: unknown[], fails: unknown[]][] = [
  [z.string().min(2).max(3), ["ab", "😀😀😀"], ["a", "abcd", 1, null]],
  [z.string().regex(/^[a-z]+$/), ["abc"], ["A", ""]],
  [z.email(), ["a@b.example"], ["a@b", "a b@c.example"]],
  [z.url(), ["https://example.com/a?b"], ["no address", ""]],
  [z.iso.date(), ["2030-01-31"], ["31.1.2030"]],
  [z.uuid(), ["0192d3a0-7c1e-7f3a-8b5d-3c2a1b0c9d8e"], ["0192"]],
  [z.int().min(0).max(10), [0, 10], [-1, 11, 0.5, "1"]],
  [z.number().gt(0).lt(1), [0.5], [0, 1]],
  [z.number().multipleOf(0.1), [0.3, 0], [0.25]],
  [z.boolean(), [true, false], ["true", 0]],
  [z.null(), [null], [0, ""]],
  [z.enum(["a", "b"]), ["a"], ["c", null]],
  [z.literal([1, "one"]), [1, "one"], [2, "1"]],
  [z.array(z.int()).min(1).max(2), [[1], [1, 2]], [[], [1, 2, 3], [1, "2"], {}]],
  [z.tuple([z.string(), z.int()]), [["a", 1]], [[1, "a"]]],
  [z.strictObject({ a: z.int(), b: z.string().optional() }), [{ a: 1 }, { a: 1, b: "" }], [
    {},
    { a: "1" },
    { a: 1, c: 1 },
    [],
    null,
  ]],
  [z.record(z.string(), z.int()), [{}, { a: 1 }], [{ a: "b" }]],
  [z.union([z.string(), z.int()]), ["a", 1], [0.5, null]],
  [z.nullable(z.int()), [null, 1], ["1"]],
  [z.intersection(z.object({ a: z.int() }), z.object({ b: z.int() })), [{ a: 1, b: 2 }], [
    { a: 1 },
  ]],
  [
    z.discriminatedUnion("type", [
      z.object({ type: z.literal("file"), path: z.string() }),
      z.object({ type: z.literal("url"), url: z.url() }),
    ]),
    [{ type: "file", path: "/a" }],
    [{ type: "file" }, { type: "no" }],
  ],
];

function written(schema: z.ZodType): Schema {
  return z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as Schema;
}

Deno.test("schemaProblems() agrees with zod, which wrote the schemas", () => {
  for (const [schema, fits, fails] of CASES) {
    const json = written(schema);
    for (const value of fits) {
      assertEquals(schemaProblems(json, value), [], JSON.stringify([json, value]));
      assertEquals(schema.safeParse(value).success, true);
    }
    for (const value of fails) {
      const problems = schemaProblems(json, value);
      assertEquals(problems.length > 0, true, JSON.stringify([json, value]));
      assertEquals(schema.safeParse(value).success, false);
    }
  }
});

Deno.test("schemaProblems() accepts every value that zod accepts", () => {
  const part = fc.oneof(
    fc.jsonValue(),
    fc.integer({ min: -2, max: 12 }),
    fc.constantFrom("a", "b", "ab", "one"),
  );
  const any = fc.oneof(part, fc.record({ a: part, b: part }, { requiredKeys: [] }), fc.array(part));
  for (const [schema] of CASES) {
    const json = written(schema);
    fc.assert(fc.property(any, (value) => {
      if (schema.safeParse(value).success) assertEquals(schemaProblems(json, value), []);
    }));
  }
});

Deno.test("schemaProblems() says where each problem is, and what is expected there", () => {
  const schema = written(z.strictObject({
    name: z.string().min(3),
    rows: z.array(z.strictObject({ count: z.int().max(1000) })),
    port: z.int(),
  }));
  assertEquals(schemaProblems(schema, { name: "a", rows: [{ count: 1 }, { count: 2000 }], x: 1 }), [
    { path: "port", problem: "This is required" },
    { path: "name", problem: "This must have at least 3 characters" },
    { path: "rows.1.count", problem: "This must be 1,000 or less" },
    { path: "", problem: "There is no property x" },
  ]);
});

Deno.test("schemaProblems() follows references, also circular ones", () => {
  const tree = {
    $defs: {
      node: {
        type: "object",
        properties: { child: { $ref: "#/$defs/node" }, n: { type: "integer" } },
        required: ["n"],
      },
    },
    $ref: "#/$defs/node",
  };
  assertEquals(schemaProblems(tree, { n: 1, child: { n: 2, child: {} } }), [
    { path: "child.child.n", problem: "This is required" },
  ]);
  const loop: Schema = { $ref: "#" };
  assertEquals(schemaProblems(loop, 1), []);
  assertEquals(schemaProblems({ allOf: [{ $ref: "#" }] }, 1), []);
  assertEquals(schemaProblems({ $ref: "https://example.com/elsewhere" }, 1), []);
});
