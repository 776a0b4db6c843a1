import { assertEquals, assertRejects } from "@std/assert";
import { Semaphore } from "../../../lib/base/semaphore.ts";

Deno.test("Semaphore lets so many work at once, in the order in which they came", async () => {
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

Deno.test("Semaphore gives the turn of whoever leaves while it waits to the next", async () => {
  const turns = new Semaphore(1);
  const gate = Promise.withResolvers<void>();
  const first = turns.run(() => gate.promise);
  const begun: number[] = [];
  const leaves = Array.from({ length: 3 }, () => new AbortController());
  const others = leaves.map(({ signal }, n) =>
    turns.run(() => Promise.resolve(begun.push(n)), signal)
  );
  leaves[1]!.abort();
  // Before anybody is done.
  assertEquals(await others[1], undefined);
  leaves[0]!.abort();
  gate.resolve();
  await first;
  assertEquals([await others[0], await others[2]], [undefined, 1]);
  assertEquals(begun, [2]);
  const gone = AbortSignal.abort();
  assertEquals(await turns.run(() => Promise.resolve("no"), gone), undefined);
  assertEquals(await turns.run(() => Promise.resolve("yes")), "yes");
});

Deno.test("Semaphore.acquire() gives a turn that ends with its block, once", async () => {
  const turns = new Semaphore(1);
  {
    using turn = await turns.acquire();
    // Ended before its block is: no turn is given twice for it.
    turn[Symbol.dispose]();
  }
  using _first = await turns.acquire();
  const leave = new AbortController();
  const second = turns.acquire(leave.signal);
  assertEquals(turns.waiting, 1);
  leave.abort();
  assertEquals(await second, null);
});
