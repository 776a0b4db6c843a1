import { assertEquals, assertRejects } from "@std/assert";
import { Semaphore } from "../../../lib/base/semaphore.ts";

Deno.test("Turns lets so many work at once, in the order in which they came", async () => {
  const turns = new Semaphore(2);
  const begun: number[] = [];
  const gates = Array.from({ length: 6 }, () => Promise.withResolvers<number>());
  const all = gates.map(({ promise }, n) =>
    turns.run(() => {
      begun.push(n);
      return promise;
    })
  );
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  await settle();
  assertEquals(begun, [0, 1]);
  gates[1]!.resolve(10);
  await settle();
  assertEquals(begun, [0, 1, 2]);
  gates[2]!.reject(new Error("broke"));
  await assertRejects(() => all[2]!, Error, "broke");
  await settle();
  assertEquals(begun, [0, 1, 2, 3]);
  for (const [n, { resolve }] of gates.entries()) resolve(n);
  assertEquals((await Promise.allSettled(all)).map(({ status }) => status), [
    "fulfilled",
    "fulfilled",
    "rejected",
    "fulfilled",
    "fulfilled",
    "fulfilled",
  ]);
  assertEquals(begun, [0, 1, 2, 3, 4, 5]);
  assertEquals(await turns.run(() => Promise.resolve("again")), "again");
});
