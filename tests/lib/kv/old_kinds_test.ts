import { assertEquals } from "@std/assert";
import { keys } from "../../../lib/kv/keys.ts";
import { knownKinds } from "../../../lib/kv/known_kinds.ts";
import { OldKinds, ToldKinds } from "../../../lib/kv/old_kinds.ts";
import { kvWith } from "../../helpers/kv_with.ts";

const MINUTE = 60_000;

Deno.test("OldKinds.remove() removes a kind without tasks once its key was unchanged for 30 minutes", async () => {
  using kv = await Deno.openKv(":memory:");
  for (const kind of ["has-tasks", "silent", "used"]) await kv.set(keys.kind(kind), null);
  await kv.set(keys.index("has-tasks", "failed", "01J"), null);
  let now = 0;
  const old = new OldKinds(() => now);
  const at = async (minute: number) => {
    now = minute * MINUTE;
    await old.remove(kv);
    return await knownKinds(kv);
  };
  assertEquals(await at(0), ["has-tasks", "silent", "used"]);
  await kv.set(keys.kind("used"), null);
  assertEquals(await at(29), ["has-tasks", "silent", "used"]);
  assertEquals(await at(30), ["has-tasks", "used"]);
  await kv.delete(keys.index("has-tasks", "failed", "01J"));
  assertEquals(await at(58), ["used"]);
  assertEquals(await at(59), []);
  // A kind that comes back gets another 30 minutes.
  await kv.set(keys.kind("silent"), null);
  assertEquals(await at(60), ["silent"]);
  assertEquals(await at(89), ["silent"]);
  assertEquals(await at(90), []);
});

Deno.test("OldKinds.remove() keeps a kind if a task of it is stored just before the removal's commit", async () => {
  using kv = await Deno.openKv(":memory:");
  await kv.set(keys.kind("a"), null);
  const atomic = () => {
    const real = kv.atomic();
    const commit = real.commit.bind(real);
    real.commit = async () => {
      await kv.atomic().set(keys.kind("a"), null).set(keys.index("a", "pending", "01J"), null)
        .commit();
      return await commit();
    };
    return real;
  };
  let now = 0;
  const old = new OldKinds(() => now);
  const store = kvWith(kv, { atomic });
  await old.remove(store);
  now = 30 * MINUTE;
  await old.remove(store);
  assertEquals(await knownKinds(kv), ["a"]);
});

Deno.test("ToldKinds.has() holds for 10 minutes after add(), then the kind's key must be written again", () => {
  let now = 0;
  const told = new ToldKinds(() => now);
  assertEquals(told.has("a"), false);
  told.add("a");
  assertEquals([told.has("a"), told.has("b")], [true, false]);
  now = 10 * MINUTE - 1;
  assertEquals(told.has("a"), true);
  now = 10 * MINUTE;
  assertEquals(told.has("a"), false);
  told.add("a");
  assertEquals(told.has("a"), true);
});
