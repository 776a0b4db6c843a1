import { assertEquals, assertRejects } from "@std/assert";
import { Reads, TooManyReadsError } from "../../../lib/kv/reads.ts";
import { kvWith } from "../../helpers/kv_with.ts";

const settle = () => new Promise((resolve) => setImmediate(resolve));

Deno.test("Reads.run() serves a request's first reads before the later reads of other requests", async () => {
  const gate = Promise.withResolvers<void>();
  const begun: string[] = [];
  const read = (name: string) => () => {
    begun.push(name);
    return gate.promise;
  };
  const greedy = new Reads({ share: 100 });
  const modest = new Reads({ share: 100 });
  const all = [
    ...Array.from({ length: 6 }, (_, n) => greedy.run(60, read(`greedy ${n}`))),
    modest.run(60, read("modest")),
  ];
  await settle();
  // Two greedy reads within the share and one beyond it; the modest read waits for none of them.
  assertEquals(begun.toSorted(), ["greedy 0", "greedy 1", "greedy 2", "modest"]);
  gate.resolve();
  await Promise.all(all);
  assertEquals(begun.length, 7);
});

Deno.test("Reads.run() refuses a read when too many wait, unless its request is within its share", async () => {
  const gate = Promise.withResolvers<void>();
  const read = () => gate.promise;
  const waiting = Array.from({ length: 301 }, () => new Reads({ share: 0 }).run(1, read));
  await assertRejects(() => new Reads({ share: 0 }).run(1, read), TooManyReadsError, "try again");
  assertEquals(await new Reads({ share: 1 }).run(1, () => Promise.resolve("read")), "read");
  gate.resolve();
  await Promise.all(waiting);
  assertEquals(await new Reads({ share: 0 }).run(1, () => Promise.resolve("again")), "again");
});

Deno.test("Reads.newestFirst() reads a range from its end, in reads that grow as the caller reads on", async () => {
  using kv = await Deno.openKv(":memory:");
  const key = (n: number) => ["n", String(n).padStart(4, "0")];
  for (let n = 0; n < 900; n += 300) {
    const atomic = kv.atomic();
    for (let k = 0; k < 300; k++) atomic.set(key(n + k), n + k);
    await atomic.commit();
  }
  const range = { start: key(10), end: key(890) };
  const expected = Array.from({ length: 880 }, (_, n) => 889 - n);
  const sizes = async (first: number, sizeOf: (value: number) => number) => {
    const read = await Array.fromAsync(new Reads().newestFirst(kv, range, { first, sizeOf }));
    assertEquals(read.flat().map(({ value }) => value), expected);
    return read.map((entries) => entries.length);
  };
  assertEquals(await sizes(3, () => 1), [3, 12, 48, 192, 200, 200, 200, 25]);
  assertEquals(await sizes(9999, () => 1), [200, 200, 200, 200, 80]);
  // A read is kept below 512 KiB: seven values of 64 KiB, or a single one of 1 MiB.
  assertEquals((await sizes(20, () => 64 * 1024)).slice(0, 3), [20, 7, 7]);
  assertEquals((await sizes(2, () => 1024 * 1024)).slice(0, 3), [2, 1, 1]);
});

Deno.test("Reads.newestFirst() reads only when it is asked for more, and ends when nothing is left", async () => {
  using kv = await Deno.openKv(":memory:");
  await kv.set(["n", 1], 1);
  let reads = 0;
  const counted = kvWith(kv, {
    list: ((...args: Parameters<Deno.Kv["list"]>) => {
      reads++;
      return kv.list(...args);
    }) as Deno.Kv["list"],
  });
  const range = { start: ["n", 0], end: ["n", 9] };
  const entries = new Reads().newestFirst(counted, range, { first: 1 });
  await settle();
  assertEquals(reads, 0);
  assertEquals((await entries.next()).value?.length, 1);
  assertEquals(reads, 1);
  assertEquals((await entries.next()).done, true);
  assertEquals(reads, 2);
  const all = await Array.fromAsync(new Reads().newestFirst(kv, range, { first: 5 }));
  assertEquals(all.flat().map(({ value }) => value), [1]);
});
