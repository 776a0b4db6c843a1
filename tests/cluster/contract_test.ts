import { assertEquals } from "@std/assert";
import { DENOKV } from "../helpers/denokv.ts";

/** What users are promised, whatever store stands behind it. */
const CONTRACT = ["tests/http", "tests/sse", "tests/seed"];

Deno.test({
  name: `cluster: ${CONTRACT.join(", ")} pass on a KV Connect server`,
  // It runs a few minutes: on wish.
  ignore: DENOKV === null || Deno.env.get("HEADWAY_TEST_STORE") !== "both",
  async fn() {
    const { code, stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["test", "-A", "--lock=tests/deno.lock", "--no-prompt", "--trace-leaks", ...CONTRACT],
      env: { HEADWAY_TEST_STORE: "denokv" },
    }).output();
    assertEquals(code, 0, new TextDecoder().decode(stdout).slice(-5000));
  },
});
