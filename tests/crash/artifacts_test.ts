import { assert, assertEquals } from "@std/assert";
import { keys } from "../../lib/kv/keys.ts";
import { HEAD_BYTES } from "../../lib/kv/stored_size.ts";
import { start } from "../../embed/open.ts";
import { readConfig } from "../../lib/config/read_config.ts";
import { finished, storedEvents, submit } from "../helpers/api.ts";
import { eventually } from "../helpers/eventually.ts";
import { type ServerProcess, startServer } from "../helpers/server.ts";
import { tempDir } from "../helpers/temp_dir.ts";
import { CRASH_KINDS } from "./kinds.ts";

const KILLS = 4;
const ARTIFACTS = 6;
const MiB = 1024 * 1024;

/** The number that fills an artifact; `null` if there is no artifact. */
async function numberIn(base: string, id: string): Promise<number | null> {
  const response = await fetch(`${base}/tasks/${id}/artifacts/a.bin`);
  const bytes = await response.bytes();
  if (response.status === 404) return null;
  assertEquals([response.status, bytes.length], [200, 2 * MiB]);
  assert(bytes.every((byte) => byte === bytes[0]), "a mix of two artifacts");
  return bytes[0]!;
}

Deno.test("a server that is killed while artifacts arrive shows only whole ones, in order, and keeps no parts", async () => {
  await using directory = await tempDir();
  const kv = `${directory.path}/test.db`;
  let server: ServerProcess = await startServer({ kv, kinds: CRASH_KINDS });
  const { task_id: id } = await submit(server.url, "replaces", { artifacts: ARTIFACTS, blocks: 2 });
  let shown = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    // At least one artifact more than at the last kill is whole, unless all are.
    const before = shown;
    await eventually(async () => {
      const number = await numberIn(server.url, id).catch(() => null) ?? 0;
      assert(number >= shown, "an artifact was taken back");
      shown = number;
      assert(number > before || number === ARTIFACTS);
    });
    await server.kill();
    server = await startServer({ kv, kinds: CRASH_KINDS });
    const number = await numberIn(server.url, id) ?? 0;
    assert(number >= shown, `${number} after ${shown}`);
    shown = number;
  }
  const end = await finished(server.url, id);
  const type = "application/octet-stream";
  assertEquals(end.artifacts, [{ name: "a.bin", size: 2 * MiB, type }]);
  assertEquals(await numberIn(server.url, id), ARTIFACTS);
  // Each artifact's row comes right after the log row that was yielded before it.
  const told = (await storedEvents(server.url, id))
    .filter(({ event }) => event === "log" || event === "artifact")
    .map(({ event, data }) => event === "log" ? data.data?.n : event);
  for (const [n, row] of told.entries()) {
    if (row === "artifact") assert(typeof told[n - 1] === "number", told.join());
  }
  await server.kill();
  const again = await start(
    readConfig((name) => ({ HEADWAY_KV: kv, HEADWAY_PORT: "0", HEADWAY_LOG: "off" })[name]),
  );
  await using _ = again;
  const { artifacts, store } = again.engine;
  await eventually(async () => {
    assertEquals(await Array.fromAsync(store.kv.list({ prefix: keys.arrivings })), []);
    assertEquals(await artifacts.size(), 2 * MiB + HEAD_BYTES);
  });
  const chunks = await Array.fromAsync(store.kv.list<Uint8Array>({ prefix: ["piece"] }));
  assertEquals(chunks.reduce((sum, { value }) => sum + value.length, 0), 2 * MiB);
});
