import { assertEquals, assertGreater } from "@std/assert";
import { finished, getTask, post, storedEvents, submit } from "../helpers/api.ts";
import { timePasses } from "../helpers/deadline.ts";
import { eventually } from "../helpers/eventually.ts";
import { openGate } from "../helpers/gate.ts";
import { assertProblem } from "../helpers/problem.ts";
import { seededRandom } from "../helpers/random.ts";
import { testApp } from "../helpers/server.ts";
import { openStream } from "../helpers/sse.ts";
import { storeThat } from "../helpers/store_that.ts";

/** A handle with slow commits. After `begin()`, a third of them fail before they happen. */
function poorStore(kv: Deno.Kv, random: () => number) {
  let failures = 0;
  let poor = false;
  const poorly = storeThat(kv, async () => {
    await timePasses(60 * random());
    if (!poor || random() >= 1 / 3) return;
    failures++;
    throw new TypeError("database is locked");
  });
  return { kv: poorly, failures: () => failures, begin: () => poor = true };
}

Deno.test("a slow store that fails a third of the commits loses, repeats and reorders nothing", async () => {
  using real = await Deno.openKv(":memory:");
  const { kv, failures, begin } = poorStore(real, seededRandom(7));
  await using app = await testApp({}, { kv });
  begin();
  const tasks: { task_id: string }[] = [];
  for (let n = 0; n < 10; n++) {
    // Refused while the store stalls, and sent again as a client would.
    let response = await post(`${app.url}/tasks`, { kind: "steps", input: { steps: 50 } });
    while (response.status === 503) {
      await response.body?.cancel();
      response = await post(`${app.url}/tasks`, { kind: "steps", input: { steps: 50 } });
    }
    tasks.push(await response.json());
  }
  const told = Array.from({ length: 50 }, (_, n) => `step ${n + 1}`);
  await Promise.all(tasks.map(async ({ task_id }) => {
    const url = `${app.url}/tasks/${task_id}/stream`;
    await using stream = await openStream(url, { lastEventId: "0" });
    await stream.all();
    assertEquals(stream.data("log").map(({ message }) => message), told);
    assertEquals((await finished(app.url, task_id)).status, "completed");
    const rows = (await storedEvents(app.url, task_id)).filter(({ event }) => event === "log");
    assertEquals(rows.map(({ data }) => data.message), told);
  }));
  assertGreater(failures(), 2);
});

Deno.test("while a store hangs, /readyz says so and writes get 503; tasks go on when it answers again", async () => {
  using real = await Deno.openKv(":memory:");
  let answers = Promise.withResolvers<void>();
  answers.resolve();
  const kv = storeThat(real, () => answers.promise);
  await using app = await testApp({ HEADWAY_LEASE_MS: "300" }, { kv });
  const { task_id } = await submit(app.url, "steps", {
    steps: 200,
    interval_ms: 10,
    gate: "hangs",
  });
  const url = `${app.url}/tasks/${task_id}/stream`;
  await using stream = await openStream(url, { lastEventId: "0" });
  await stream.until((it) => it.data("log").length > 20);
  answers = Promise.withResolvers();
  try {
    await eventually(async () => {
      const ready = await fetch(`${app.url}/readyz`);
      assertEquals([ready.status, await ready.json()], [503, {
        status: "the store takes no writes",
      }]);
    });
    await eventually(async () => {
      await assertProblem(await post(`${app.url}/tasks`, { kind: "echo" }), 503);
    });
    await assertProblem(await post(`${app.url}/tasks/${task_id}/cancel`), 503);
    assertEquals((await getTask(app.url, task_id)).status, "running");
    assertEquals(stream.ended, false);
  } finally {
    answers.resolve();
    openGate("hangs");
  }
  const { status, attempt } = await finished(app.url, task_id);
  assertEquals([status, attempt], ["completed", 1]);
  await stream.all();
  const told = Array.from({ length: 200 }, (_, n) => `step ${n + 1}`);
  assertEquals(stream.data("log").map(({ message }) => message), told);
  const ready = await fetch(`${app.url}/readyz`);
  assertEquals((await ready.json()).status, "ok");
});
