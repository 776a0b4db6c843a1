import { assertEquals, assertGreater } from "@std/assert";
import { JournalRetention } from "../../../lib/cluster/journal_retention.ts";
import { keys } from "../../../lib/kv/keys.ts";
import { createLogger } from "../../../lib/base/log.ts";
import { Hub } from "../../../lib/feed/hub.ts";
import { Store } from "../../../lib/store/store.ts";
import { finished, submit } from "../../helpers/api.ts";
import { eventually } from "../../helpers/eventually.ts";
import { EPOCH, inCommits, openHub } from "../../helpers/journal.ts";
import { testApp } from "../../helpers/server.ts";

const log = createLogger({ level: "off" });

Deno.test("JournalRetention removes the oldest entries of the journal, and stores how far it has come", async () => {
  await using app = await testApp();
  const { store, hub, sweeper } = app.engine;
  const { task_id } = await submit(app.url, "log-many", { rows: 2000, bytes: 500 });
  await finished(app.url, task_id);
  const entries = () => Array.fromAsync(store.kv.list({ prefix: keys.journal }));
  const before = await entries();
  assertGreater(before.length, 1);
  assertGreater(hub.passed.bytes, 0);

  const isElected = () => sweeper.isElected();
  const retention = new JournalRetention({ store, hub, isElected, journalBytes: 0, log });
  retention.start();
  try {
    await eventually(async () => assertEquals((await entries()).map(({ key }) => key), []));
  } finally {
    await retention.stop();
  }
  const floor = await store.kv.get<string>(keys.journalFloor);
  assertEquals(floor.value, String(before.at(-1)!.key[1]));
  assertEquals([hub.passed.count, hub.passed.bytes], [0, 0]);
  assertEquals((await finished(app.url, task_id)).status, "completed");
});

Deno.test("JournalRetention finds the entries from before its start once each, and puts them first", async () => {
  await using opened = await openHub();
  const { kv, write } = opened;
  await write(inCommits([1, 1, 1]));
  await using hub = await Hub.open({ kv, sid: "next", epoch: EPOCH, log });
  await write(inCommits([1, 1, 1, 1]));
  await hub.caughtUp();
  assertEquals(hub.passed.count, 4);
  const all = await Array.fromAsync(kv.list({ prefix: keys.journal }), ({ key }) => key[1]);
  using store = new Store({ kv, sid: "next", log });
  const retention = new JournalRetention({
    store,
    hub,
    isElected: () => Promise.resolve(false),
    log,
  });
  retention.start();
  try {
    await eventually(() => assertGreater(hub.passed.count, 4));
  } finally {
    await retention.stop();
  }
  assertEquals(hub.passed.take(100).map(({ versionstamp }) => versionstamp), all);
  assertEquals(hub.passed.bytes, 0);
  await store.journal.close();
});

Deno.test("JournalRetention goes on where another process ended, and never lowers the journal's floor", async () => {
  await using opened = await openHub();
  const { kv, hub, write } = opened;
  const ones = Array.from({ length: 100 }, () => 1);
  await write(inCommits(ones, { type: "message" }));
  await using next = await Hub.open({ kv, sid: "next", epoch: EPOCH, log });
  // As if the next process had passed the entries on, too.
  await hub.caughtUp();
  for (const { versionstamp, size } of hub.passed.take(100)) {
    hub.passed.add(versionstamp, size, 1);
    next.passed.add(versionstamp, size, 1);
  }
  const floors: string[] = [];
  for (const [sid, by] of [["me", hub], ["next", next]] as const) {
    using store = new Store({ kv, sid, log });
    const { journal } = store;
    const touch = journal.touch.bind(journal);
    journal.touch = (write) => {
      const render = write.render.bind(write);
      write.render = (room) => {
        const part = render(room);
        for (const [, floor] of part?.sets ?? []) floors.push(String(floor));
        return part;
      };
      touch(write);
    };
    const isElected = () => Promise.resolve(true);
    const retention = new JournalRetention({ store, hub: by, isElected, journalBytes: 0, log });
    retention.start();
    await eventually(() => assertEquals(by.passed.count, 0));
    await retention.stop();
    await journal.close();
  }
  assertGreater(floors.length, 3);
  assertEquals(floors, floors.toSorted());
});
