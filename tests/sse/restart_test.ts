import { assert, assertEquals, assertMatch } from "@std/assert";
import { submit } from "../helpers/api.ts";
import { startServer } from "../helpers/server.ts";
import { openStream } from "../helpers/sse.ts";
import { tempDir } from "../helpers/temp_dir.ts";

Deno.test("the ids of a task's stream never decrease over servers that are killed one after another", async () => {
  await using directory = await tempDir();
  const kv = `${directory.path}/test.db`;
  let url = "";
  let lastEventId = "0";
  for (let life = 0; life < 4; life++) {
    await using server = await startServer({ kv });
    if (life === 0) {
      const { task_id } = await submit(server.url, "ticker", { interval_ms: 5 });
      url = `/tasks/${task_id}/stream`;
    }
    await using stream = await openStream(server.url + url, { lastEventId });
    // Another number of events each time: each kill comes at another point between two writes.
    await stream.until((it) => it.events.length > 30 + 17 * life);
    await server.kill("SIGKILL");
    await stream.all();
    const ids = stream.events.map(({ id }) => Number(id));
    assertEquals(stream.data("reset"), [], `life ${life}`);
    assertEquals(ids, ids.toSorted((a, b) => a - b), `life ${life}`);
    assert(ids[0]! >= Number(lastEventId), `life ${life}: ${ids[0]} after ${lastEventId}`);
    if (life > 0) assertMatch(stream.data("log")[0].message, /^Interrupted/);
    lastEventId = stream.lastEventId;
  }
});
