import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { GiveBack } from "../../../lib/kv/give_back.ts";
import { giveBackPages } from "../../../lib/kv/incremental_vacuum.ts";
import { createLogger } from "../../../lib/base/log.ts";
import { quickCheck } from "../../../lib/kv/quick_check.ts";
import { prepareStoreFile } from "../../../lib/kv/store_file.ts";
import { reserveOf, StorePages, type StoreSize } from "../../../lib/kv/store_pages.ts";
import { eventually } from "../../helpers/eventually.ts";
import { tempDir } from "../../helpers/temp_dir.ts";

const MiB = 1024 * 1024;

/** Stores this many megabytes, and removes them again. */
async function fillAndEmpty(kv: Deno.Kv, megabytes: number): Promise<void> {
  const value = new Uint8Array(60 * 1024);
  const count = Math.ceil(megabytes * MiB / value.length);
  for (let n = 0; n < count; n++) await kv.set(["x", n], value);
  for (let n = 0; n < count; n++) await kv.delete(["x", n]);
}

Deno.test("StorePages.size() says how much of a file in use is free, and leaves no log behind", async () => {
  await using directory = await tempDir();
  const path = `${directory.path}/test.db`;
  await prepareStoreFile(path);
  {
    using kv = await Deno.openKv(path);
    using pages = new StorePages(path);
    assertEquals(pages.shrinks, true);
    const empty = pages.size();
    assertEquals(empty.free, 0);
    await fillAndEmpty(kv, 3);
    const { file, free } = pages.size();
    assertGreater(free, 2.9 * MiB);
    assertLess(file - free, empty.file + 0.1 * MiB);
    await fillAndEmpty(kv, 3);
    assertLess(pages.size().file, file + 0.1 * MiB, "what is free is used");
  }
  const left = await Array.fromAsync(Deno.readDir(directory.path), ({ name }) => name);
  assertEquals(left, ["test.db"]);
});

Deno.test("reserveOf() keeps 8 MiB free, or a tenth of what the store holds if that is more", () => {
  assertEquals(reserveOf({ file: 10 * MiB, free: 9 * MiB }), 8 * MiB);
  assertEquals(reserveOf({ file: 1000 * MiB, free: 0 }), 100 * MiB);
  assertEquals(reserveOf({ file: 1000 * MiB, free: 900 * MiB }), 10 * MiB);
});

Deno.test("giveBackPages() shrinks a file to its reserve while Deno KV writes into it", async () => {
  await using directory = await tempDir();
  const path = `${directory.path}/test.db`;
  await prepareStoreFile(path);
  {
    using kv = await Deno.openKv(path);
    using pages = new StorePages(path);
    for (let n = 0; n < 100; n++) await kv.set(["kept", n], "x".repeat(500));
    await fillAndEmpty(kv, 30);
    for (let n = 100; n < 200; n++) await kv.set(["kept", n], "x".repeat(500));
    let over = false;
    let writes = 0;
    const writing = (async () => {
      for (; !over; writes++) await kv.set(["kept", writes % 200], "x".repeat(500));
    })();
    await giveBackPages(path, 1);
    over = true;
    await writing;
    assertGreater(writes, 0);
    const { file, free } = pages.size();
    assertLess(free, 8.1 * MiB);
    assertLess(file, 9 * MiB);
    // If nothing is written meanwhile, the last checkpoint shrinks the file itself.
    await giveBackPages(path, 1);
    assertLess((await Deno.stat(path)).size, 9.5 * MiB);
    const kept = await Array.fromAsync(kv.list({ prefix: ["kept"] }));
    assertEquals(kept.length, 200);
  }
  assertEquals(quickCheck(path), "ok");
});

/** Counts how often somebody looks at the size. */
class CountedPages extends StorePages {
  looks = 0;

  override size(): StoreSize {
    this.looks++;
    return super.size();
  }
}

Deno.test("GiveBack shrinks a file that was made for it, and logs advice once for any other file", async () => {
  await using directory = await tempDir();
  const logged: string[] = [];
  const log = createLogger({ level: "info", write: (line) => logged.push(line) });
  for (const made of [true, false]) {
    const path = `${directory.path}/${made}.db`;
    if (made) await prepareStoreFile(path);
    using kv = await Deno.openKv(path);
    using pages = new CountedPages(path);
    assertEquals(pages.shrinks, made);
    await fillAndEmpty(kv, 20);
    const before = pages.size();
    await using _giving = new GiveBack({ path, pages, log, everyMs: 20 });
    if (made) {
      await eventually(() => assertLess(pages.size().free, 8.1 * MiB));
      assertEquals(logged, []);
    } else {
      const { looks } = pages;
      await eventually(() => assertGreater(pages.looks, looks + 5));
      assertEquals(logged.length, 1);
      await kv.set(["x"], 1);
      assertEquals(pages.size().file, before.file);
      assert(logged[0]!.includes("deno task compact"), logged[0]);
    }
  }
});
