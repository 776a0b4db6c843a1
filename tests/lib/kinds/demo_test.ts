import { assertEquals, assertRejects } from "@std/assert";
import { demo, type DemoInput } from "../../../lib/kinds/demo.ts";
import { yieldType } from "headway";
import { collect, taskContext } from "../../helpers/task_context.ts";

async function validate(value: unknown): Promise<unknown> {
  return await demo.input!["~standard"].validate(value);
}

function percents(yields: unknown[]): unknown[] {
  return yields.filter((value) => yieldType(value) === "progress")
    .map((value) => (value as { progress: number }).progress);
}

Deno.test("demo input promises defaults, also without a body", async () => {
  const value = { steps: 10, interval_ms: 1000 };
  for (const given of [undefined, null, {}]) assertEquals(await validate(given), { value });
});

Deno.test("demo input refuses what is out of bounds or unknown", async () => {
  const wrong = [
    { steps: -1 },
    { steps: 1.5 },
    { interval_ms: 3_600_001 },
    { fail_at: 0 },
    {
      step: 1,
    },
    "x",
    7,
  ];
  for (const given of wrong) {
    const { issues } = await validate(given) as { issues?: unknown[] };
    assertEquals((issues?.length ?? 0) > 0, true, JSON.stringify(given));
  }
});

Deno.test("demo promises progress by tens, a message and a checkpoint for each step", async () => {
  const { yields, result } = await collect(demo.run(taskContext({ steps: 10, interval_ms: 0 })));
  assertEquals(percents(yields), [0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100]);
  const { message, done, total, unit } = yields[1] as Record<string, unknown>;
  assertEquals({ message, done, total, unit }, {
    message: "step 1 of 10",
    done: 1,
    total: 10,
    unit: "steps",
  });
  const saved = yields.filter((value) => yieldType(value) === "save");
  assertEquals(
    saved.map((value) => (value as { data: { step: number } }).data.step),
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
  );
  assertEquals(result, { data: "processed" });
});

Deno.test("demo goes on from its checkpoint", async () => {
  const context = taskContext({ steps: 4, interval_ms: 0 }, { checkpoint: { step: 3 } });
  const { yields, result } = await collect(demo.run(context));
  assertEquals(percents(yields), [75, 100]);
  assertEquals(result, { data: "processed" });
});

Deno.test("demo without steps completes at once", async () => {
  const { yields, result } = await collect(demo.run(taskContext({ steps: 0, interval_ms: 1000 })));
  assertEquals(yields.length, 1);
  assertEquals(result, { data: "processed" });
});

Deno.test("demo fails at the step it is told to", async () => {
  const run = demo.run(taskContext({ steps: 10, interval_ms: 0, fail_at: 3 }));
  const seen: unknown[] = [];
  await assertRejects(
    async () => {
      for await (const value of run) seen.push(value);
    },
    Error,
    "step 3",
  );
  assertEquals(percents(seen), [0, 10, 20]);
});

Deno.test("demo stops waiting when its signal aborts", async () => {
  const controller = new AbortController();
  const input: DemoInput = { steps: 1, interval_ms: 3_600_000 };
  const run = demo.run(taskContext(input, { signal: controller.signal }));
  await run.next();
  const step = run.next();
  controller.abort(new Error("Cancel was asked for"));
  await assertRejects(() => step, Error, "Cancel was asked for");
});
