import { assertEquals } from "@std/assert";
import { DENOKV } from "../helpers/denokv.ts";
import { testArguments } from "../run.ts";

/** Test files to run at once. */
const JOBS = 2;

/** Tests of what users are promised with any store. */
const CONTRACT = ["tests/http", "tests/sse", "tests/seed"];

Deno.test({
  name: `cluster: ${CONTRACT.join(", ")} pass on a KV Connect server`,
  // It takes a few minutes, so it runs only on request.
  ignore: DENOKV === null || Deno.env.get("HEADWAY_TEST_STORE") !== "both",
  async fn() {
    const { code, stdout } = await new Deno.Command(Deno.execPath(), {
      args: testArguments(CONTRACT, { jobs: JOBS }),
      env: { HEADWAY_TEST_STORE: "denokv", DENO_JOBS: String(JOBS) },
    }).output();
    assertEquals(code, 0, new TextDecoder().decode(stdout).slice(-5000));
  },
});
