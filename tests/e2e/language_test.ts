import { assertEquals, assertStringIncludes } from "@std/assert";
import type { Page } from "puppeteer-core";
import { finished, submit } from "../helpers/api.ts";
import { TestBrowser } from "../helpers/browser.ts";
import { eventually } from "../helpers/eventually.ts";
import { testApp } from "../helpers/server.ts";

/** Waits until the heading and the `lang` of the page are in a language. */
async function speaks(page: Page, heading: string, lang: string): Promise<void> {
  await eventually(async () => {
    const seen = await page.evaluate(() => [
      document.querySelector("h1")?.textContent,
      document.documentElement.lang,
    ]);
    assertEquals(seen, [heading, lang]);
  }, { interval: 25 });
}

function text(page: Page): Promise<string> {
  return page.evaluate(() => document.querySelector("main")!.textContent!);
}

Deno.test("the page uses the browser's language, and keeps the other one once the user picks it", async () => {
  await using app = await testApp();
  const { task_id } = await submit(app.url, "steps", { steps: 1200 });
  await finished(app.url, task_id);
  await using browser = await TestBrowser.launch();
  await using opened = await browser.open(app.url, { languages: ["zh-CN", "en"], width: 390 });
  const { page, problems } = opened;
  await speaks(page, "任务", "zh-CN");
  await page.waitForSelector(".row");
  assertStringIncludes(await text(page), "1,200 / 1,200 步");
  assertStringIncludes(await text(page), "已完成");

  await page.keyboard.press("Tab");
  await page.focus(".language");
  await page.keyboard.press("Enter");
  await speaks(page, "Tasks", "en");
  await page.waitForSelector(".row");
  assertStringIncludes(await text(page), "1,200 / 1,200 steps");
  // The button keeps the focus.
  assertEquals(
    await page.evaluate(() => document.activeElement!.className.includes("language")),
    true,
  );
  assertEquals(await page.title(), "Headway");

  await page.goto(`${app.url}/?task_id=${task_id}`);
  await speaks(page, "steps", "en");
  await eventually(async () => assertEquals(await page.title(), "Completed · steps · Headway"));

  // A new tab has the same language, and a change in one tab reaches the other.
  const other = await page.browserContext().newPage();
  await other.goto(app.url, { waitUntil: "domcontentloaded" });
  await speaks(other, "Tasks", "en");
  await other.click(".language");
  await speaks(other, "任务", "zh-CN");
  await speaks(page, "steps", "zh-CN");
  await eventually(async () => assertEquals(await page.title(), "已完成 · steps · Headway"));
  assertEquals(await page.evaluate(() => document.documentElement.scrollWidth), 390);
  assertEquals(problems, []);
});
