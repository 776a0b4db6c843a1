import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { withRecord } from "../../tools/client_types.ts";

const TAKES = (names: string) =>
  `/** The client. */\nimport type { ${names} } from "../../lib/task/record.ts";\nexport type { ${names} };\n\nlast\n`;

const RECORD = `/** Not asked for. */
export const LIST = [];

/** One of two. */
export type Kind =
  | "a"
  | "b";

/**
 * A record of $& things.
 */
export interface Thing<Result = unknown> {
  /** Its result. */
  result: { of: Result };
}

/** Not asked for either. */
export interface Things {}
`;

Deno.test("withRecord() replaces the import from the record by the types, with their comments", () => {
  assertEquals(
    withRecord(TAKES("Kind, Thing"), RECORD),
    `/** The client. */
/** One of two. */
export type Kind =
  | "a"
  | "b";

/**
 * A record of $& things.
 */
export interface Thing<Result = unknown> {
  /** Its result. */
  result: { of: Result };
}

last
`,
  );
});

Deno.test("withRecord() throws without an import from the record, and for a type that the record lacks", () => {
  assertThrows(() => withRecord(TAKES("Other"), RECORD), Error, "has no 'Other'");
  assertThrows(() => withRecord("export type A = 1;\n", RECORD), Error, "take none");
});

Deno.test("client.d.ts, as it is served, contains TaskRecord and imports nothing", async () => {
  const served = await Deno.readTextFile(
    new URL("../../static/dist/client/client.d.ts", import.meta.url),
  );
  const record = await Deno.readTextFile(new URL("../../lib/task/record.ts", import.meta.url));
  const body = record.slice(record.indexOf("export interface TaskRecord"));
  assertStringIncludes(served, body.slice(0, body.indexOf("\n}\n")));
  assertEquals(/\bimport\b.*["']/.exec(served.replaceAll(/\/\*\*[^]*?\*\//g, "")), null);
});
