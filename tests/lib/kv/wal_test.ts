import { assert, assertEquals, assertGreater } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { walDamage } from "../../../lib/kv/wal.ts";
import { tempDir } from "../../helpers/temp_dir.ts";

const HEADER = 32;
const FRAME = 24 + 4096;

/** Writes into a store, and copies it while it is open, as a kill leaves it. Returns its log. */
async function killedStore(folder: string, writes: number): Promise<Uint8Array> {
  const path = `${folder}/live.db`;
  using kv = await Deno.openKv(path);
  for (let n = 0; n < writes; n++) await kv.set(["n", n], "x".repeat(n % 3 * 3000));
  for (const end of ["", "-wal"]) await Deno.copyFile(path + end, `${folder}/test.db${end}`);
  return await Deno.readFile(`${folder}/test.db-wal`);
}

function commitsOf(log: Uint8Array): number[] {
  const view = new DataView(log.buffer);
  const found = [];
  for (let at = HEADER; at + FRAME <= log.length; at += FRAME) found.push(view.getUint32(at + 4));
  return found.flatMap((size, n) => size === 0 ? [] : [n + 1]);
}

Deno.test("walDamage() finds no damage in a whole log, in one that a crash cut short, or without a log", async () => {
  await using directory = await tempDir();
  const log = await killedStore(directory.path, 60);
  const path = `${directory.path}/test.db-wal`;
  assertEquals(await walDamage(path), null);
  assertEquals(await walDamage(`${directory.path}/none-wal`), null);
  // A crash may cut the log anywhere.
  for (const size of [0, 10, HEADER, HEADER + 1, HEADER + FRAME - 1, HEADER + 20 * FRAME + 99]) {
    await Deno.writeFile(path, log.subarray(0, size));
    assertEquals(await walDamage(path), null, `${size}`);
  }
});

Deno.test("walDamage() reports a damaged header or frame, but no damage to the last commit alone", async () => {
  await using directory = await tempDir();
  const log = await killedStore(directory.path, 40);
  const path = `${directory.path}/test.db-wal`;
  const frames = (log.length - HEADER) / FRAME;
  const commits = commitsOf(log);
  assertGreater(commits.length, 30);
  for (let frame = 1; frame <= frames; frame++) {
    for (const at of [0, 16, 24 + frame]) {
      const damaged = log.slice();
      damaged[HEADER + (frame - 1) * FRAME + at]! ^= 1;
      await Deno.writeFile(path, damaged);
      const behind = commits.filter((commit) => commit >= frame).length;
      const expected = behind > 1 ? `its frame ${frame} is damaged` : null;
      assertEquals(await walDamage(path), expected, `frame ${frame} of ${frames}, byte ${at}`);
    }
  }
  for (const at of [0, 8, 16, 24]) {
    const damaged = log.slice();
    damaged[at]! ^= 1;
    await Deno.writeFile(path, damaged);
    assertEquals(await walDamage(path), "its header is damaged");
  }
});

Deno.test("walDamage() ignores frames from an earlier use of the log", async () => {
  await using directory = await tempDir();
  const path = `${directory.path}/live.db`;
  {
    using kv = await Deno.openKv(path);
    for (let n = 0; n < 30; n++) await kv.set(["n", n], n);
    using other = new DatabaseSync(path);
    other.exec("PRAGMA wal_checkpoint(RESTART)");
    for (let n = 0; n < 3; n++) await kv.set(["m", n], n);
    await Deno.copyFile(`${path}-wal`, `${directory.path}/copy-wal`);
  }
  const log = await Deno.readFile(`${directory.path}/copy-wal`);
  const salts = Array.from(
    { length: (log.length - HEADER) / FRAME },
    (_, n) => log.slice(HEADER + n * FRAME + 8, HEADER + n * FRAME + 16).toHex(),
  );
  assertEquals(new Set(salts).size, 2, "frames of two uses");
  assertEquals(await walDamage(`${directory.path}/copy-wal`), null);
});

Deno.test("walDamage() finds the damaged frame in a log that is larger than one block", async () => {
  await using directory = await tempDir();
  const path = `${directory.path}/live.db`;
  {
    using kv = await Deno.openKv(path);
    await kv.set(["n"], 1);
    // While a read is open, SQLite does not start the log over.
    using reader = new DatabaseSync(path, { readOnly: true });
    reader.exec("BEGIN");
    reader.prepare("SELECT count(*) FROM kv").get();
    for (let n = 0; n < 120; n++) await kv.set(["n", n], new Uint8Array(60_000).fill(n));
    reader.exec("COMMIT");
    await Deno.copyFile(`${path}-wal`, `${directory.path}/copy-wal`);
  }
  const copy = `${directory.path}/copy-wal`;
  const log = await Deno.readFile(copy);
  assert(log.length > 5 * 1024 * 1024);
  assertEquals(await walDamage(copy), null);
  const frame = Math.floor((log.length - HEADER) / FRAME / 2);
  log[HEADER + frame * FRAME + 100]! ^= 1;
  await Deno.writeFile(copy, log);
  assertEquals(await walDamage(copy), `its frame ${frame + 1} is damaged`);
});
