import { assertEquals } from "@std/assert";
import type { Page } from "puppeteer-core";
import { finished, storedEvents, submit, taskWhen } from "../helpers/api.ts";
import { TestBrowser } from "../helpers/browser.ts";
import { eventually } from "../helpers/eventually.ts";
import { closedGate, openGate } from "../helpers/gate.ts";
import { startServer, testApp } from "../helpers/server.ts";
import { tempDir } from "../helpers/temp_dir.ts";

/** Opens another tab of the same browser. */
async function openTab(beside: Page, url: string): Promise<Page> {
  const page = await beside.browserContext().newPage();
  await page.goto(url, { waitUntil: "domcontentloaded" });
  return page;
}

function texts(page: Page, selector: string): Promise<string[]> {
  return page.$$eval(
    selector,
    (found) => found.map((element) => (element as HTMLElement).textContent?.trim() ?? ""),
  );
}

async function badge(page: Page, text: string): Promise<void> {
  await eventually(async () => assertEquals((await texts(page, ".connection"))[0], text), {
    interval: 25,
  });
}

/** Waits until a page shows exactly the stored log: no row is doubled or missed. */
async function showsLog(page: Page, base: string, id: string): Promise<void> {
  const rows = (await storedEvents(base, id)).filter(({ event }) => event === "log");
  await eventually(async () => {
    const shown = await texts(page, ".log-log .log-text");
    assertEquals(
      shown.map((text) => text.replace(/^warn ?| ?\{.*/g, "")),
      rows.map(({ data }) => data.message),
    );
  }, { interval: 50 });
}

Deno.test("three tabs share one stream, and stay live when the first tab is closed", async () => {
  await using app = await testApp();
  const { task_id } = await submit(app.url, "gated", { gate: "feed-tabs", rows: 30 });
  await using browser = await TestBrowser.launch();
  const { page: first, problems } = await browser.open(app.url);
  const list = await openTab(first, app.url);
  const open = await openTab(first, `${app.url}/?task_id=${task_id}`);
  await first.bringToFront();
  for (const page of [first, list, open]) await badge(page, "Live");
  await eventually(() => assertEquals(app.pulse.size, 1));
  await first.close();
  openGate("feed-tabs");
  await finished(app.url, task_id);
  await showsLog(open, app.url, task_id);
  await list.waitForSelector(".row.status-completed");
  // The server may not have noticed yet that a stream was replaced.
  await eventually(() => assertEquals(app.pulse.size, 1));
  assertEquals(problems, []);
});

Deno.test("a page without SharedWorker runs the feed itself", async () => {
  await using app = await testApp();
  const { task_id } = await submit(app.url, "log-many", { rows: 20 });
  await using browser = await TestBrowser.launch();
  const { page, problems } = await browser.open("about:blank");
  await page.evaluateOnNewDocument("delete globalThis.SharedWorker");
  await page.goto(`${app.url}/?task_id=${task_id}`, { waitUntil: "domcontentloaded" });
  await badge(page, "Live");
  await finished(app.url, task_id);
  await showsLog(page, app.url, task_id);
  assertEquals(problems, []);
});

/** Makes the worker's script fail to load at first, as if the server stopped at that moment. */
const GONE = `
  const Real = SharedWorker;
  let workers = 0;
  globalThis.SharedWorker = class {
    port = { postMessage() {}, close() {} };
    constructor(...options) {
      if (++workers > 1) return new Real(...options);
      setTimeout(() => this.onerror(new Event("error")));
    }
  };
  const real = fetch;
  let tries = 0;
  globalThis.fetch = (url, ...options) =>
    String(url).endsWith("feed_worker.js") && ++tries < 3
      ? Promise.reject(new TypeError())
      : real(url, ...options);
`;

Deno.test("a page whose shared worker fails to load says that it reconnects, and tries again", async () => {
  await using app = await testApp();
  const { task_id } = await submit(app.url, "gated", { gate: "late-worker" });
  await using browser = await TestBrowser.launch();
  const { page, problems } = await browser.open("about:blank");
  await page.evaluateOnNewDocument(GONE);
  await page.goto(app.url, { waitUntil: "domcontentloaded" });
  await badge(page, "Reconnecting…");
  await badge(page, "Live");
  openGate("late-worker");
  await finished(app.url, task_id);
  await page.waitForSelector(".row.status-completed");
  assertEquals(problems, []);
});

Deno.test("two tabs reconnect after the server was killed, say so, and double or miss no row", async () => {
  await using gate = closedGate();
  await using directory = await tempDir();
  const kv = `${directory.path}/test.db`;
  await using first = await startServer({ kv });
  const port = new URL(first.url).port;
  const { task_id } = await submit(first.url, "steps", { steps: 60, gate: gate.url });
  await using browser = await TestBrowser.launch();
  const { page: list } = await browser.open(first.url);
  const open = await openTab(list, `${first.url}/?task_id=${task_id}`);
  await open.waitForSelector(".log-log");
  await first.kill();
  for (const page of [list, open]) await badge(page, "Reconnecting…");
  await using second = await startServer({ kv, env: { HEADWAY_PORT: port } });
  gate.open();
  await taskWhen(second.url, task_id, ({ status }) => status === "completed");
  for (const page of [list, open]) await badge(page, "Live");
  await showsLog(open, second.url, task_id);
  await list.waitForSelector(".row.status-completed");
});

Deno.test("a frozen tab shows the rows that it missed when it wakes", async () => {
  await using app = await testApp();
  const { task_id } = await submit(app.url, "gated", { gate: "feed-sleep", rows: 200 });
  await using browser = await TestBrowser.launch();
  const { page: list } = await browser.open(app.url);
  const open = await openTab(list, `${app.url}/?task_id=${task_id}`);
  await badge(open, "Live");
  const session = await open.createCDPSession();
  await list.bringToFront();
  await session.send("Page.setWebLifecycleState", { state: "frozen" });
  openGate("feed-sleep");
  await finished(app.url, task_id);
  await list.waitForSelector(".row.status-completed");
  await session.send("Page.setWebLifecycleState", { state: "active" });
  await open.bringToFront();
  await eventually(async () => {
    assertEquals((await texts(open, ".log-log .log-text")).at(-1), "row 200");
  });
  // The server may not have noticed yet that a stream was replaced.
  await eventually(() => assertEquals(app.pulse.size, 1));
});
