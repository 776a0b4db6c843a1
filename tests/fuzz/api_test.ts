import { assert } from "@std/assert";
import { testApp } from "../helpers/server.ts";
import { fuzz, FUZZED } from "./schemathesis.ts";

/** A few seconds of work, with the same requests each time. */
const QUICK = { phases: "coverage,fuzzing", examples: 3, seed: 1 };

const program = Deno.env.get("HEADWAY_SCHEMATHESIS");

Deno.test({
  name: "schemathesis finds no answer of the server that contradicts GET /openapi.json",
  // `.ci/run` installs it where there is Python; `deno task fuzz:api` searches for longer.
  ignore: !program,
  async fn() {
    await using app = await testApp(FUZZED);
    const { ok, output } = await fuzz(program!, { url: app.url, ...QUICK });
    assert(ok, output);
  },
});
