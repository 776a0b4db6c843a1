import { assertEquals } from "@std/assert";
import type { Page } from "puppeteer-core";
import { finished, submit } from "../helpers/api.ts";
import { TestBrowser } from "../helpers/browser.ts";
import { eventually } from "../helpers/eventually.ts";
import { openGate } from "../helpers/kinds.ts";
import { testApp } from "../helpers/server.ts";

/** Records the notifications of a page, which are still shown. */
const LISTEN = `
  globalThis.told = [];
  globalThis.Notification = class extends Notification {
    constructor(title, options) {
      super(title, options);
      told.push({ title, ...options, notification: this });
    }
  };
`;

interface Told {
  title: string;
  tag: string;
}

function told(page: Page): Promise<Told[]> {
  return page.evaluate(() =>
    (globalThis as unknown as { told: Told[] }).told.map(({ title, tag }) => ({ title, tag }))
  );
}

/** Opens a page that records its notifications. Waits until it has looked up a `watched` task. */
async function listening(page: Page, url: string, watched?: string): Promise<Page> {
  await page.evaluateOnNewDocument(LISTEN);
  const path = `/tasks/${watched}`;
  const looked = watched && page.waitForResponse((it) => new URL(it.url()).pathname === path);
  await page.goto(url, { waitUntil: "domcontentloaded" });
  await looked;
  return page;
}

function icon(page: Page): Promise<string> {
  return page.$eval("link[rel=icon]", (link) => link.getAttribute("href")!);
}

async function press(page: Page, name: string): Promise<void> {
  await page.locator(`::-p-aria([role="button"][name="${name}"])`).click();
}

Deno.test("the tab's title counts running tasks, and its title and icon show the open task's progress", async () => {
  await using app = await testApp();
  const { task_id } = await submit(app.url, "gated", { gate: "sign" });
  await using browser = await TestBrowser.launch();
  await using opened = await browser.open(app.url);
  const { page, problems } = opened;
  await eventually(async () => assertEquals(await page.title(), "1 running · Headway"));
  assertEquals(await icon(page), "/static/icon.svg");
  const steps = await submit(app.url, "steps", { steps: 50, gate: "shown" });
  await page.goto(`${app.url}/?task_id=${steps.task_id}`, { waitUntil: "domcontentloaded" });
  await eventually(async () => {
    assertEquals(/^\d+% · steps · Headway$/.test(await page.title()), true);
    assertEquals(/^\/icon.svg\?status=running&progress=\d*[05]$/.test(await icon(page)), true);
  }, { interval: 25 });
  openGate("shown");
  await eventually(
    async () => assertEquals(await page.title(), "Completed · steps · Headway"),
  );
  assertEquals(await icon(page), "/icon.svg?status=completed");
  for (const path of ["running&progress=40", "pending", "completed", "failed", "canceled"]) {
    const response = await fetch(`${app.url}/icon.svg?status=${path}`);
    assertEquals(response.headers.get("content-type"), "image/svg+xml");
    assertEquals(/^<svg [^]*<\/svg>$/.test(await response.text()), true);
  }
  for (
    const path of [
      "",
      "?status=toString",
      "?status=running&progress=a",
      "?status=running&progress=101",
    ]
  ) {
    const response = await fetch(`${app.url}/icon.svg${path}`);
    assertEquals(response.status, 400);
    await response.body?.cancel();
  }
  openGate("sign");
  await finished(app.url, task_id);
  assertEquals(problems, []);
});

Deno.test("a browser notifies once that a watched task has ended, however many tabs are open", async () => {
  await using app = await testApp();
  const watched = await submit(app.url, "gated", { gate: "watched" });
  const other = await submit(app.url, "gated", { gate: "watched" });
  await using browser = await TestBrowser.launch();
  await using opened = await browser.open("about:blank");
  const context = opened.page.browserContext();
  await context.overridePermissions(app.url, ["notifications"]);
  const address = `${app.url}/?task_id=${watched.task_id}`;
  const page = await listening(opened.page, address);
  await press(page, "Notify me");
  await page.waitForSelector(".notify[aria-pressed=true]");
  // Another tab of the same task, one of the list, and an empty one in front of them all.
  const tabs = [page, await listening(await context.newPage(), address, watched.task_id)];
  tabs.push(await listening(await context.newPage(), app.url, watched.task_id));
  await tabs[1]!.waitForSelector(".notify[aria-pressed=true]");
  await tabs[2]!.waitForSelector(".row");
  await (await context.newPage()).bringToFront();
  openGate("watched");
  await finished(app.url, watched.task_id);
  await finished(app.url, other.task_id);
  await eventually(async () => {
    const all = (await Promise.all(tabs.map(told))).flat();
    assertEquals(all, [{ title: "gated: Completed", tag: watched.task_id }]);
    const kept = await page.evaluate(() => localStorage.getItem("headway-watched"));
    assertEquals(kept, "[]");
  });
  for (const tab of tabs.slice(0, 2)) {
    await eventually(async () => assertEquals(await tab.$(".notify"), null));
  }
  assertEquals((await Promise.all(tabs.map(told))).flat().length, 1);
  assertEquals(opened.problems, []);
});

Deno.test("a page still notifies of a watched task after it opened another one, and a click leads back", async () => {
  await using app = await testApp();
  const first = await submit(app.url, "gated", { gate: "elsewhere" });
  const second = await submit(app.url, "waits");
  await using browser = await TestBrowser.launch();
  await using opened = await browser.open("about:blank");
  await opened.page.browserContext().overridePermissions(app.url, ["notifications"]);
  const page = await listening(opened.page, `${app.url}/?task_id=${first.task_id}`);
  await press(page, "Notify me");
  await page.waitForSelector(".notify[aria-pressed=true]");
  await page.evaluate((id) => {
    history.pushState(null, "", `/?task_id=${id}`);
    dispatchEvent(new PopStateEvent("popstate"));
  }, second.task_id);
  await eventually(async () =>
    assertEquals(await page.$eval("h1", (title) => title.textContent), "waits")
  );
  openGate("elsewhere");
  await eventually(async () => assertEquals((await told(page)).length, 1));
  await page.evaluate(() => {
    type Click = { notification: Notification };
    (globalThis as unknown as { told: Click[] }).told[0]!.notification.onclick!(new Event("click"));
  });
  await eventually(async () =>
    assertEquals(await page.$eval("h1", (title) => title.textContent), "gated")
  );
  assertEquals(opened.problems, []);
});

Deno.test("the page says so when the browser blocks its notifications", async () => {
  await using app = await testApp();
  const { task_id } = await submit(app.url, "waits");
  await using browser = await TestBrowser.launch();
  await using opened = await browser.open("about:blank");
  await opened.page.browserContext().overridePermissions(app.url, []);
  const { page } = opened;
  await page.goto(`${app.url}/?task_id=${task_id}`, { waitUntil: "domcontentloaded" });
  await press(page, "Notify me");
  await eventually(async () =>
    assertEquals(
      await page.$eval(".task [role=alert]", (alert) => alert.textContent),
      "Your browser blocks notifications from this page. You can allow them in its settings.",
    )
  );
  assertEquals(
    await page.$eval(".notify", (button) => button.getAttribute("aria-pressed")),
    "false",
  );
});
