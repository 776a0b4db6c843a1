import { assert, assertEquals } from "@std/assert";
import { finished, submit } from "../helpers/api.ts";
import { violations } from "../helpers/axe.ts";
import { TestBrowser } from "../helpers/browser.ts";
import { eventually } from "../helpers/eventually.ts";
import { receiver, SECRET } from "../helpers/receiver.ts";
import { testApp } from "../helpers/server.ts";

Deno.test("the page shows a task's webhook deliveries, and sends one again", async () => {
  await using to = receiver();
  await using app = await testApp({
    HEADWAY_WEBHOOK_SECRET: SECRET,
    HEADWAY_WEBHOOK_ALLOW: "127.0.0.1",
  });
  const notify = [{ url: `${to.url}/path`, on: ["started", "completed"] }];
  const { task_id } = await submit(app.url, "echo", 1, { notify });
  await finished(app.url, task_id);
  await to.count(2);
  const without = await submit(app.url, "echo", 1);
  await using browser = await TestBrowser.launch();
  await using opened = await browser.open(`${app.url}/?task_id=${task_id}`);
  const { page, problems } = opened;
  await page.waitForSelector(".deliveries");
  const { host } = new URL(to.url);
  await eventually(async () => {
    const shown = await page.$$eval(
      ".deliveries li",
      (found) => found.map((it) => (it as HTMLElement).innerText.replaceAll(/\s+/g, " ")),
    );
    assertEquals(shown.length, 2);
    for (const text of shown) assert(text.includes(`delivered · ${host}`), text);
    assert(!shown.join().includes("path"));
  });
  assertEquals(await violations(page, "deliveries"), []);
  await page.locator(".deliveries li:last-child button").click();
  await to.count(3);
  assertEquals(to.received[2]!.id, `msg_${task_id}_2`);
  // A task without webhooks has no such section.
  await page.goto(`${app.url}/?task_id=${without.task_id}`);
  await page.waitForSelector(".timeline");
  assertEquals(await page.$(".deliveries"), null);
  assertEquals(problems, []);
});
