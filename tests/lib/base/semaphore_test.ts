import { assertEquals, assertRejects } from "@std/assert";
import { Semaphore } from "../../../lib/base/semaphore.ts";

Deno.test("Semaphore runs as many jobs at once as it has permits, first come, first served", async () => {
  const semaphore = new Semaphore(2);
  const begun: number[] = [];
  const gates = Array.from({ length: 6 }, () => Promise.withResolvers<number>());
  const all = gates.map(({ promise }, n) =>
    semaphore.run(() => {
      begun.push(n);
      return promise;
    })
  );
  const nextTick = () => new Promise((resolve) => setImmediate(resolve));
  await nextTick();
  assertEquals(begun, [0, 1]);
  gates[1]!.resolve(10);
  await nextTick();
  assertEquals(begun, [0, 1, 2]);
  gates[2]!.reject(new Error("broke"));
  await assertRejects(() => all[2]!, Error, "broke");
  await nextTick();
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
  assertEquals(await semaphore.run(() => Promise.resolve("again")), "again");
});

Deno.test("Semaphore passes over a waiting job whose signal aborts, and serves the next one", async () => {
  const semaphore = new Semaphore(1);
  const gate = Promise.withResolvers<void>();
  const first = semaphore.run(() => gate.promise);
  const begun: number[] = [];
  const leaves = Array.from({ length: 3 }, () => new AbortController());
  const others = leaves.map(({ signal }, n) =>
    semaphore.run(() => Promise.resolve(begun.push(n)), signal)
  );
  leaves[1]!.abort();
  // It resolves although the first job still holds the permit.
  assertEquals(await others[1], undefined);
  leaves[0]!.abort();
  gate.resolve();
  await first;
  assertEquals([await others[0], await others[2]], [undefined, 1]);
  assertEquals(begun, [2]);
  const gone = AbortSignal.abort();
  assertEquals(await semaphore.run(() => Promise.resolve("no"), gone), undefined);
  assertEquals(await semaphore.run(() => Promise.resolve("yes")), "yes");
});

Deno.test("Semaphore.acquire() gives a permit that is given back only once, however often it is disposed of", async () => {
  const semaphore = new Semaphore(1);
  {
    using permit = await semaphore.acquire();
    // Disposed of here and at the end of the block.
    permit[Symbol.dispose]();
  }
  using _first = await semaphore.acquire();
  const leave = new AbortController();
  const second = semaphore.acquire(leave.signal);
  assertEquals(semaphore.waiting, 1);
  leave.abort();
  assertEquals(await second, null);
});
