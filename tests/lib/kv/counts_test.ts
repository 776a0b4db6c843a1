import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Indexed, keys } from "../../../lib/kv/keys.ts";
import type { Status } from "../../../lib/task/record.ts";
import { COUNT_LIMIT, TaskCounts } from "../../../lib/kv/counts.ts";
import { kvWith } from "../../helpers/kv_with.ts";

const NONE = { pending: 0, running: 0, waiting: 0, completed: 0, failed: 0, canceled: 0 };

/** Puts tasks into the index, without their heads. */
async function put(
  kv: Deno.Kv,
  kind: string,
  status: Status,
  count: number,
  { from = 0, value = null }: { from?: number; value?: Indexed | null } = {},
): Promise<void> {
  await kv.set(keys.kind(kind), null);
  for (let at = 0; at < count; at += 500) {
    const atomic = kv.atomic();
    for (let n = at; n < Math.min(count, at + 500); n++) {
      atomic.set(keys.index(kind, status, String(from + n).padStart(26, "0")), value);
    }
    await atomic.commit();
  }
}

/** A handle that counts its reads, and fails while `broken` is set. */
function watched(kv: Deno.Kv) {
  const seen = { reads: 0, broken: false };
  const list: Deno.Kv["list"] = (selector, options) => {
    seen.reads++;
    if (seen.broken) throw new Error("The store is away");
    return kv.list(selector, options);
  };
  return { kv: kvWith(kv, { list }), seen };
}

Deno.test("TaskCounts.read() counts only tasks of the given kinds and states", async () => {
  using kv = await Deno.openKv(":memory:");
  await put(kv, "a", "completed", 3);
  await put(kv, "a", "failed", 1);
  await put(kv, "b", "completed", 2);
  const counts = new TaskCounts(kv);
  assertEquals(await counts.read(), { ...NONE, completed: 5, failed: 1 });
  assertEquals(await counts.read(["a"]), { ...NONE, completed: 3, failed: 1 });
  assertEquals(await counts.read(["b", "none", "b"]), { ...NONE, completed: 2 });
  assertEquals(await counts.read(["none"]), NONE);
  assertEquals(await counts.read(undefined, ["failed"]), { ...NONE, failed: 1 });
});

Deno.test("TaskCounts.read() counts each state up to a limit, however many kinds there are", async () => {
  using kv = await Deno.openKv(":memory:");
  await put(kv, "a", "completed", COUNT_LIMIT - 1);
  await put(kv, "b", "completed", 600);
  const counts = new TaskCounts(kv);
  assertEquals((await counts.read(["a"])).completed, COUNT_LIMIT - 1);
  assertEquals((await counts.read()).completed, COUNT_LIMIT);
});

Deno.test("TaskCounts.read() counts each kind and state once for all callers, whichever kinds they ask for", async () => {
  using kv = await Deno.openKv(":memory:");
  for (const kind of ["a", "b", "c"]) await put(kv, kind, "completed", 2);
  let now = 0;
  const { kv: store, seen } = watched(kv);
  const counts = new TaskCounts(store, () => now);
  await Promise.all([counts.read(), counts.read(["a"]), counts.read(["b", "c"])]);
  // One read of the kinds, and one for each of the six states of three kinds.
  assertEquals(seen.reads, 1 + 3 * 6);
  for (let n = 0; n < 200; n++) await counts.read(["a", `none-${n}`]);
  assertEquals(seen.reads, 1 + 3 * 6);
  now = 501;
  await put(kv, "a", "completed", 4);
  assertEquals((await counts.read(["a"])).completed, 4);
  assertEquals(seen.reads, 1 + 3 * 6 + 1 + 6);
});

Deno.test("TaskCounts.read() uses a count for 20 times as long as counting took, but at most 10 seconds", async () => {
  using kv = await Deno.openKv(":memory:");
  for (const kind of ["a", "b"]) await put(kv, kind, "completed", 1);
  const { kv: store, seen } = watched(kv);
  let later = 0;
  let readMs = 10;
  const counts = new TaskCounts(store, () => readMs * seen.reads + later);
  await counts.read();
  const { reads } = seen;
  later = 19 * readMs * reads;
  await counts.read();
  assertEquals(seen.reads, reads);
  later = 20 * readMs * reads;
  await counts.read();
  assertEquals(seen.reads, 2 * reads);
  // At most 10 seconds: on a machine that is busy for a moment, no count gets minutes old.
  readMs = 10_000;
  await counts.read();
  assertEquals(seen.reads, 3 * reads);
  later += 10_000;
  await counts.read();
  assertEquals(seen.reads, 4 * reads);
});

Deno.test("TaskCounts.read() counts again after a read of the store failed", async () => {
  using kv = await Deno.openKv(":memory:");
  await put(kv, "a", "completed", 1);
  const { kv: store, seen } = watched(kv);
  const counts = new TaskCounts(store, () => 0);
  seen.broken = true;
  await assertRejects(() => counts.read(), Error, "away");
  seen.broken = false;
  assertEquals((await counts.read()).completed, 1);
  assert(seen.reads > 1);
});

Deno.test("TaskCounts.readParentless() counts no children, and sets `partial` if it read only some tasks", async () => {
  using kv = await Deno.openKv(":memory:");
  await put(kv, "a", "completed", 3);
  await put(kv, "a", "completed", 700, { from: 10, value: { child: true } });
  await put(kv, "b", "failed", 2);
  const counts = new TaskCounts(kv);
  const all = { ...NONE, completed: 3, failed: 2 };
  assertEquals(await counts.readParentless(), { counts: all, partial: false });
  assertEquals(await counts.readParentless(["b"]), {
    counts: { ...NONE, failed: 2 },
    partial: false,
  });
  assertEquals((await counts.read()).completed, 703);
  await put(kv, "c", "completed", 1);
  await put(kv, "c", "completed", 20_000, { from: 1, value: { child: true } });
  assertEquals(await new TaskCounts(kv).readParentless(["c"]), { counts: NONE, partial: true });
});
