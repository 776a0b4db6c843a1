import { assertEquals } from "@std/assert";
import { FakeClock, runTask } from "headway/testing";
import { demo } from "../../../lib/kinds/demo.ts";

async function validate(value: unknown): Promise<unknown> {
  return await demo.input!["~standard"].validate(value);
}

Deno.test("demo's input has defaults, also without a body", async () => {
  const value = { steps: 10, interval_ms: 1000 };
  for (const given of [undefined, null, {}]) assertEquals(await validate(given), { value });
});

Deno.test("demo's input refuses values out of bounds, and unknown fields", async () => {
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

Deno.test("demo yields progress, a message and a checkpoint for each step", async () => {
  const clock = new FakeClock(0);
  const run = await runTask(demo, undefined, { clock });
  const reports = run.dataOf("progress");
  assertEquals(reports.map(({ progress }) => progress), [
    0,
    10,
    20,
    30,
    40,
    50,
    60,
    70,
    80,
    90,
    100,
  ]);
  const { message, done, total, unit } = reports[1]!;
  assertEquals({ message, done, total, unit }, {
    message: "step 1 of 10",
    done: 1,
    total: 10,
    unit: "steps",
  });
  assertEquals(run.dataOf("save").map(({ step }) => step), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  assertEquals([run.result, clock.now], [{ data: "processed" }, 10_000]);
});

Deno.test("demo resumes from its checkpoint, whenever it crashed", async () => {
  for (let crashAfter = 1; crashAfter <= 9; crashAfter++) {
    const run = await runTask(demo, { steps: 4 }, { crashAfter });
    // It yields once at its start, and twice a step: progress, and its checkpoint.
    const step = Math.floor((crashAfter - 1) / 2);
    const checkpoint = step === 0 ? undefined : { step };
    assertEquals(run.dataOf("crash"), [{ after: crashAfter, checkpoint }]);
    assertEquals([run.result, run.yields], [{ data: "processed" }, crashAfter + 9 - 2 * step]);
  }
});

Deno.test("demo without steps completes at once", async () => {
  const clock = new FakeClock(0);
  const { yields, result } = await runTask(demo, { steps: 0 }, { clock });
  assertEquals([yields, result, clock.now], [1, { data: "processed" }, 0]);
});

Deno.test("demo fails at the step that fail_at names", async () => {
  const { error, record } = await runTask(demo, { fail_at: 3 });
  assertEquals(error, { name: "Error", message: "Failed at step 3, as asked" });
  assertEquals([record.progress, record.message], [20, "step 2 of 10"]);
});

Deno.test("demo stops waiting when its signal aborts", async () => {
  const clock = new FakeClock(0);
  const cancel = new AbortController();
  clock.after(1000, () => cancel.abort());
  const options = { signal: cancel.signal, clock };
  const { status, yields } = await runTask(demo, { interval_ms: 3_600_000 }, options);
  assertEquals([status, yields, clock.now], ["canceled", 1, 1000]);
});
