import { assert, assertEquals, assertLess, assertRejects } from "@std/assert";
import { keys } from "../../../lib/kv/keys.ts";
import { removeOld } from "../../../lib/cluster/remove_old.ts";
import type { Head } from "../../../lib/kv/head.ts";
import { finished, storedEvents, submit } from "../../helpers/api.ts";
import { kvWith } from "../../helpers/kv_with.ts";
import { testApp } from "../../helpers/server.ts";
import { storeThat } from "../../helpers/store_that.ts";

const never = new AbortController().signal;

/** Every key that bears one of these ids. */
async function keysOf(kv: Deno.Kv, ids: readonly string[]): Promise<Deno.KvKey[]> {
  const known = new Set(ids);
  const all = await Array.fromAsync(kv.list({ prefix: [] }), ({ key }) => key);
  return all.filter((key) => key.some((part) => known.has(String(part))));
}

async function ended(base: string, count: number): Promise<string[]> {
  const ids = await Promise.all(
    Array.from({ length: count }, async () => (await submit(base, "echo")).task_id),
  );
  for (const id of ids) await finished(base, id);
  return ids;
}

Deno.test("removeOld() removes many tasks a commit, each whole and told once, and keeps the younger", async () => {
  let commits = 0;
  using real = await Deno.openKv(":memory:");
  const kv = storeThat(real, () => Promise.resolve(void commits++));
  await using app = await testApp({}, { kv });
  const { store } = app.engine;
  const old = await ended(app.url, 150);
  await new Promise((resolve) => setTimeout(resolve, 2));
  const before = Date.now();
  await new Promise((resolve) => setTimeout(resolve, 2));
  const young = await ended(app.url, 5);
  await store.journal.idle();
  const told: string[] = [];
  const unlisten = app.engine.hub.listen("all", ({ event }) => {
    if (event.type === "deleted") told.push(event.id);
  });
  commits = 0;
  await removeOld(store, before, never);
  // Over KV Connect nine fit into one; the session and others commit, too.
  assertLess(commits, 60);
  await app.engine.hub.caughtUp();
  unlisten();
  assertEquals(await keysOf(real, old), []);
  assertEquals(told.sort(), old.sort());
  for (const id of young) assertEquals((await finished(app.url, id)).status, "completed");
});

Deno.test("removeOld() removes rows of any number a little at a time, though it is cut short", async () => {
  let mayCommit = Infinity;
  let largest = 0;
  using real = await Deno.openKv(":memory:");
  const counted = kvWith(real, {
    atomic() {
      const atomic = real.atomic();
      const remove = atomic.delete.bind(atomic);
      let deletes = 0;
      atomic.delete = (key) => {
        if (key[0] === "event") largest = Math.max(largest, ++deletes);
        return remove(key);
      };
      return atomic;
    },
  });
  const kv = storeThat(counted, () => {
    return --mayCommit < 0 ? Promise.reject(new Error("BadResource: closed")) : Promise.resolve();
  });
  await using app = await testApp({}, { kv });
  const { store } = app.engine;
  const { task_id } = await submit(app.url, "log-many", { rows: 600, bytes: 20_000 });
  await finished(app.url, task_id);
  const values = await Array.fromAsync(real.list({ prefix: keys.events(task_id) }));
  assert(values.length > 100, `${values.length}`);
  const { rowBytes } = (await real.get<Head>(keys.task(task_id))).value!;
  assert(rowBytes > 600 * 20_000 && rowBytes < 600 * 20_200, `${rowBytes}`);
  await store.journal.idle();
  // The task itself, and two commits of its rows.
  mayCommit = 3;
  await assertRejects(() => removeOld(store, Date.now(), never));
  mayCommit = Infinity;
  const left = await Array.fromAsync(real.list({ prefix: keys.events(task_id) }));
  assert(left.length > 0 && left.length < values.length, `${left.length}`);
  await store.finishRemovals();
  assertEquals(await keysOf(real, [task_id]), []);
  assertLess(largest, 201);
});

Deno.test("removeOld() leaves a task that was retried meanwhile", async () => {
  using real = await Deno.openKv(":memory:");
  let first = true;
  let id = "";
  await using app = await testApp({}, {
    kv: kvWith(real, {
      // deno-lint-ignore no-explicit-any -- a handle's method, whatever it is called with
      async getMany(...args: any[]) {
        const read = await real.getMany(...args as Parameters<typeof real.getMany>);
        // Between the look and the removal.
        if (first && id !== "") {
          first = false;
          await app.engine.store.retry(id);
          await finished(app.url, id);
        }
        // deno-lint-ignore no-explicit-any -- as it came
        return read as any;
      },
    }),
  });
  id = (await ended(app.url, 1))[0]!;
  const runs = (await storedEvents(app.url, id)).length;
  await removeOld(app.engine.store, Date.now(), never);
  // It was finished when it was removed, or is there with both runs: never half of it.
  const rows = await keysOf(real, [id]);
  if (rows.length > 0) assert((await storedEvents(app.url, id)).length > runs);
});
