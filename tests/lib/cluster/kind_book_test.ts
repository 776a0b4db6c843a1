import { assertEquals } from "@std/assert";
import { createLogger } from "../../../lib/base/log.ts";
import { KindBook } from "../../../lib/cluster/kind_book.ts";
import type { ToldModule } from "../../../lib/kv/told_kinds.ts";
import { Store } from "../../../lib/store/store.ts";
import { eventually } from "../../helpers/eventually.ts";

const log = createLogger({ level: "off" });

Deno.test("KindBook.tell() also stores what comes at the moment when all before it has been stored", async () => {
  using kv = await Deno.openKv(":memory:");
  using store = new Store({ kv, sid: "me", log });
  const book = new KindBook({ store, log });
  const module = (n: number): ToldModule => {
    return { module: "tasks.ts", state: "ready", reason: null, kinds: [`k${n}`] };
  };
  const { journal } = store;
  const write = journal.write.bind(journal);
  const told: number[] = [];
  let onwritten = (_written: Promise<unknown>) => {};
  journal.write = (part) => {
    told.push(part.sets!.length);
    const written = write(part);
    onwritten(written);
    return written;
  };
  for (let turns = 0; turns < 20; turns++) {
    told.length = 0;
    onwritten = (written) => {
      onwritten = () => {};
      // `turns` microtasks after the end of the write.
      let step = written.then(() => {});
      for (let turn = 0; turn < turns; turn++) step = step.then(() => {});
      void step.then(() => book.tell([module(2 * turns + 1)], []));
    };
    book.tell([module(2 * turns)], []);
    await eventually(() => assertEquals(told.length, 2, `${turns} turns behind`));
    await book.idle();
  }
  await journal.close();
});
