import { assertEquals, assertRejects } from "@std/assert";
import { OwnTasks } from "../../../lib/feed/own_tasks.ts";
import { keys } from "../../../lib/kv/keys.ts";
import { eventually } from "../../helpers/eventually.ts";
import { openHub, testEvent } from "../../helpers/journal.ts";
import { kvWith } from "../../helpers/kv_with.ts";

function submitted(id: string, token: string) {
  return testEvent(0, { id, type: "submitted", json: JSON.stringify(token) });
}

Deno.test("OwnTasks.of() gives the newest tasks that a token submitted, later ones included, and no others", async () => {
  await using opened = await openHub();
  const { kv, hub, write } = opened;
  for (const id of ["1", "2", "3", "4"]) await kv.set(keys.submitted("me", id), null);
  await kv.set(keys.submitted("mee", "5"), null);
  await kv.set(keys.submitted("m", "6"), null);
  const own = new OwnTasks(kv, hub, 3);
  using here = closing();
  const mine = await own.of("me", here.signal);
  assertEquals(mine.newest(9), ["4", "3", "2"]);
  await write([[submitted("7", "me"), submitted("8", "you"), testEvent(1, { id: "8" })]]);
  await eventually(() => assertEquals(mine.newest(9), ["7", "4", "3"]));
  assertEquals([mine.has("7"), mine.has("8"), mine.has("2"), mine.newest(1)], [
    true,
    false,
    false,
    ["7"],
  ]);
});

Deno.test("OwnTasks misses no task that is submitted while it reads, and listens until its last user leaves", async () => {
  await using opened = await openHub();
  const { kv, hub, write } = opened;
  await kv.set(keys.submitted("me", "1"), null);
  let reads = 0;
  const begun = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  async function* late(...args: Parameters<Deno.Kv["list"]>) {
    reads++;
    begun.resolve();
    await gate.promise;
    yield* kv.list(...args);
  }
  const slow = kvWith(kv, { list: late as unknown as Deno.Kv["list"] });
  const own = new OwnTasks(slow, hub);
  using a = closing();
  using b = closing();
  const both = Promise.all([own.of("me", a.signal), own.of("me", b.signal)]);
  await begun.promise;
  await write([[submitted("2", "me")]]);
  await hub.caughtUp();
  gate.resolve();
  const [first, second] = await both;
  assertEquals([first.newest(9), second.newest(9), reads], [["2", "1"], ["2", "1"], 1]);
  a.abort();
  assertEquals(hub.listeners, 1);
  b.abort();
  assertEquals(hub.listeners, 0);
});

Deno.test("OwnTasks reads again after a read that failed", async () => {
  await using opened = await openHub();
  const { kv, hub } = opened;
  await kv.set(keys.submitted("me", "1"), null);
  let broken = true;
  const list: Deno.Kv["list"] = (...args) => {
    if (broken) throw new Error("away");
    return kv.list(...args);
  };
  const brittle = kvWith(kv, { list });
  const own = new OwnTasks(brittle, hub);
  using here = closing();
  await assertRejects(() => own.of("me", here.signal), Error, "away");
  broken = false;
  assertEquals((await own.of("me", here.signal)).newest(9), ["1"]);
});

function closing(): AbortController & Disposable {
  const controller = new AbortController();
  return Object.assign(controller, { [Symbol.dispose]: () => controller.abort() });
}
