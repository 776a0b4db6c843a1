import { assertEquals, assertGreater } from "@std/assert";
import { finished, post, storedEvents } from "../helpers/api.ts";
import { seededRandom } from "../helpers/random.ts";
import { testApp } from "../helpers/server.ts";
import { openStream } from "../helpers/sse.ts";

/** A handle whose every commit takes a while; once it is poor, every third fails before it happens. */
function poorStore(kv: Deno.Kv, random: () => number) {
  let failures = 0;
  let poor = false;
  const atomic = () => {
    const real = kv.atomic();
    const commit = real.commit.bind(real);
    real.commit = async () => {
      await new Promise((resolve) => setTimeout(resolve, 60 * random()));
      if (poor && random() < 1 / 3) {
        failures++;
        throw new TypeError("database is locked");
      }
      return await commit();
    };
    return real;
  };
  const proxy = new Proxy(kv, {
    get(_, name) {
      if (name === "atomic") return atomic;
      const value = Reflect.get(kv, name);
      return typeof value === "function" ? value.bind(kv) : value;
    },
  });
  return { kv: proxy, failures: () => failures, begin: () => poor = true };
}

Deno.test("a store that is slow and fails for a third of the commits loses, repeats and reorders nothing", async () => {
  using real = await Deno.openKv(":memory:");
  const { kv, failures, begin } = poorStore(real, seededRandom(7));
  await using app = await testApp({}, { kv });
  begin();
  const tasks: { task_id: string }[] = [];
  for (let n = 0; n < 10; n++) {
    // Refused while it stalls, and asked again as a client would.
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
  assertGreater(failures(), 10);
});
