import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { checkStoreFile, StoreOpenError } from "../../../lib/kv/store_file.ts";
import { start } from "../../../embed/open.ts";
import { readConfig } from "../../../lib/config/read_config.ts";
import { lockFile } from "../../../lib/kv/file_lock.ts";
import { tempDir } from "../../helpers/temp_dir.ts";

async function refusal(path: string): Promise<string> {
  const { message } = await assertRejects(() => checkStoreFile(path), StoreOpenError);
  assertStringIncludes(message, `The store ${path} cannot be opened: `);
  return message.split("opened: ")[1]!;
}

Deno.test("checkStoreFile() accepts a missing file, an empty one, and a database of Deno KV", async () => {
  await using directory = await tempDir();
  const path = `${directory.path}/test.db`;
  for (let n = 0; n < 2; n++) {
    await checkStoreFile(path);
    using kv = await Deno.openKv(path);
    assertEquals((await kv.get<number>(["n"])).value, n === 0 ? null : 0);
    await kv.set(["n"], n);
  }
  await Deno.writeFile(`${directory.path}/empty.db`, new Uint8Array());
  await checkStoreFile(`${directory.path}/empty.db`);
});

Deno.test("checkStoreFile() refuses a path that cannot be a store, says why, and changes nothing", async () => {
  await using directory = await tempDir();
  const at = (name: string) => `${directory.path}/${name}`;
  await Deno.writeTextFile(at("text"), "hello");
  await Deno.writeFile(at("noise"), crypto.getRandomValues(new Uint8Array(5000)));
  assertEquals(await refusal(at("text")), "it is not a database of Deno KV");
  assertEquals(await refusal(at("noise")), "it is not a database of Deno KV");
  assertEquals(await refusal(directory.path), "it is not a file");
  const other = new DatabaseSync(at("other"));
  other.exec("CREATE TABLE customers (name TEXT)");
  other.close();
  const before = await Deno.readFile(at("other"));
  assertEquals(await refusal(at("other")), "it is the database of another program");
  assertEquals(await Deno.readFile(at("other")), before);
});

Deno.test("checkStoreFile() notices a file that was cut short", async () => {
  await using directory = await tempDir();
  const path = `${directory.path}/test.db`;
  {
    using kv = await Deno.openKv(path);
    for (let n = 0; n < 100; n++) await kv.set(["n", n], "x".repeat(1000));
  }
  const { size } = await Deno.stat(path);
  await Deno.truncate(path, 8192);
  assertEquals(
    await refusal(path),
    `it is cut short: 8192 bytes of ${size}. Restore it from a backup (deno task restore <file>)`,
  );
});

Deno.test("lockFile() and start() throw a StoreOpenError where no store can be opened", async () => {
  await using directory = await tempDir();
  await Deno.writeTextFile(`${directory.path}/file`, "");
  await assertRejects(() => lockFile(`${directory.path}/file/test.db`), StoreOpenError);
  const url = "http://127.0.0.1:1/";
  const config = readConfig((name) => name === "HEADWAY_KV" ? url : undefined);
  const { message } = await assertRejects(() => start(config, { inline: true }), StoreOpenError);
  assertStringIncludes(message, url);
});
