import { assertEquals, assertRejects } from "@std/assert";
import { lockFile } from "../../../lib/kv/file_lock.ts";
import { openPrivate, tighten } from "../../../lib/kv/private_file.ts";
import { prepareStoreFile } from "../../../lib/kv/store_file.ts";
import { backUp } from "../../../tools/backup.ts";
import { restore } from "../../../tools/restore.ts";
import { finished, submit } from "../../helpers/api.ts";
import { startServer } from "../../helpers/server.ts";
import { tempDir } from "../../helpers/temp_dir.ts";

/** Windows has no such file modes. */
const ignore = Deno.build.os === "windows";

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore, fn });
}

async function mode(path: string): Promise<string> {
  return ((await Deno.stat(path)).mode! & 0o777).toString(8);
}

/** The mode of each file in a folder, by name. */
async function modes(folder: string): Promise<Record<string, string>> {
  const names = (await Array.fromAsync(Deno.readDir(folder), ({ name }) => name)).sort();
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await mode(`${folder}/${name}`)])),
  );
}

/** Runs an action under another umask, which the whole process and so all tests here share. */
async function under<T>(umask: number, action: () => Promise<T>): Promise<T> {
  const before = Deno.umask(umask);
  try {
    return await action();
  } finally {
    Deno.umask(before);
  }
}

test("under any umask the store and new folders are their owner's alone; an existing folder keeps its mode", async () => {
  await using directory = await tempDir();
  await Deno.chmod(directory.path, 0o755);
  for (const umask of ["000", "022", "077"]) {
    const folder = `${directory.path}/${umask}/deep`;
    await using server = await startServer({
      kv: `${folder}/test.db`,
      prefix: ["sh", "-c", `umask ${umask}; exec "$@"`, "sh"],
    });
    await finished(server.url, (await submit(server.url, "echo", 1)).task_id);
    assertEquals(await modes(folder), {
      "test.db": "600",
      "test.db-shm": "600",
      "test.db-wal": "600",
      "test.db.lock": "600",
    });
    assertEquals([await mode(folder), await mode(`${folder}/..`)], ["700", "700"], umask);
  }
  assertEquals(await mode(directory.path), "755");
});

test("a store that others could read is its owner's alone after the next start", async () => {
  await using directory = await tempDir();
  const kv = `${directory.path}/test.db`;
  const names = ["test.db", "test.db-shm", "test.db-wal", "test.db.lock"];
  {
    await using server = await startServer({ kv });
    await finished(server.url, (await submit(server.url, "echo", 1)).task_id);
    for (const name of names) await Deno.chmod(`${directory.path}/${name}`, 0o664);
    await server.kill();
  }
  await Deno.chmod(directory.path, 0o775);
  await using server = await startServer({ kv });
  await finished(server.url, (await submit(server.url, "echo", 1)).task_id);
  assertEquals(await modes(directory.path), Object.fromEntries(names.map((name) => [name, "600"])));
  assertEquals(await mode(directory.path), "775");
});

test("backUp() and restore() make files their owner's alone, also the store that restore() sets aside", async () => {
  await using directory = await tempDir();
  const [store, copy] = [`${directory.path}/kv.db`, `${directory.path}/copy.db`];
  {
    using kv = await Deno.openKv(store);
    await kv.set(["n"], 1);
  }
  await Deno.chmod(store, 0o644);
  await under(0, () => backUp(store, copy));
  assertEquals(await mode(copy), "600");
  await Deno.chmod(copy, 0o666);
  const aside = await under(0, () => restore(copy, store));
  assertEquals([await mode(store), await mode(aside!)], ["600", "600"]);
  const left = await modes(directory.path);
  delete left["copy.db"];
  assertEquals(Object.entries(left).filter(([, mode]) => mode !== "600"), []);
});

test("openPrivate() makes a file with mode 600 whatever the umask, and keeps what a file contains", async () => {
  await using directory = await tempDir();
  const path = `${directory.path}/file`;
  for (const umask of [0, 0o277]) {
    await under(umask, async () => (await openPrivate(path)).close());
    assertEquals(await mode(path), "600");
    await Deno.remove(path);
  }
  await Deno.writeTextFile(path, "kept");
  (await openPrivate(path)).close();
  assertEquals(await Deno.readTextFile(path), "kept");
  await assertRejects(() => openPrivate(`${directory.path}/none/file`), Deno.errors.NotFound);
});

test("tighten() takes no rights from the owner, skips missing files, and follows a link to the store", async () => {
  await using directory = await tempDir();
  const at = (name: string) => `${directory.path}/${name}`;
  await Deno.writeTextFile(at("real"), "", { mode: 0o644 });
  await Deno.writeTextFile(at("real-wal"), "", { mode: 0o644 });
  await Deno.symlink(at("real"), at("link"));
  await Deno.chmod(at("real"), 0o444);
  assertEquals(await tighten(at("link")), []);
  assertEquals(await modes(directory.path), { link: "400", real: "400", "real-wal": "600" });
  assertEquals(await tighten(at("none")), []);
});

test("prepareStoreFile() makes a new store's file with mode 600, before Deno KV opens it", async () => {
  await using directory = await tempDir();
  const path = `${directory.path}/new/test.db`;
  using _lock = await under(0, () => lockFile(path));
  await under(0, () => prepareStoreFile(path));
  assertEquals(await modes(`${directory.path}/new`), { "test.db": "600", "test.db.lock": "600" });
});
