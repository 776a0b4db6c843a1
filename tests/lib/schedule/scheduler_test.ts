import { assert, assertEquals } from "@std/assert";
import { createLogger } from "../../../lib/base/log.ts";
import { keys } from "../../../lib/kv/keys.ts";
import { listSchedules, readSchedule } from "../../../lib/kv/schedules.ts";
import { Scheduler } from "../../../lib/schedule/scheduler.ts";
import { type NewSchedule, Schedules } from "../../../lib/schedule/schedules.ts";
import { Store } from "../../../lib/store/store.ts";
import { eventually } from "../../helpers/eventually.ts";
import { kvWith } from "../../helpers/kv_with.ts";
import { kindOf } from "./week.ts";

const START = Date.parse("2026-06-01T12:00:30Z");

function minutely(id: string): NewSchedule {
  return {
    id,
    kind: "count",
    source: "api",
    cron: "* * * * *",
    zone: "UTC",
    missed: "one",
    overlap: "allow",
    jitter_ms: 0,
    input: null,
    priority: 0,
  };
}

/** A handle that tells when a single schedule is read. */
function watched(kv: Deno.Kv, onread: () => void): Deno.Kv {
  return kvWith(kv, {
    get: ((key: Deno.KvKey, options?: { consistency?: Deno.KvConsistencyLevel }) => {
      if (key[0] === "schedule") onread();
      return kv.get(key, options);
    }) as Deno.Kv["get"],
  });
}

function schedulerOf(store: Store, schedules: Schedules): Scheduler {
  const kinds = [kindOf("count")];
  return new Scheduler({
    store,
    schedules,
    kind: () => kinds[0],
    kinds: () => kinds,
    isNewest: () => Promise.resolve(true),
    log: createLogger({ level: "off" }),
  });
}

Deno.test("Schedules.create() makes as many schedules as the limit allows if many are created at once", async () => {
  using kv = await Deno.openKv(":memory:");
  const store = new Store({ kv, sid: "a", log: createLogger({ level: "off" }) });
  using _ = store;
  const schedules = new Schedules(store, 90);
  const made = await Promise.all(
    Array.from({ length: 100 }, (_, n) => schedules.create(minutely(`s${n}`))),
  );
  assertEquals(made.filter(({ ok }) => ok).length, 90);
  assertEquals((await listSchedules(kv)).length, 90);
  await store.journal.close();
});

Deno.test("Scheduler processes the schedules first that are due longest, and reads no more than a turn can do", async () => {
  using kv = await Deno.openKv(":memory:");
  let now = START;
  let read = 0;
  const counting = watched(kv, () => read++);
  const log = createLogger({ level: "off" });
  using store = new Store({ kv: counting, sid: "a", log, now: () => now });
  const schedules = new Schedules(store, 1000);
  const scheduler = schedulerOf(store, schedules);
  for (let n = 0; n < 250; n++) await schedules.create(minutely(`s${String(n).padStart(3, "0")}`));
  await scheduler.turn();
  const made = async () =>
    (await listSchedules(kv)).flatMap(({ value: { id, made } }) => made > 0 ? [id] : []);
  assertEquals(await made(), []);
  read = 0;
  // More tasks are due each minute than a turn makes.
  for (const [turns, count] of [[1, 100], [2, 200]] as const) {
    now += 60_000;
    await scheduler.turn();
    assertEquals((await made()).length, count, `after ${turns} turns`);
    // A schedule that gets its task is read before and after that.
    if (turns === 1) assert(read < 250, `it read ${read}`);
  }
  await scheduler.stop();
  await store.journal.close();
});

Deno.test("Scheduler looks at a schedule again if a task of it ends during the look", async () => {
  using kv = await Deno.openKv(":memory:");
  let looks = 0;
  let onlook = () => {};
  const looked = watched(kv, () => {
    looks++;
    onlook();
  });
  const log = createLogger({ level: "off" });
  using store = new Store({ kv: looked, sid: "a", log, now: () => START });
  const schedules = new Schedules(store, 10);
  await schedules.create(minutely("s"));
  const scheduler = schedulerOf(store, schedules);
  looks = 0;
  onlook = () => {
    onlook = () => {};
    scheduler.wake("s");
  };
  scheduler.start();
  await eventually(() => assertEquals(looks, 2));
  await scheduler.stop();
  await store.journal.close();
});

Deno.test("Scheduler skips a time for any earlier task that has not ended, however many have ended since", async () => {
  using kv = await Deno.openKv(":memory:");
  let now = START;
  const log = createLogger({ level: "off" });
  using store = new Store({ kv, sid: "a", log, now: () => now });
  const schedules = new Schedules(store, 10);
  const scheduler = schedulerOf(store, schedules);
  await schedules.create({ ...minutely("s"), overlap: "skip" });
  const runNow = async () => {
    const run = await schedules.runNow("s", kindOf("count"), { by: "ada" });
    assert(run.ok);
    return run.id;
  };
  const last = async () => {
    now += 60_000;
    await scheduler.turn();
    const outcome = (await readSchedule(kv, "s"))!.value.outcomes.at(-1)!;
    return outcome.type === "skip" ? `${outcome.reason} ${outcome.run}` : outcome.slot;
  };
  const newest = async () => {
    const outcome = (await readSchedule(kv, "s"))!.value.outcomes.at(-1)!;
    return outcome.type === "task" ? outcome.task : "";
  };
  const first = await last();
  const task = await newest();
  for (let n = 0; n < 60; n++) await store.cancel(await runNow());
  assertEquals(await last(), `overlap ${first}`);
  await store.cancel(task);
  assertEquals(await last(), now - 30_000);
  // A task that ended counts again once it is retried.
  await store.cancel(await newest());
  await store.retry(task);
  assertEquals(await last(), `overlap ${first}`);
  await store.cancel(task);
  const asked = await runNow();
  assertEquals(await last(), "overlap undefined");
  await store.cancel(asked);
  assertEquals(await last(), now - 30_000);
  assertEquals((await Array.fromAsync(kv.list({ prefix: keys.scheduledOf("s") }))).length, 1);
  await scheduler.stop();
  await store.journal.close();
});
