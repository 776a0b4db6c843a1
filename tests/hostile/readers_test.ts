import { assertEquals, assertLess } from "@std/assert";
import { finished, storedEvents, submit } from "../helpers/api.ts";
import { HANG_MS } from "../helpers/deadline.ts";
import { residentBytes } from "../helpers/memory.ts";
import { startServer } from "../helpers/server.ts";
import { openRaw } from "../helpers/sse.ts";

const MiB = 1024 * 1024;

Deno.test({
  name:
    "clients that ask for large pages and read nothing cost bounded memory, and others are served",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using server = await startServer();
    const rows = 400;
    const { task_id } = await submit(server.url, "log-many", { rows, bytes: 40_000 });
    await finished(server.url, task_id);
    const url = `${server.url}/tasks/${task_id}/events?limit=1000`;
    // A warm-up: memory that the first pages take for good does not count for the readers.
    assertEquals((await storedEvents(server.url, task_id)).length, rows + 4);
    const before = await residentBytes(server.process.pid);
    const stuck = await Promise.all(Array.from({ length: 60 }, () => openRaw(url)));
    try {
      for (const raw of stuck) await raw.read();
      for (let n = 0; n < 20; n++) {
        const answer = await fetch(`${server.url}/healthz`, {
          signal: AbortSignal.timeout(HANG_MS),
        });
        assertEquals(await answer.json(), { status: "ok" });
      }
      // All that they asked for would be 960 MB.
      assertLess((await residentBytes(server.process.pid) - before) / MiB, 200);
    } finally {
      for (const raw of stuck) raw.close();
    }
  },
});
