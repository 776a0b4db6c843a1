import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { finished, post } from "../helpers/api.ts";
import { violations } from "../helpers/axe.ts";
import { TestBrowser } from "../helpers/browser.ts";
import { eventually } from "../helpers/eventually.ts";
import { testApp } from "../helpers/server.ts";

Deno.test("the page shows schedules with their next times, pauses one, and runs one now", async () => {
  await using app = await testApp();
  const url = `${app.url}/schedules`;
  const body = { schedule_id: "new-year", kind: "echo", cron: "0 0 1 1 *", zone: "Asia/Tokyo" };
  await (await post(url, body)).body?.cancel();
  await using browser = await TestBrowser.launch();
  await using opened = await browser.open(app.url, { width: 390 });
  const { page, problems } = opened;
  // The code of this view is loaded only when it is opened.
  await page.locator(".other-view").click();
  const card = await page.waitForSelector(".schedule");
  const text = () => card!.evaluate((it) => (it as HTMLElement).innerText);
  for (const part of ["new-year", "0 0 1 1 *", "Asia/Tokyo", "Thu, Jan 1, 00:00".slice(5)]) {
    assertStringIncludes(await text(), part);
  }
  assertEquals((await page.$$(".schedule-times tbody tr")).length, 5);
  assertEquals(await violations(page, "schedules"), []);
  await page.locator(".schedule-actions button:nth-child(1)").click();
  // The page does not name an anonymous user.
  await eventually(async () => assertMatch(await text(), /\nPaused (?!by)/));
  assertEquals((await (await fetch(`${url}/new-year`)).json()).paused.by, "anonymous");
  await page.locator(".schedule-actions button:nth-child(2)").click();
  await page.waitForSelector(".pill.status-completed");
  const { outcomes: [outcome] } = await (await fetch(`${url}/new-year`)).json();
  await finished(app.url, outcome.task_id);
  assert(page.url().endsWith(`?task_id=${outcome.task_id}`));
  // Back leads to the schedules, which now have a bar for the run.
  await page.goBack();
  await page.waitForSelector(".outcome-bars a.completed");
  assertEquals(problems, []);
});
