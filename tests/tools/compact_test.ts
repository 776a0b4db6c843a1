import { assertEquals, assertGreater, assertLess, assertMatch, assertRejects } from "@std/assert";
import { FileInUseError, lockFile } from "../../lib/kv/file_lock.ts";
import { giveBackPages } from "../../lib/kv/incremental_vacuum.ts";
import { StorePages } from "../../lib/kv/store_pages.ts";
import { BackupError } from "../../tools/backup.ts";
import { compact } from "../../tools/compact.ts";
import { finished, submit } from "../helpers/api.ts";
import { assertConsistent } from "../helpers/consistency.ts";
import { startServer } from "../helpers/server.ts";
import { tempDir } from "../helpers/temp_dir.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

async function fillAndEmpty(kv: Deno.Kv): Promise<void> {
  for (let n = 0; n < 200; n++) await kv.set(["x", n], new Uint8Array(60_000));
  for (let n = 0; n < 200; n++) await kv.delete(["x", n]);
}

Deno.test("deno task compact frees unused space, keeps the tasks, and lets the store shrink from then on", async () => {
  await using folder = await tempDir();
  const path = `${folder.path}/kv.db`;
  {
    // As an older version made it: the file cannot shrink.
    using kv = await Deno.openKv(path);
    await fillAndEmpty(kv);
  }
  let id: string;
  {
    await using server = await startServer({ kv: path });
    id = (await submit(server.url, "echo", 7)).task_id;
    await finished(server.url, id);
    await assertRejects(() => compact(path), FileInUseError);
  }
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["task", "-q", "compact"],
    cwd: ROOT,
    env: { HEADWAY_KV: path, NO_COLOR: "1" },
  }).output();
  const said = new TextDecoder().decode(stdout).trim();
  assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
  const [, before, after] = /kv\.db took (\d+) bytes and now takes (\d+)$/.exec(said)!.map(Number);
  assertGreater(before!, 11_000_000);
  assertLess(after!, 1_000_000);
  assertEquals((await Deno.stat(path)).size, after);
  {
    using kv = await Deno.openKv(path);
    using pages = new StorePages(path);
    assertEquals([pages.shrinks, pages.size().free], [true, 0]);
    assertEquals((await assertConsistent(kv)).map(({ task_id }) => task_id), [id]);
    await fillAndEmpty(kv);
    const { file } = pages.size();
    await giveBackPages(path);
    assertLess(pages.size().file, file - 2_000_000);
  }
  await using server = await startServer({ kv: path });
  assertEquals((await finished(server.url, id)).result, 7);
});

Deno.test("compact() says why it refuses, and changes nothing", async () => {
  await using folder = await tempDir();
  const path = `${folder.path}/kv.db`;
  await assertRejects(() => compact(path), BackupError, "There is no store at");
  await Deno.writeTextFile(path, "no database at all");
  const { message } = await assertRejects(() => compact(path), Error);
  assertMatch(message, /it is not a database of Deno KV/);
  assertEquals(await Deno.readTextFile(path), "no database at all");
  using _lock = await lockFile(path);
  await assertRejects(() => compact(path), FileInUseError);
});
