/**
 * Finishes the client's files that are served. Writes its types, `static/dist/client/client.d.ts`:
 * those of `static/client/client.d.ts`, with the types that it imports from `lib/task/record.ts`
 * written out, since that file is not served.
 *
 * @module
 */

const SOURCE = new URL("../static/client/client.d.ts", import.meta.url);
const RECORD = new URL("../lib/task/record.ts", import.meta.url);
const SERVED = new URL("../static/dist/client/client.d.ts", import.meta.url);

/**
 * It imports Preact by the name that the page gives it. As a script of the package it would be published
 * with the name that Deno's import map has for it, which no browser knows.
 */
const HOOK = new URL("../static/dist/client/use_task.js", import.meta.url);

/** The lines that import types from the record and export them. */
const TAKEN =
  /^import type \{([\w,\s]+)\} from "\.\.\/\.\.\/lib\/task\/record\.ts";\nexport type \{[\w,\s]+\};\n/m;

/**
 * Returns `types` with the types that it imports from `record` written out, with their comments.
 *
 * @throws {Error} If it imports none, or one that `record` does not have.
 */
export function withRecord(types: string, record: string): string {
  const [lines, names] = TAKEN.exec(types) ?? [];
  if (lines === undefined || names === undefined) {
    throw new Error("Cannot write the client's types as they take none from lib/task/record.ts");
  }
  const declarations = names.split(",").map((name) => name.trim()).filter(Boolean)
    .map((name) => declaration(record, name));
  return types.replace(lines, () => declarations.join("\n"));
}

/** A type with the comment before it, to its end: the first line without indent that closes it. */
function declaration(source: string, name: string): string {
  const comment = String.raw`\/\*\*(?:(?!\*\/)[^])*\*\/\n`;
  const found = new RegExp(
    `^${comment}export (?:interface ${name}\\b[^]*?^\\}\\n|type ${name}\\b[^]*?;\\n)`,
    "m",
  ).exec(source);
  if (found === null) {
    throw new Error(`Cannot write the client's types as lib/task/record.ts has no '${name}'`);
  }
  return found[0];
}

if (import.meta.main) {
  const [types, record] = await Promise.all([SOURCE, RECORD].map((url) => Deno.readTextFile(url)));
  await Deno.rename(HOOK, new URL("use_task.js.txt", HOOK));
  await Deno.writeTextFile(SERVED, withRecord(types!, record!));
}
