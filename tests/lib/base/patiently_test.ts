import { assertEquals, assertRejects } from "@std/assert";
import { patiently } from "../../../lib/base/patiently.ts";

Deno.test("patiently() tries again until it works, or nobody waits any more", async () => {
  let tries = 0;
  const third = () => ++tries < 3 ? Promise.reject(new Error(`${tries}`)) : Promise.resolve("in");
  assertEquals(await patiently(third, () => true), "in");
  tries = -10;
  await assertRejects(() => patiently(third, () => tries < -5), Error, "-5");
});
