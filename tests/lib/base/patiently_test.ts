import { assertEquals, assertRejects } from "@std/assert";
import { patiently } from "../../../lib/base/patiently.ts";

Deno.test("patiently() tries again until it works, or nobody waits any more", async () => {
  let tries = 0;
  const third = () => ++tries < 3 ? Promise.reject(new Error(`${tries}`)) : Promise.resolve("in");
  assertEquals(await patiently(third, () => true), "in");
  tries = -10;
  await assertRejects(() => patiently(third, () => tries < -5), Error, "-5");
});

Deno.test("patiently() is told why a try failed, and gives up between two as its signal aborts", async () => {
  const controller = new AbortController();
  const errors: string[] = [];
  const waits = (error: unknown) => {
    errors.push(String(error));
    controller.abort(new Error("left"));
    return true;
  };
  const fails = () => Promise.reject(new Error("not now"));
  await assertRejects(() => patiently(fails, waits, controller.signal), Error, "left");
  assertEquals(errors, ["Error: not now"]);
});
