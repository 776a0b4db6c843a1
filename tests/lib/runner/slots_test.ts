import { assertEquals } from "@std/assert";
import { keys } from "../../../lib/kv/keys.ts";
import { Slots } from "../../../lib/runner/slots.ts";

/** A handle whose lists read at once, and give what they read when their gate is opened. */
function slowLists(kv: Deno.Kv): { kv: Deno.Kv; gates: (() => void)[] } {
  const gates: (() => void)[] = [];
  const slow = new Proxy(kv, {
    get(target, name) {
      if (name !== "list") return Reflect.get(target, name, target);
      return async function* (selector: Deno.KvListSelector) {
        const entries = await Array.fromAsync(target.list(selector));
        const { promise, resolve } = Promise.withResolvers<void>();
        gates.push(resolve);
        await promise;
        yield* entries;
      };
    },
  });
  return { kv: slow, gates };
}

async function taken(kv: Deno.Kv, ...slots: number[]): Promise<void> {
  for await (const { key } of kv.list({ prefix: keys.slotsOf("k") })) await kv.delete(key);
  for (const slot of slots) await kv.set(keys.slot("k", slot), "id");
}

Deno.test("Slots.free() returns the first free slot of a name, after as many as are left to others", () => {
  const slots = new Slots({} as Deno.Kv);
  assertEquals([slots.has("k"), slots.free("k", 2)], [false, 0]);
  slots.take("k", 0);
  assertEquals([slots.has("k"), slots.free("k", 2), slots.free("k", 1)], [true, 1, null]);
  assertEquals([slots.free("k", 4, 2), slots.free("k", 4, 3)], [3, null]);
  assertEquals(slots.free("other", 1), 0);
  slots.release("k", 0);
  assertEquals(slots.free("k", 1), 0);
});

Deno.test("Slots.read() learns which slots others have taken, and forgets claims that were lost", async () => {
  using kv = await Deno.openKv(":memory:");
  const slots = new Slots(kv);
  slots.take("k", 0);
  await taken(kv, 1);
  await slots.read("k", []);
  assertEquals(slots.free("k", 3), 0);
  await slots.read("k", [0]);
  assertEquals(slots.free("k", 3), 2);
});

Deno.test("Slots.read() keeps what was taken or released during the read", async () => {
  using kv = await Deno.openKv(":memory:");
  const { kv: slow, gates } = slowLists(kv);
  const slots = new Slots(slow);
  slots.take("k", 1);
  await taken(kv, 1);
  const reading = slots.read("k", [1]);
  while (gates.length < 1) await new Promise((resolve) => setImmediate(resolve));
  // The store shows neither the claim nor the release yet.
  slots.take("k", 0);
  slots.release("k", 1);
  gates[0]!();
  await reading;
  assertEquals([slots.free("k", 2), slots.free("k", 1)], [1, null]);
});

Deno.test("Slots.read() ignores what it read if a later read has begun", async () => {
  using kv = await Deno.openKv(":memory:");
  const { kv: slow, gates } = slowLists(kv);
  const slots = new Slots(slow);
  await taken(kv, 0, 1);
  const first = slots.read("k", []);
  while (gates.length < 1) await new Promise((resolve) => setImmediate(resolve));
  await taken(kv, 1);
  const second = slots.read("k", []);
  while (gates.length < 2) await new Promise((resolve) => setImmediate(resolve));
  gates[1]!();
  await second;
  gates[0]!();
  await first;
  assertEquals(slots.free("k", 2), 0);
});
