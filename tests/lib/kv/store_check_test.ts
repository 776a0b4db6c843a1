import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { quickCheck } from "../../../lib/kv/quick_check.ts";
import { StoreCheck } from "../../../lib/kv/store_check.ts";
import { prepareStoreFile, storeFault, StoreOpenError } from "../../../lib/kv/store_file.ts";
import { finished, submit, taskWhen } from "../../helpers/api.ts";
import { startServer } from "../../helpers/server.ts";
import { tempDir } from "../../helpers/temp_dir.ts";

const PAGE = 4096;

async function filledStore(path: string): Promise<void> {
  using kv = await Deno.openKv(path);
  for (let n = 0; n < 300; n++) await kv.set(["n", n], "x".repeat(1000));
}

/** Overwrites pages of a file, numbered from 1, with bytes that are no page. */
async function damagePages(path: string, pages: readonly number[]): Promise<void> {
  using file = await Deno.open(path, { write: true });
  for (const page of pages) {
    await file.seek((page - 1) * PAGE, Deno.SeekMode.Start);
    await file.write(new Uint8Array(PAGE).fill(0xa5));
  }
}

Deno.test("StoreCheck finds a damaged page while Deno KV has the store open, and no damage in a sound store", async () => {
  await using directory = await tempDir();
  const path = `${directory.path}/test.db`;
  await filledStore(path);
  assertEquals(quickCheck(path), "ok");
  {
    using _kv = await Deno.openKv(path);
    await using check = new StoreCheck({ path, afterMs: 0 });
    assertEquals(await check.during(Promise.resolve("begun")), "begun");
    assertEquals(await check.damage, null);
  }
  await damagePages(path, [40]);
  using _kv = await Deno.openKv(path);
  await using check = new StoreCheck({ path, afterMs: 0 });
  const never = Promise.withResolvers<void>();
  const { message } = await assertRejects(() => check.during(never.promise), StoreOpenError);
  assertStringIncludes(message, `The store ${path} cannot be opened: it is damaged (`);
  assertStringIncludes(message, "Restore it from a backup (deno task restore <file>)");
  assertEquals(await check.damage !== null, true);
});

Deno.test("StoreCheck reports damage when a start fails, and none when its time is over or it is disposed of", async () => {
  await using directory = await tempDir();
  const path = `${directory.path}/test.db`;
  await filledStore(path);
  await damagePages(path, [50]);
  {
    await using check = new StoreCheck({ path, afterMs: 0 });
    const stumbled = Promise.reject(new TypeError("what is this"));
    await assertRejects(() => check.during(stumbled), StoreOpenError, "is damaged");
  }
  const hour = 3600_000;
  {
    // A failure begins the check at once, whatever `afterMs` is.
    await using check = new StoreCheck({ path, afterMs: hour });
    await assertRejects(() => check.during(Promise.reject(new Error("x"))), StoreOpenError);
  }
  {
    // A check that is given no time finds nothing.
    await using check = new StoreCheck({ path, afterMs: 0, deadlineMs: 0 });
    assertEquals(await check.damage, null);
  }
  let unread: StoreCheck;
  {
    await using check = new StoreCheck({ path, afterMs: hour });
    unread = check;
    assertEquals(await check.during(Promise.resolve("well")), "well");
  }
  assertEquals(await unread.damage, null);
});

Deno.test("storeFault() says in a sentence what Deno KV reports of damage, and returns other errors unchanged", async () => {
  for (const text of ["database disk image is malformed", "The value encoding 56 is unknown."]) {
    const fault = await storeFault("/x/test.db", new TypeError(text));
    assertEquals(
      (fault as Error).message,
      `The store /x/test.db cannot be opened: it is damaged (${text}). ` +
        "Restore it from a backup (deno task restore <file>)",
    );
  }
  const other = new TypeError("x is not a function");
  assertEquals(await storeFault("/x/test.db", other), other);
});

Deno.test("prepareStoreFile() says whether a store was closed properly", async () => {
  await using directory = await tempDir();
  const path = `${directory.path}/test.db`;
  assertEquals((await prepareStoreFile(path)).unclean, false);
  {
    using kv = await Deno.openKv(path);
    await kv.set(["n"], 1);
    for (const end of ["", "-wal"]) {
      await Deno.copyFile(path + end, `${directory.path}/left.db${end}`);
    }
  }
  assertEquals((await prepareStoreFile(path)).unclean, false);
  assertEquals((await prepareStoreFile(`${directory.path}/left.db`)).unclean, true);
});

Deno.test("a killed server starts again, or says in one sentence what to do if the store's log is damaged", async () => {
  await using directory = await tempDir();
  const kv = `${directory.path}/test.db`;
  const start = () => startServer({ kv });
  let id: string;
  {
    await using server = await start();
    id = (await submit(server.url, "steps", { steps: 2000, interval_ms: 5 })).task_id;
    await taskWhen(server.url, id, ({ done }) => (done ?? 0) > 20);
  }
  for (const end of ["", "-wal"]) await Deno.copyFile(kv + end, `${directory.path}/kept${end}`);
  {
    await using server = await start();
    await taskWhen(server.url, id, ({ done }) => (done ?? 0) > 30);
    assertEquals(server.stderr.filter((line) => line.includes("damaged")), []);
    await server.kill("SIGTERM");
  }
  for (const end of ["", "-wal"]) await Deno.copyFile(`${directory.path}/kept${end}`, kv + end);
  const log = await Deno.readFile(`${kv}-wal`);
  log.fill(0xa5, 32, 5000);
  await Deno.writeFile(`${kv}-wal`, log);
  const { message } = await assertRejects(start, Error);
  const said = message.split("\n").filter((line) => line.startsWith("headway: "));
  assertEquals(said, [
    `headway: The store ${kv} cannot be opened: it is damaged (its log ${kv}-wal: its frame 1 ` +
    "is damaged). Restore it from a backup (deno task restore <file>)",
  ]);
  // The failed start changed nothing.
  assertEquals(await Deno.readFile(`${kv}-wal`), log);
  for (const end of ["", "-wal"]) await Deno.copyFile(`${directory.path}/kept${end}`, kv + end);
  await using server = await start();
  assertEquals(
    (await finished(server.url, (await submit(server.url, "echo", 1)).task_id)).result,
    1,
  );
});
