import { assertEquals, assertRejects } from "@std/assert";
import { keys } from "../../../lib/kv/keys.ts";
import { type Migration, MIGRATIONS, openSchema, SchemaError } from "../../../lib/kv/migrations.ts";
import { start } from "../../../embed/open.ts";
import { readConfig } from "../../../lib/config/read_config.ts";
import { testApp } from "../../helpers/server.ts";

/** Migrations that add their number to `ran`, from 1. */
function noting(ran: number[], count: number): Migration[] {
  return Array.from({ length: count }, (_, n) => async (kv) => {
    ran.push(n + 1);
    await kv.set(["note", n], true);
  });
}

Deno.test("openSchema() marks a new store with the newest layout and migrates nothing", async () => {
  using kv = await Deno.openKv(":memory:");
  const ran: number[] = [];
  assertEquals(await openSchema(kv, noting(ran, 2)), 3);
  assertEquals([ran, (await kv.get(keys.schema)).value], [[], 3]);
  assertEquals(await openSchema(kv, noting(ran, 2)), 3);
  assertEquals(ran, []);
});

Deno.test("openSchema() takes a store without a mark for layout 1, and migrates it step by step", async () => {
  using kv = await Deno.openKv(":memory:");
  await kv.set(keys.epoch, "abc");
  const ran: number[] = [];
  assertEquals(await openSchema(kv, noting(ran, 1)), 2);
  assertEquals(await openSchema(kv, noting(ran, 3)), 4);
  assertEquals(ran, [1, 2, 3]);
  assertEquals((await kv.get(keys.schema)).value, 4);
});

Deno.test("openSchema() resumes at the migration that was cut short", async () => {
  using kv = await Deno.openKv(":memory:");
  await kv.set(keys.epoch, "abc");
  const ran: number[] = [];
  const [first, second] = noting(ran, 2);
  const breaks = () => Promise.reject(new Error("cut short"));
  await assertRejects(() => openSchema(kv, [first!, breaks]), Error, "cut short");
  assertEquals((await kv.get(keys.schema)).value, 2);
  assertEquals(await openSchema(kv, [first!, second!]), 3);
  assertEquals(ran, [1, 2]);
});

Deno.test("openSchema() returns the same layout to each of several calls at once", async () => {
  using kv = await Deno.openKv(":memory:");
  await kv.set(keys.epoch, "abc");
  const opened = Array.from({ length: 5 }, () => openSchema(kv, noting([], 3)));
  assertEquals(await Promise.all(opened), [4, 4, 4, 4, 4]);
});

Deno.test("start() refuses a store of a newer Headway in one sentence, and leaves it unchanged", async () => {
  using kv = await Deno.openKv(":memory:");
  const newer = MIGRATIONS.length + 2;
  await kv.set(keys.schema, newer);
  const config = readConfig((name) => ({ HEADWAY_KV: ":memory:", HEADWAY_PORT: "0" })[name]);
  const error = await assertRejects(() => start(config, { kv, inline: true }), SchemaError);
  assertEquals(
    error.message,
    `The store was written by a newer Headway (layout ${newer}, this one knows ${newer - 1}): ` +
      "start that version, or restore a backup from before",
  );
  const left = await Array.fromAsync(kv.list({ prefix: [] }), ({ key }) => key);
  assertEquals(left, [keys.schema]);
});

Deno.test("a server marks its store with the layout it knows", async () => {
  await using app = await testApp();
  assertEquals((await app.engine.store.kv.get(keys.schema)).value, MIGRATIONS.length + 1);
});
