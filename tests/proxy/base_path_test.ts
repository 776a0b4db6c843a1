import { assertEquals, assertMatch, assertNotMatch } from "@std/assert";
import type { Page } from "puppeteer-core";
import type { Server } from "../../lib/server.ts";
import { TestBrowser } from "../helpers/browser.ts";
import { eventually } from "../helpers/eventually.ts";
import { openGate } from "../helpers/kinds.ts";
import { type Below, PROXIES, type Proxy } from "../helpers/proxy.ts";
import { testApp } from "../helpers/server.ts";

const { command, start } = PROXIES.nginx;
const SECRET = "admin-secret-0123456789";

/** The two ways to serve Headway below a path: what the proxy does, and Headway's settings. */
const WAYS: [below: Below, settings: Record<string, string>][] = [
  [{ path: "/jobs/", strips: false }, { HEADWAY_BASE_PATH: "/jobs" }],
  [{ path: "/jobs/", strips: true }, {}],
];

async function press(page: Page, name: string, role = "button"): Promise<void> {
  await page.locator(`::-p-aria([role="${role}"][name="${name}"])`).click();
}

/** Waits until the first element that matches a selector has this text. */
async function reads(page: Page, selector: string, text: string): Promise<void> {
  const shown = () =>
    page.$$eval(selector, ([it]) => it instanceof HTMLElement ? it.innerText.trim() : "");
  await eventually(async () => assertEquals(await shown(), text), { interval: 25 });
}

/** Waits until the progress bar of the open task is at `percent`. */
async function barIs(page: Page, percent: number): Promise<void> {
  const value = () =>
    page.$$eval(".progress [role=progressbar]", ([bar]) => bar?.getAttribute("aria-valuenow"));
  await eventually(async () => assertEquals(await value(), String(percent)), { interval: 25 });
}

async function usePage(browser: TestBrowser, app: Server, { url, client }: Proxy): Promise<void> {
  const base = `${url}/jobs`;
  const gate = crypto.randomUUID();
  const created = await fetch(`${base}/tasks`, {
    method: "POST",
    client,
    headers: { authorization: `Bearer ${SECRET}` },
    body: JSON.stringify({ kind: "gated-rows", input: { gate, rows: 4 } }),
  });
  const { task_id } = await created.json();
  assertEquals(created.headers.get("location"), `/jobs/tasks/${task_id}`);
  const redirected = await fetch(base, { client, redirect: "manual" });
  await redirected.body?.cancel();
  assertEquals(new URL(redirected.headers.get("location")!, base).pathname, "/jobs/");

  await using visited = await browser.open(`${base}/`);
  const { page, problems } = visited;
  await page.locator("#login-token").fill(SECRET);
  await press(page, "Sign in");
  await page.locator(".row-link").click();
  await reads(page, "h1", "gated-rows");
  assertEquals(page.url(), `${base}/?task_id=${task_id}`);
  const [cookie] = await page.browserContext().cookies();
  assertEquals([cookie!.path, cookie!.secure, cookie!.httpOnly], ["/jobs/", true, true]);
  assertMatch(cookie!.name, /^__Secure-headway-/);
  openGate(`${gate}-1`);
  await barIs(page, 25);
  // The page's streams end, as at a restart, and the page resumes them.
  app.pulse.endAll();
  openGate(`${gate}-2`);
  await barIs(page, 50);
  await page.reload({ waitUntil: "domcontentloaded" });
  await barIs(page, 50);
  // The client and the element take the server's address from their own URLs.
  const shown = await page.evaluate(async (id) => {
    const element = document.createElement("headway-progress");
    element.setAttribute("task-id", id);
    document.body.append(element);
    await import(`${document.baseURI.split("?")[0]}headway-progress.js`);
    const { watch } = await import(`${document.baseURI.split("?")[0]}client.js`);
    for await (const { type, data } of watch(id)) {
      if (type === "progress" && data.progress === 50) return data.message ?? data.kind;
    }
  }, task_id);
  assertEquals(shown, "gated-rows");
  await eventually(async () => {
    const text = await page.$eval("headway-progress", (it) => it.shadowRoot?.textContent ?? "");
    assertMatch(text, /50\s?%/);
  });
  openGate(`${gate}-3`);
  openGate(`${gate}-4`);
  await reads(page, ".task-title .pill", "Completed");
  await press(page, "All tasks", "link");
  await reads(page, ".row-kind", "gated-rows");
  assertEquals(page.url(), `${base}/`);
  await press(page, "Sign out");
  await page.locator("#login-token").wait();
  assertEquals(await page.browserContext().cookies(), []);
  assertEquals(problems, []);
  const headers = { authorization: `Bearer ${SECRET}` };
  const figures = await (await fetch(`${base}/metrics`, { client, headers })).text();
  assertNotMatch(figures, /route="other"/, "It asks for nothing that is not there");
}

Deno.test({
  name:
    "behind nginx below a path, kept or stripped, the page signs in, navigates, resumes and links",
  ignore: command === null,
  async fn() {
    await using browser = await TestBrowser.launch({ anyCertificate: true });
    for (const [below, settings] of WAYS) {
      await using app = await testApp({
        HEADWAY_TRUST_PROXY: "1",
        HEADWAY_TOKENS: `me:admin:${SECRET}`,
        HEADWAY_RETRY_MS: "10",
        ...settings,
      });
      await using proxy = await start(command!, new URL(app.url).origin, below);
      await usePage(browser, app, proxy);
    }
  },
});
