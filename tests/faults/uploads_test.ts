import { assert, assertEquals, assertGreater } from "@std/assert";
import { eventually } from "../helpers/eventually.ts";
import { readMetrics } from "../helpers/metrics.ts";
import { startServer } from "../helpers/server.ts";
import { openRaw } from "../helpers/sse.ts";
import { tempDir } from "../helpers/temp_dir.ts";

const KiB = 1024;

async function uploadsSize(base: string): Promise<number> {
  const { "": size } = (await readMetrics(base)).all("headway_uploads_bytes");
  return size!;
}

Deno.test("the part of an upload that a killed server had stored is removed at the next start", async () => {
  await using directory = await tempDir();
  const kv = `${directory.path}/test.db`;
  let kept: number;
  {
    await using server = await startServer({ kv });
    const whole = await fetch(`${server.url}/uploads`, { method: "POST", body: "x".repeat(9000) });
    assertEquals(whole.status, 201);
    await whole.body?.cancel();
    kept = await uploadsSize(server.url);
    assertGreater(kept, 9000);
    using raw = await openRaw(`${server.url}/uploads`, {
      method: "POST",
      headers: { "content-length": String(3000 * KiB) },
    });
    await raw.write(new Uint8Array(2000 * KiB));
    await eventually(async () => assertGreater(await uploadsSize(server.url), kept + 1000 * KiB));
    await server.kill();
  }
  await using server = await startServer({ kv });
  await eventually(async () => assertEquals(await uploadsSize(server.url), kept));
  const { all } = await readMetrics(server.url).then((figures) => ({
    all: figures.all("headway_store_bytes"),
  }));
  assertEquals(Object.keys(all), ['{part="used"}', '{part="free"}', '{part="log"}']);
  assertGreater(all['{part="free"}']!, 900 * KiB);
  assert((await readMetrics(server.url)).of("headway_disk_free_bytes") > 0);
});
