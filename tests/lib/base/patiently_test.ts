import { assertEquals, assertRejects } from "@std/assert";
import { patiently } from "../../../lib/base/patiently.ts";

Deno.test("patiently() tries again until a try succeeds or `waits` returns false", async () => {
  let tries = 0;
  const third = () => ++tries < 3 ? Promise.reject(new Error(`${tries}`)) : Promise.resolve("in");
  assertEquals(await patiently(third, () => true), "in");
  tries = -10;
  await assertRejects(() => patiently(third, () => tries < -5), Error, "-5");
});

Deno.test("patiently() passes each error to `waits`, and gives up between two tries if its signal aborts", async () => {
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
