import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { submit, taskWhen } from "../helpers/api.ts";
import { TestBrowser } from "../helpers/browser.ts";
import { DENOKV, startDenokv } from "../helpers/denokv.ts";
import { eventually } from "../helpers/eventually.ts";
import { startServer } from "../helpers/server.ts";

Deno.test({
  name:
    "cluster: the page says that a task's worker is silent, and when the task resumes on another",
  ignore: DENOKV === null,
  fn: async () => {
    await using store = await startDenokv();
    // Long enough for the page to show the silence before the lease runs out.
    const env = { ...store.env, HEADWAY_LEASE_MS: "9000" };
    const start = (role: string) =>
      startServer({ kv: store.url, env: { ...env, HEADWAY_ROLE: role } });
    await using web = await start("web");
    await using first = await start("worker");
    const { task_id } = await submit(web.url, "steps", { steps: 2000, interval_ms: 50 });
    await taskWhen(web.url, task_id, ({ done }) => (done ?? 0) > 3);
    await using second = await start("worker");
    await using browser = await TestBrowser.launch();
    const { page } = await browser.open(`${web.url}/?task_id=${task_id}`);
    const texts = (selector: string) =>
      page.$$eval(selector, (found) => found.map((one) => (one as HTMLElement).innerText));
    const process = async () => {
      const facts = await page.$$eval(
        ".fact",
        (found) => found.map((one) => [...one.children].map((part) => part.textContent)),
      );
      return facts.find(([name]) => name === "Process")?.[1];
    };
    await eventually(async () => assertEquals(await process(), String(first.process.pid)));
    assertEquals(await texts(".notice"), []);
    await page.waitForSelector(".life:not(.life-silent)");
    await first.kill();
    await eventually(async () => {
      const [notice] = await texts(".notice");
      assertMatch(
        notice!,
        /^Its worker has not responded for \ds\. The task resumes in \ds\. It continues from its checkpoint\.$/,
      );
    });
    await page.waitForSelector(".life-silent");
    await eventually(async () => assertEquals(await process(), String(second.process.pid)));
    assertNotEquals(first.process.pid, second.process.pid);
    await eventually(async () =>
      assertEquals(await texts(".step-name"), [
        "Queued",
        "Attempt 1",
        "Interrupted",
        "Attempt 1 resumed",
      ])
    );
    await eventually(async () => assertEquals(await texts(".notice"), []));
  },
});
