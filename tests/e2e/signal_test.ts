import { assertEquals, assertStringIncludes } from "@std/assert";
import { finished, submit, taskWhen } from "../helpers/api.ts";
import { TestBrowser } from "../helpers/browser.ts";
import { eventually } from "../helpers/eventually.ts";
import { testApp } from "../helpers/server.ts";

Deno.test("the page shows a form for the signal that a task waits for, and sends the answer", async () => {
  await using app = await testApp();
  const input = { question: "May we?" };
  const { task_id } = await submit(app.url, "approval", input);
  await taskWhen(app.url, task_id, ({ status }) => status === "waiting");
  await using browser = await TestBrowser.launch();
  await using opened = await browser.open(`${app.url}/?task_id=${task_id}`);
  const { page, problems } = opened;
  const form = await page.waitForSelector(".signal-form");
  const text = () => form!.evaluate((it) => (it as HTMLElement).innerText);
  assertStringIncludes(await text(), "May we?");
  await page.locator(".signal-form input[type=checkbox]").click();
  await page.locator(".signal-form input[type=text]").fill("Go on");
  await page.locator(".signal-form button[type=submit]").click();
  const { result } = await finished(app.url, task_id);
  const { outcome, comment } = result as { outcome: string; comment: string };
  assertEquals([outcome, comment], ["approved", "Go on"]);
  await page.waitForSelector(".pill.status-completed");
  // The page lists the task's step and its signal.
  await eventually(async () => {
    const names = await page.$$eval(
      ".timeline-card:first-of-type .step-name .text",
      (found) => found.map((it) => it.textContent),
    );
    assertEquals(names, ["ask", "answer"]);
  });
  assertEquals(await page.$(".signal-form"), null);
  assertEquals(problems, []);
});
