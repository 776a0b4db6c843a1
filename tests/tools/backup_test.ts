import { assert, assertEquals, assertMatch, assertNotEquals, assertRejects } from "@std/assert";
import { FileInUseError } from "../../lib/kv/file_lock.ts";
import { keys } from "../../lib/kv/keys.ts";
import { StoreOpenError } from "../../lib/kv/store_file.ts";
import { backUp, BackupError } from "../../tools/backup.ts";
import { restore } from "../../tools/restore.ts";
import { finished, post, storedEvents, submit, taskWhen } from "../helpers/api.ts";
import { assertConsistent } from "../helpers/consistency.ts";
import { eventually } from "../helpers/eventually.ts";
import { closedGate } from "../helpers/gate.ts";
import { readMetrics } from "../helpers/metrics.ts";
import { startServer } from "../helpers/server.ts";
import { openStream } from "../helpers/sse.ts";
import { tempDir } from "../helpers/temp_dir.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

/** Runs a `deno task`, as a person does. */
async function deno(task: string, args: string[], kv: string) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["task", "-q", task, ...args],
    cwd: ROOT,
    env: { HEADWAY_KV: kv, NO_COLOR: "1" },
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

/** Keeps a server busy with tasks until it is disposed of. */
function load(base: string): AsyncDisposable & { ids: string[] } {
  const ids: string[] = [];
  let over = false;
  const submitting = Promise.all(Array.from({ length: 4 }, async () => {
    while (!over) {
      const { task_id } = await submit(base, "steps", { steps: 40, interval_ms: 1 });
      ids.push(task_id);
      await taskWhen(base, task_id, ({ done }) => (done ?? 0) > 5);
    }
  }));
  return {
    ids,
    async [Symbol.asyncDispose](): Promise<void> {
      over = true;
      await submitting;
    },
  };
}

async function assertAllSteps(base: string, id: string): Promise<void> {
  const { status, result } = await finished(base, id);
  assertEquals([status, result], ["completed", { steps: 40 }]);
  const rows = (await storedEvents(base, id))
    .flatMap(({ event, data }) => event === "log" ? [data.message] : [])
    .filter((message) => message.startsWith("step "))
    // A step after the last checkpoint is done, and logged, again.
    .filter((message, n, all) => message !== all[n - 1]);
  assertEquals(rows, Array.from({ length: 40 }, (_, n) => `step ${n + 1}`), id);
}

Deno.test("deno task backup copies one moment of a store under load; server and copy both go on", async () => {
  await using folder = await tempDir();
  const copies = [1, 2, 3].map((n) => `${folder.path}/copy${n}.db`);
  await using server = await startServer({ kv: `${folder.path}/kv.db` });
  const taken: number[] = [];
  let ids: string[];
  {
    await using busy = load(server.url);
    ids = busy.ids;
    await eventually(() => assert(busy.ids.length > 0));
    for (const copy of copies) {
      // The server does work before, during and after the backup.
      const before = busy.ids.length;
      const { code, stdout, stderr } = await deno("backup", [copy], server.kv);
      assertEquals([code, stderr], [0, ""]);
      assertMatch(stdout, /copy\d\.db holds .*kv\.db as it was: \d+ bytes, checked$/);
      await eventually(() => assert(busy.ids.length >= before + 4));
      taken.push(busy.ids.length);
    }
  }
  for (const id of ids) await assertAllSteps(server.url, id);
  assertEquals((await readMetrics(server.url)).of('headway_commits_total{end="failed"}'), 0);

  const unfinished: number[] = [];
  for (const [n, copy] of copies.entries()) {
    using kv = await Deno.openKv(copy);
    const records = await assertConsistent(kv);
    // Each of the four loops may have a task in the store whose id it has not received yet.
    assert(records.length > 0 && records.length <= taken[n]! + 4);
    unfinished.push(records.filter(({ finished_at }) => finished_at === null).length);
  }
  assert(unfinished.some((count) => count > 0), `${unfinished}`);

  // On a server for the copy, while the first still runs, every task goes on from its checkpoint.
  for (const copy of copies) {
    await using second = await startServer({ kv: copy });
    const { tasks } = await (await fetch(`${second.url}/tasks?limit=500`)).json();
    for (const { task_id } of tasks) await assertAllSteps(second.url, task_id);
  }
});

Deno.test("deno task restore replaces the store, keeps the old one, and resets clients of the lost history", async () => {
  await using folder = await tempDir();
  await using gate = closedGate();
  const [store, copy] = [`${folder.path}/kv.db`, `${folder.path}/copy.db`];
  let kept: string;
  let later: string;
  let cursor: string;
  let lost: number[];
  {
    await using server = await startServer({ kv: store });
    const input = { steps: 40, gate: gate.url };
    kept = (await submit(server.url, "steps", input)).task_id;
    const { seq: backedUp } = await taskWhen(server.url, kept, ({ done }) => done === 39);
    await backUp(store, copy);
    gate.open();
    later = (await submit(server.url, "echo")).task_id;
    await finished(server.url, later);
    await finished(server.url, kept);
    lost = (await storedEvents(server.url, kept)).map(({ seq }) => seq)
      .filter((seq) => seq > backedUp);
    assertEquals(lost.length, 3);
    const stream = await openStream(`${server.url}/tasks/stream`);
    await stream.collect(1);
    cursor = stream.lastEventId;
    await stream.close();
    const refused = await deno("restore", [copy], store);
    assertEquals([refused.code, refused.stdout], [1, ""]);
    assertEquals(refused.stderr, "headway: A Headway is using this store: stop it first");
    await server.kill();
  }
  const { code, stdout } = await deno("restore", [copy], store);
  assertEquals(code, 0);
  const [, aside] = / now holds .*copy\.db; the old store is (.*)$/.exec(stdout)!;
  await using server = await startServer({ kv: store });
  await assertAllSteps(server.url, kept);
  const gone = await fetch(`${server.url}/tasks/${later}`);
  await gone.body?.cancel();
  assertEquals(gone.status, 404);
  // A cursor of the old store means nothing in this one.
  await using stream = await openStream(`${server.url}/tasks/stream`, { lastEventId: cursor });
  const [event] = await stream.collect(1);
  assertEquals(event?.event, "reset");
  // Nor do the lost ids of the task's own stream, though as much has happened here.
  for (const id of lost) {
    await using own = await openStream(`${server.url}/tasks/${kept}/stream?last_event_id=${id}`);
    const [first] = await own.collect(1);
    assertEquals([id, first?.event, first && JSON.parse(first.data).reason], [
      id,
      "reset",
      "unknown",
    ]);
  }
  // An id from before the backup is still valid.
  await using shared = await openStream(`${server.url}/tasks/${kept}/stream?last_event_id=2`);
  assertEquals((await shared.all()).filter(({ event }) => event === "reset"), []);
  // The old store is complete, with what was in its write-ahead log when the server was killed.
  using kv = await Deno.openKv(aside!);
  assertEquals((await assertConsistent(kv)).map(({ task_id }) => task_id).sort(), [kept, later]);
  using other = await Deno.openKv(store);
  assertNotEquals((await kv.get(keys.epoch)).value, (await other.get(keys.epoch)).value);
});

Deno.test("backUp() and restore() say why they refuse, and leave every file as it was", async () => {
  await using folder = await tempDir();
  const at = (name: string) => `${folder.path}/${name}`;
  await Deno.writeTextFile(at("text"), "no database at all");
  {
    using kv = await Deno.openKv(at("kv.db"));
    for (let n = 0; n < 100; n++) await kv.set(["x", n], "y".repeat(1000));
  }
  await assertRejects(() => backUp(at("none"), at("out")), BackupError, "There is no store at");
  await assertRejects(() => backUp(at("kv.db"), at("text")), BackupError, "already exists");
  const folderless = () => backUp(at("kv.db"), at("no/out"));
  await assertRejects(folderless, BackupError, `There is no folder ${at("no")}`);
  await assertRejects(
    () => backUp(at("text"), at("out")),
    StoreOpenError,
    "it is not a database of Deno KV",
  );
  await assertRejects(() => restore(at("none"), at("kv.db")), BackupError, "There is no copy at");
  await assertRejects(
    () => restore(at("text"), at("kv.db")),
    BackupError,
    "text is damaged, or not a store",
  );
  // A copy that was damaged on its way, in the middle of a page.
  await backUp(at("kv.db"), at("copy.db"));
  const bytes = await Deno.readFile(at("copy.db"));
  bytes.fill(0x55, 9000, 60_000);
  await Deno.writeFile(at("damaged.db"), bytes);
  const damaged = () => restore(at("damaged.db"), at("kv.db"));
  await assertRejects(damaged, BackupError, "damaged.db is damaged, or not a store");
  const before = await Deno.readFile(at("kv.db"));
  assertEquals(await restore(at("copy.db"), at("new.db")), null);
  assertEquals(await Deno.readFile(at("kv.db")), before);
  assertEquals(await Deno.readTextFile(at("text")), "no database at all");
  const left = (await Array.fromAsync(Deno.readDir(folder.path), ({ name }) => name)).sort();
  // Reading a store leaves an empty write-ahead log beside it.
  assertEquals(left.filter((name) => !/^kv\.db-|\.lock$/.test(name)), [
    "copy.db",
    "damaged.db",
    "kv.db",
    "new.db",
    "text",
  ]);
});

Deno.test("restore() refuses a store that a server is using", async () => {
  await using folder = await tempDir();
  await using server = await startServer({ kv: `${folder.path}/kv.db` });
  await (await post(`${server.url}/submit`)).body?.cancel();
  await backUp(server.kv, `${folder.path}/copy.db`);
  await assertRejects(() => restore(`${folder.path}/copy.db`, server.kv), FileInUseError);
});
