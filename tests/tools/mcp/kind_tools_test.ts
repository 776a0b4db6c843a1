import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { KIND_PATTERN } from "../../../lib/task/define.ts";
import { kindTools, type KnownKind, MAX_KINDS } from "../../../tools/mcp/kind_tools.ts";

function known(kind: string, input: unknown = null, more: Partial<KnownKind> = {}): KnownKind {
  return { kind, description: null, input, unavailable: null, ...more };
}

Deno.test("kindTools() gives each kind a unique tool name that every client takes, the same each time", () => {
  const kind = fc.stringMatching(KIND_PATTERN);
  fc.assert(fc.property(fc.uniqueArray(kind, { maxLength: 30 }), (kinds) => {
    const names = kindTools(kinds.map((kind) => known(kind))).map(({ tool }) => tool.name);
    assertEquals(new Set(names).size, kinds.length);
    for (const name of names) assert(/^[a-zA-Z0-9_-]{1,64}$/.test(name), name);
    const again = kindTools(kinds.toReversed().map((kind) => known(kind)));
    assertEquals(again.map(({ tool }) => tool.name), names);
  }));
  const names = kindTools(["a.b", "a_b", "c"].map((kind) => known(kind)))
    .map(({ tool }) => tool.name);
  assertEquals(names[2], "submit_c");
  assertEquals(names.filter((name) => name.startsWith("submit_a_b_")).length, 2);
  assertEquals(
    kindTools(Array.from({ length: 300 }, (_, n) => known(`k${n}`))).length,
    MAX_KINDS,
  );
});

Deno.test("kindTools() takes a tool's arguments as the input, or their 'input' if that is no object", () => {
  const object = { type: "object", properties: { n: { type: "number" } }, required: ["n"] };
  const list = {
    type: "array",
    items: { $ref: "#/$defs/node" },
    $defs: { node: { anyOf: [{ type: "string" }, { $ref: "#" }] } },
  };
  const [own, below, union, any] = kindTools([
    known("a-own", object),
    known("b-below", list),
    known("c-union", { anyOf: [object, object] }),
    known("d-any"),
  ]);
  assertEquals<unknown>(own!.tool.inputSchema, object);
  assertEquals(own!.inputOf({ n: 1 }), { n: 1 });
  const { type, required, properties } = below!.tool.inputSchema;
  assertEquals([type, required], ["object", ["input"]]);
  assertEquals(properties!.input, {
    type: "array",
    items: { $ref: "#/properties/input/$defs/node" },
    $defs: { node: { anyOf: [{ type: "string" }, { $ref: "#/properties/input" }] } },
  });
  assertEquals(below!.inputOf({ input: ["x"] }), ["x"]);
  assertEquals([union!.tool.inputSchema.type, union!.inputOf({ input: 1 })], ["object", 1]);
  assertEquals([any!.inputOf({}), any!.inputOf({ a: 1 })], [undefined, { a: 1 }]);
});

Deno.test("kindTools() bounds the size of the description and schema of a kind", () => {
  const properties = Object.fromEntries(
    Array.from({ length: 2000 }, (_, n) => [`field${n}`, { type: "string" }]),
  );
  const [tool] = kindTools([
    known("big", { type: "object", properties }, {
      description: "d".repeat(100_000),
      unavailable: "it could not be loaded",
    }),
  ]);
  assert(JSON.stringify(tool!.tool).length < 3000);
  assert(tool!.tool.description!.includes("Unavailable now: it could not be loaded"));
  assertEquals(tool!.inputOf({ input: { field0: "x" } }), { field0: "x" });
});
