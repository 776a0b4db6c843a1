import { assertEquals, assertMatch } from "@std/assert";
import { finished, post, submit, taskWhen } from "../helpers/api.ts";
import { assertProblem } from "../helpers/problem.ts";
import { testApp } from "../helpers/server.ts";
import { tempDir } from "../helpers/temp_dir.ts";

const HEADWAY = new URL("../../lib/mod.ts", import.meta.url).pathname;

const MODULE = `
import { defineTask, waitFor } from "headway";
import { z } from "zod";
const input = z.object({ tenant: z.string(), n: z.number().default(0), ms: z.number().default(0) });
const work = async function* ({ input: { n, ms } }) {
  yield 1;
  await new Promise((resolve) => setTimeout(resolve, ms));
  return n;
};
export const keyed = defineTask({
  kind: "keyed",
  input,
  concurrency: { limit: 1, key: (input) => {
    if (input.tenant === "throws") throw new Error("no tenant");
    return input.tenant === "none" ? 7 as never : input.tenant;
  } },
  run: work,
});
export const rated = defineTask({
  kind: "rated", input, rate: { limit: 2, per: { hours: 1 }, key: (input) => input.tenant }, run: work,
});
export const late = defineTask({
  kind: "late", input, debounce: { wait: 3_600_000, key: (input) => input.tenant }, run: work,
});
`;

Deno.test("limits by key and by rate, and a debounce, show in submits, details and GET /kinds", async () => {
  await using folder = await tempDir();
  const zod = import.meta.resolve("zod");
  const imports = { headway: HEADWAY, zod };
  await Deno.writeTextFile(`${folder.path}/deno.json`, JSON.stringify({ imports }));
  await Deno.writeTextFile(`${folder.path}/tasks.ts`, MODULE);
  const HEADWAY_KINDS = `${folder.path}/tasks.ts`;
  let time = Date.now();
  const options = { inline: false, now: () => time };
  await using app = await testApp({ HEADWAY_KINDS, HEADWAY_LOG: "off" }, options);
  const details = async (id: string) =>
    await (await fetch(`${app.url}/tasks/${id}/details`)).json();

  for (const [tenant, why] of [["throws", /no tenant/], ["none", /must be text/]] as const) {
    const response = await post(`${app.url}/tasks`, { kind: "keyed", input: { tenant } });
    const { field, error } = await assertProblem(response, 422);
    assertEquals(field, "input");
    assertMatch(error, why);
  }
  const first = await submit(app.url, "keyed", { tenant: "acme", ms: 600_000 });
  await taskWhen(app.url, first.task_id, ({ status }) => status === "running");
  const second = await submit(app.url, "keyed", { tenant: "acme" });
  const other = await submit(app.url, "keyed", { tenant: "globex" });
  assertEquals(second.keys, { concurrency: "acme" });
  await finished(app.url, other.task_id);
  assertEquals((await details(second.task_id)).waits_for, {
    type: "concurrency",
    key: "acme",
    running: 1,
    limit: 1,
    until: null,
  });
  await (await post(`${app.url}/tasks/${first.task_id}/cancel`)).body?.cancel();
  await finished(app.url, second.task_id);

  const rated = [];
  for (let n = 0; n < 3; n++) rated.push(await submit(app.url, "rated", { tenant: "acme", n }));
  await finished(app.url, rated[1]!.task_id);
  const free = await submit(app.url, "rated", { tenant: "globex" });
  await finished(app.url, free.task_id);
  const { waits_for: { until, ...waits } } = await details(rated[2]!.task_id);
  assertEquals(waits, { type: "rate", key: "acme", limit: 2, per_ms: 3_600_000 });
  assertEquals(Date.parse(until), time + 3_600_000);

  const late = await submit(app.url, "late", { tenant: "acme", n: 1 });
  assertEquals((await details(late.task_id)).waits_for.type, "debounce");
  time += 60_000;
  const again = await post(`${app.url}/tasks`, { kind: "late", input: { tenant: "acme", n: 2 } });
  const { task_id, run_at } = await again.json();
  assertEquals([again.status, task_id, Date.parse(run_at)], [200, late.task_id, time + 3_600_000]);
  // The task of another owner is not replaced.
  const theirs = await submit(app.url, "late", { tenant: "acme", n: 3 }, { owner: "globex" });
  time += 3_600_000;
  assertEquals((await finished(app.url, late.task_id)).result, 2);
  assertEquals((await finished(app.url, theirs.task_id)).result, 3);
  const { kinds } = await (await fetch(`${app.url}/kinds`)).json();
  const of = (name: string) => kinds.find(({ kind }: { kind: string }) => kind === name);
  assertEquals([of("keyed").keyed, of("rated").rate, of("late").debounce_ms], [
    true,
    { limit: 2, per_ms: 3_600_000, keyed: true },
    3_600_000,
  ]);
});
