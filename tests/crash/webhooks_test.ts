import { assertEquals } from "@std/assert";
import { submit } from "../helpers/api.ts";
import { eventually } from "../helpers/eventually.ts";
import { receiver, SECRET } from "../helpers/receiver.ts";
import { startServer } from "../helpers/server.ts";
import { tempDir } from "../helpers/temp_dir.ts";

Deno.test("a webhook delivery that a kill interrupts is sent again under its id, before the next one", async () => {
  await using directory = await tempDir();
  const options = {
    kv: `${directory.path}/test.db`,
    env: { HEADWAY_WEBHOOK_SECRET: SECRET, HEADWAY_WEBHOOK_ALLOW: "127.0.0.1" },
  };
  const gate = Promise.withResolvers<void>();
  await using to = receiver(async (_, n) => {
    // The first delivery gets no answer for as long as its server lives.
    if (n === 1) await gate.promise;
    return new Response();
  });
  await using first = await startServer(options);
  const notify = [{ url: to.url, on: ["started", "completed"] }];
  const { task_id: id } = await submit(first.url, "echo", 1, { notify });
  await to.count(1);
  await eventually(async () => {
    const { deliveries } = await (await fetch(`${first.url}/tasks/${id}/deliveries`)).json();
    assertEquals(deliveries.length, 2);
  });
  await first.kill();
  await using _second = await startServer(options);
  await to.count(3);
  gate.resolve();
  assertEquals(to.received.map(({ id, body }) => [id, body.type]), [
    [`msg_${id}_1`, "task.started"],
    [`msg_${id}_1`, "task.started"],
    [`msg_${id}_2`, "task.completed"],
  ]);
});
