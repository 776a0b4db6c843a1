// deno-lint-ignore-file no-console -- prints for the person who runs it
/**
 * `deno task fuzz:api [--examples <n>] [--seed <n>]` runs schemathesis against a server of its own.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { startServer } from "../helpers/server.ts";
import { fuzz, FUZZED, installed } from "./schemathesis.ts";

const { values } = parseArgs({
  args: Deno.args,
  options: { examples: { type: "string", default: "50" }, seed: { type: "string" } },
});
const program = await installed();
await using server = await startServer({ env: FUZZED, kinds: "" });
const { ok, output } = await fuzz(program, {
  url: server.url,
  phases: "coverage,fuzzing,stateful",
  examples: Number(values.examples),
  ...(values.seed === undefined ? {} : { seed: Number(values.seed) }),
});
console.log(output);
for (const line of server.stderr) console.error(line);
Deno.exitCode = ok ? 0 : 1;
