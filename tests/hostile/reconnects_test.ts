import { assert, assertEquals, assertLess } from "@std/assert";
import { finished, submit } from "../helpers/api.ts";
import { eventually } from "../helpers/eventually.ts";
import { residentBytes } from "../helpers/memory.ts";
import { startServer, testApp } from "../helpers/server.ts";
import { openRaw, openStream } from "../helpers/sse.ts";

const MiB = 1024 * 1024;

Deno.test({
  name: "a storm of clients that resume after many large rows costs bounded memory",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using server = await startServer();
    const first = await openStream(`${server.url}/tasks/stream`);
    const [snapshot] = await first.collect(1);
    await first.close();
    const rows = 400;
    const { task_id } = await submit(server.url, "log-many", { rows, bytes: 40_000 });
    await finished(server.url, task_id);
    const before = await residentBytes(server.process.pid);
    const resume = `${server.url}/tasks/stream?last_event_id=${snapshot!.id}`;
    const paths = [resume, `${resume}&rows=${task_id}`];
    const clients = await Promise.all(
      Array.from({ length: 60 }, (_, n) => openStream(paths[n % 2]!)),
    );
    try {
      for (const client of clients) {
        // Each client learns how the task ended, from an event or from a snapshot.
        await client.until((it) => it.events.some(({ data }) => data.includes('"completed"')));
        assertEquals(client.broken, undefined);
      }
      // Everything that happened, read for each of them, would be 920 MiB.
      assertLess((await residentBytes(server.process.pid) - before) / MiB, 150);
    } finally {
      for (const client of clients) await client.close();
    }
  },
});

Deno.test("clients that resume a task with large rows and read nothing hold at most one read each", async () => {
  await using app = await testApp();
  const { backlog } = app.pulse;
  const { task_id } = await submit(app.url, "log-many", { rows: 400, bytes: 40_000 });
  await finished(app.url, task_id);
  const url = `${app.url}/tasks/${task_id}/stream?last_event_id=0`;
  const count = 40;
  let most = 0;
  const { note } = backlog;
  backlog.note = (...args) => {
    note.apply(backlog, args);
    most = Math.max(most, backlog.bytes);
  };
  const stuck = await Promise.all(Array.from({ length: count }, () => openRaw(url)));
  try {
    // By then nothing more goes into the sockets, which take some MB each.
    await eventually(() => assert(backlog.size === count));
    await using good = await openStream(url);
    await good.all();
    assertEquals(good.data("log").length, 400);
    assertEquals(backlog.size, count);
    // What may wait before more is read, and the read itself.
    assertLess(most, (count + 1) * (64 + 128 + 64) * 1024);
  } finally {
    for (const raw of stuck) raw.close();
  }
  await eventually(() => assertEquals([backlog.size, backlog.bytes], [0, 0]));
});
