import { assertEquals, assertRejects } from "@std/assert";
import { Checks, UncheckedError } from "../../../lib/runner/checks.ts";
import type { TaskProcess } from "../../../lib/runner/task_process.ts";
import { FakeTimers } from "../../helpers/fake_timers.ts";

const FITS = { input: '{"n":1}', parsed: true };

/** {@link Checks} that ask one process, and how often another process was to be asked. */
function checksOf() {
  const asked: number[] = [];
  const process = {
    send: ({ request }: { request: number }) => asked.push(request),
  } as unknown as TaskProcess;
  const slow = { looks: 0 };
  const hung: TaskProcess[] = [];
  const checks = new Checks({
    pick: () => process,
    onslow: () => slow.looks++,
    onhung: (processes) => hung.push(...processes),
    checkMs: 5000,
  });
  const sent = () => new Promise<void>((resolve) => setImmediate(resolve));
  return { checks, process, asked, slow, hung, sent };
}

Deno.test("Checks.check() has another process asked if the first is slow, and gives up after `checkMs`", async () => {
  using timers = new FakeTimers();
  const { checks, slow } = checksOf();
  const checked = checks.check("k", "{}").catch((error) => error);
  await timers.pass(999);
  assertEquals(slow.looks, 0);
  await timers.pass(4001);
  assertEquals(slow.looks > 0, true);
  await timers.pass(250);
  await assertRejects(
    async () => {
      throw await checked;
    },
    UncheckedError,
    "within 5000 ms",
  );
  assertEquals(timers.waiting, 0);
});

Deno.test("Checks.check() takes the answer that came while the server stood still", async () => {
  for (const before of [0, 2000, 4999]) {
    using timers = new FakeTimers();
    const { checks, process, asked, sent } = checksOf();
    const checked = checks.check("k", "{}");
    await sent();
    await timers.pass(before);
    await timers.standStill(3600_000);
    await timers.pass(200);
    checks.answered(process, asked[0]!, FITS);
    assertEquals(await checked, FITS);
    assertEquals(timers.waiting, 0);
  }
});

Deno.test("Checks.check() reports a process as hung only if it has answered nothing at all", async () => {
  for (const answers of [false, true]) {
    using timers = new FakeTimers();
    const { checks, process, asked, hung, sent } = checksOf();
    const checked = checks.check("k", "{}").catch((error) => error);
    await sent();
    await timers.pass(2000);
    // A slow process gets a ping, request 0, which it answers at once unless it hangs.
    assertEquals(asked, [1, 0]);
    if (answers) checks.answered(process, 0, { issues: [{ message: "no such kind", path: [] }] });
    await timers.pass(3250);
    assertEquals((await checked) instanceof UncheckedError, true);
    assertEquals(hung, answers ? [] : [process]);
  }
});
