import { assertEquals } from "@std/assert";
import { checksum, csvProfile, demo } from "../../lib/kinds/mod.ts";
import { firstValues, formFields, takesFile, toInput } from "../../static/kind_form.ts";
import { z } from "zod";
import type { AnyTask } from "headway";

function schemaOf(task: AnyTask): unknown {
  return z.toJSONSchema(task.input as z.ZodType, { io: "input", unrepresentable: "any" });
}

function roundTrip(task: AnyTask, uploadId: string | null): unknown {
  const schema = schemaOf(task);
  const fields = formFields(schema);
  return toInput(fields, firstValues(fields, schema), uploadId);
}

Deno.test("the forms of the kinds that ship make inputs that those kinds take", async () => {
  for (const task of [demo, checksum, csvProfile] as unknown as AnyTask[]) {
    const made = roundTrip(task, "01J00000000000000000000000") as { input: unknown };
    const checked = await task.input!["~standard"].validate(made.input);
    assertEquals(checked.issues, undefined, task.kind);
  }
  assertEquals(roundTrip(demo as unknown as AnyTask, null), {
    input: { steps: 10, interval_ms: 1000 },
  });
});

Deno.test("takesFile() finds the kinds that work on an upload", () => {
  const kinds = [demo, checksum, csvProfile] as unknown as AnyTask[];
  assertEquals(kinds.map((task) => takesFile(schemaOf(task))), [false, true, true]);
  assertEquals(takesFile(null), false);
});

Deno.test("formFields() asks for JSON where a form cannot hold what a schema says", () => {
  const whole = ["json"];
  const types = (schema: unknown) => formFields(schema).map(({ type }) => type);
  assertEquals(types(null), whole);
  assertEquals(types({ type: "array" }), whole);
  assertEquals(types({ type: "object", properties: { a: { type: "object" } } }), whole);
  assertEquals(types({ type: "object", properties: { a: { anyOf: [] } } }), whole);
  assertEquals(types({ type: "object" }), []);
  assertEquals(types({ type: "object", properties: { a: { enum: ["x"] } } }), ["choice"]);
});

Deno.test("toInput() names the field that is wrong, and leaves empty ones out", () => {
  const fields = formFields({
    type: "object",
    properties: {
      upload: { type: "string" },
      rows: { type: "integer", minimum: -Number.MAX_SAFE_INTEGER },
      name: { type: "string" },
    },
    required: ["upload", "name"],
  });
  assertEquals(fields.map((field) => "min" in field && field.min), [false, undefined, false]);
  assertEquals(toInput(fields, { rows: "", name: "n" }, null), {
    field: "upload",
    problem: "Choose a file first",
  });
  assertEquals(toInput(fields, { rows: "two", name: "n" }, "u"), {
    field: "rows",
    problem: "This must be a number",
  });
  assertEquals(toInput(fields, { rows: "", name: "" }, "u"), {
    field: "name",
    problem: "This is needed",
  });
  assertEquals(toInput(fields, { rows: "", name: " " }, "u"), {
    input: { upload: "u", name: " " },
  });
});

Deno.test("toInput() takes JSON as it is, and nothing where it is empty", () => {
  const fields = formFields(null);
  assertEquals(toInput(fields, { "": "[1, null]" }, null), { input: [1, null] });
  assertEquals(toInput(fields, { "": "  " }, null), { input: undefined });
  assertEquals(toInput(fields, { "": "{" }, null), { field: "", problem: "This is not JSON" });
});
