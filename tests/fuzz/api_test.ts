import { assert } from "@std/assert";
import { testApp } from "../helpers/server.ts";
import { fuzz, FUZZED } from "./schemathesis.ts";

/** Some seconds of work, the same each time. */
const QUICK = { phases: "coverage,fuzzing", examples: 3, seed: 1 };

const program = Deno.env.get("HEADWAY_SCHEMATHESIS");

Deno.test({
  name: "schemathesis finds nothing that GET /openapi.json says and the server does not keep",
  // `.ci/run` brings it where there is Python; `deno task fuzz:api` looks for longer.
  ignore: !program,
  async fn() {
    await using app = await testApp(FUZZED);
    const { ok, output } = await fuzz(program!, { url: app.url, ...QUICK });
    assert(ok, output);
  },
});
