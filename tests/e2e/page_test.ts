import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Page } from "puppeteer-core";
import { finished, getTask, storedEvents, submit, taskWhen } from "../helpers/api.ts";
import { type OpenPageOptions, TestBrowser } from "../helpers/browser.ts";
import { HANG_MS } from "../helpers/deadline.ts";
import { eventually } from "../helpers/eventually.ts";
import { closedGate, openGate } from "../helpers/gate.ts";
import { startPrefixProxy } from "../helpers/prefix_proxy.ts";
import { startServer, testApp } from "../helpers/server.ts";
import { tempDir } from "../helpers/temp_dir.ts";

/** Opens a page in a new browser, and collects the problems that the browser reports. */
async function visit(url: string, options?: OpenPageOptions): Promise<Visit> {
  const browser = await TestBrowser.launch();
  const { page, problems } = await browser.open(url, options);
  return {
    page,
    problems,
    async [Symbol.asyncDispose](): Promise<void> {
      await browser[Symbol.asyncDispose]();
    },
  };
}

interface Visit extends AsyncDisposable {
  page: Page;
  problems: string[];
}

/** Clicks the element with this role and accessible name. */
async function press(page: Page, name: string, role = "button"): Promise<void> {
  await page.locator(`::-p-aria([role="${role}"][name="${name}"])`).click();
}

/** The visible texts of all elements that a selector finds. */
function texts(page: Page, selector: string): Promise<string[]> {
  return page.$$eval(
    selector,
    (found) => found.map((element) => (element as HTMLElement).innerText.trim()),
  );
}

/** Waits until the first element that a selector finds has this text. */
async function reads(page: Page, selector: string, text: string): Promise<void> {
  await eventually(async () => assertEquals((await texts(page, selector))[0], text), {
    interval: 25,
  });
}

/** Waits until the elements that a selector finds contain a text. */
async function holds(page: Page, selector: string, text: string): Promise<void> {
  await eventually(
    async () => assertStringIncludes((await texts(page, selector)).join("\n"), text),
    { interval: 25 },
  );
}

/** The value of the open task's bar, as a screen reader gets it. */
function barValue(page: Page): Promise<string | null> {
  return page.$eval(".progress [role=progressbar]", (bar) => bar.getAttribute("aria-valuenow"));
}

function address(base: string, id: string): string {
  return `${base}/?task_id=${id}`;
}

Deno.test("the page starts a demo whose bar reaches 100 %, and works below a proxy's path prefix", async () => {
  await using app = await testApp();
  await using visited = await visit(app.url);
  const { page, problems } = visited;
  await holds(page, "main", "No tasks yet");
  await press(page, "New task");
  await page.locator("input[name=kind][value=demo]").click();
  await page.locator("#field-steps").fill("8");
  await page.locator("#field-interval_ms").fill("60");
  await press(page, "Start");
  await reads(page, "h1", "demo");
  await reads(page, ".task-title .pill", "Completed");
  assertEquals(await barValue(page), "100");
  await holds(page, ".outcome", "processed");
  assertEquals(await page.title(), "Completed · demo · Headway");
  await press(page, "All tasks", "link");
  await reads(page, ".row-kind", "demo");
  assertEquals(new URL(page.url()).search, "");

  // The same below a path prefix that a proxy strips: scripts, requests, stream, worker and links.
  await using proxy = startPrefixProxy(app.url, "/jobs");
  await page.goto(`${proxy.url}/jobs/`, { waitUntil: "domcontentloaded" });
  await reads(page, ".row-kind", "demo");
  await press(page, "New task");
  await page.locator("input[name=kind][value=demo]").click();
  await page.locator("#field-steps").fill("2");
  await page.locator("#field-interval_ms").fill("60");
  await press(page, "Start");
  await reads(page, ".task-title .pill", "Completed");
  await holds(page, ".log", "Completed · attempt 1");
  const { pathname, search } = new URL(page.url());
  assertEquals([pathname, search.startsWith("?task_id=")], ["/jobs/", true]);
  await eventually(async () => {
    const icon = await page.$eval("link[rel=icon]", (link) => link.getAttribute("href"));
    assertEquals(icon, "/jobs/icon.svg?status=completed");
  });
  const { task_id } = await submit(app.url, "waits");
  await press(page, "All tasks", "link");
  await eventually(async () =>
    assertEquals(await texts(page, ".row-kind"), ["waits", "demo", "demo"])
  );
  await page.locator(".row-link").click();
  await reads(page, ".task-title .pill", "Running");
  assertEquals(page.url(), `${proxy.url}/jobs/?task_id=${task_id}`);
  await page.reload({ waitUntil: "domcontentloaded" });
  await reads(page, "h1", "waits");
  await page.goto(`${proxy.url}/jobs/docs`);
  const radius = await page.$eval("section", (it) => getComputedStyle(it).borderRadius);
  assertEquals([radius, proxy.strays], ["10px", []]);
  assertEquals(problems, []);
});

Deno.test("the page's bar moves with each step of a task", async () => {
  await using app = await testApp();
  const { task_id } = await submit(app.url, "gated-rows", { gate: "bar", rows: 4 });
  await using visited = await visit(address(app.url, task_id));
  const { page, problems } = visited;
  await reads(page, ".task-title .pill", "Running");
  for (let row = 1; row <= 4; row++) {
    openGate(`bar-${row}`);
    await eventually(async () => assertEquals(await barValue(page), String(25 * row)));
  }
  assertEquals(problems, []);
});

Deno.test("the page shows every task live in its list, and supports Back and Forward", async () => {
  await using app = await testApp();
  await using visited = await visit(app.url, { width: 390 });
  const { page, problems } = visited;
  await holds(page, "main", "No tasks yet");
  await submit(app.url, "throws", { message: "no such host" });
  const { task_id } = await submit(app.url, "waits");
  await eventually(async () => assertEquals(await texts(page, ".row-kind"), ["waits", "throws"]));
  await holds(page, ".row", "Failed");
  await holds(page, ".row", "no such host");
  assertEquals(
    await page.$eval(".row [role=progressbar]", (bar) => bar.getAttribute("aria-valuenow")),
    "5",
  );
  await page.locator(".row-link").click();
  await reads(page, ".task-title .pill", "Running");
  assertEquals(page.url(), address(app.url, task_id));
  await page.goBack();
  await eventually(async () => assertEquals(await texts(page, ".row-kind"), ["waits", "throws"]));
  await page.goForward();
  await reads(page, "h1", "waits");
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  assert(width <= 390, `Nothing is wider than the screen: ${width}`);
  assertEquals(problems, []);
});

Deno.test("the page opens a task by its address and follows its log", async () => {
  await using app = await testApp();
  const { task_id } = await submit(app.url, "steps", { steps: 40, interval_ms: 5, gate: "log" });
  await using visited = await visit(address(app.url, task_id));
  const { page, problems } = visited;
  await holds(page, ".log", "step 39");
  assertEquals((await getTask(app.url, task_id)).status, "running");
  openGate("log");
  await reads(page, ".task-title .pill", "Completed");
  const steps = (await texts(page, ".log-log .log-text")).map((text) => Number(text.slice(5)));
  assertEquals(steps, Array.from({ length: 40 }, (_, n) => n + 1));
  assertEquals(await texts(page, ".log-state .log-text"), [
    "Queued",
    "Running · attempt 1",
    "Completed · attempt 1",
  ]);
  assertEquals(problems, []);
});

Deno.test("the page uploads a CSV file and shows its profile", async () => {
  await using directory = await tempDir();
  await using app = await testApp();
  const path = `${directory.path}/people, "all" & 人.csv`;
  await Deno.writeTextFile(path, "name,age\nAda,36\nGrace,85\n");
  await using visited = await visit(app.url);
  const { page, problems } = visited;
  await press(page, "New task");
  await page.locator("input[name=kind][value=csv-profile]").click();
  await press(page, "Start");
  await holds(page, ".dialog", "Choose a file first");
  const input = await page.$("#field-upload") as import("puppeteer-core").ElementHandle<
    HTMLInputElement
  >;
  await input.uploadFile(path);
  await reads(page, ".file-name", 'people, "all" & 人.csv');
  await press(page, "Start");
  await reads(page, ".task-title .pill", "Completed");
  await holds(page, ".outcome", "columns");
  assertEquals(
    (await texts(page, ".outcome tbody tr")).map((row) => row.split(/\s+/).slice(0, 2)),
    [
      ["name", "string"],
      ["age", "integer"],
    ],
  );
  assertEquals(problems, []);
});

Deno.test("the page computes checksums of a file that is dropped on it", async () => {
  await using app = await testApp();
  await using visited = await visit(app.url);
  const { page, problems } = visited;
  await holds(page, "main", "No tasks yet");
  await page.evaluate(() => {
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File(["abc"], "abc.bin"));
    for (const type of ["dragover", "drop"]) {
      document.body.dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true }));
    }
  });
  await reads(page, ".file-name", "abc.bin");
  await press(page, "sha-512", "checkbox");
  await press(page, "Start");
  await reads(page, "h1", "checksum");
  await holds(page, ".outcome", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  await holds(page, ".outcome", "sha-512");
  assertEquals(problems, []);
});

Deno.test("the page cancels, retries and deletes a task", async () => {
  await using app = await testApp();
  const { task_id } = await submit(app.url, "waits");
  await using visited = await visit(address(app.url, task_id));
  const { page, problems } = visited;
  await press(page, "Cancel");
  await reads(page, ".task-title .pill", "Canceled");
  await press(page, "Retry");
  await reads(page, ".task-title .pill", "Running");
  // The pressed button is gone, but the focus is not back at the start of the page.
  assertEquals(await page.evaluate(() => document.activeElement!.className), "task-actions");
  await holds(page, ".progress-message", "waits");
  assertEquals((await getTask(app.url, task_id)).status, "running");
  // This cancel does not come from the page.
  const canceled = await fetch(`${app.url}/tasks/${task_id}/cancel`, { method: "POST" });
  await canceled.body?.cancel();
  await reads(page, ".task-title .pill", "Canceled");
  assertEquals(await texts(page, ".log-state .log-text"), [
    "Queued",
    "Running · attempt 1",
    "Canceling · attempt 1",
    "Canceled · attempt 1",
    "Queued",
    "Running · attempt 1",
    "Canceling · attempt 1",
    "Canceled · attempt 1",
  ]);
  await press(page, "Delete");
  await press(page, "Really delete?");
  await holds(page, "main", "This task was deleted");
  await press(page, "All tasks", "link");
  await holds(page, "main", "No tasks yet");
  assertEquals(problems, []);
});

Deno.test("the page says that a task is being canceled until it is canceled", async () => {
  await using app = await testApp({}, { killAfterMs: HANG_MS });
  const { task_id } = await submit(app.url, "ignores-cancel", { gate: "deaf" });
  await using visited = await visit(address(app.url, task_id));
  const { page, problems } = visited;
  await holds(page, ".progress-message", "deaf");
  await press(page, "Cancel");
  await reads(page, ".task-title .pill", "Canceling…");
  await reads(page, ".task-actions .button-danger", "Canceling…");
  openGate("deaf");
  await reads(page, ".task-title .pill", "Canceled");
  assertEquals(problems, []);
});

const HOSTILE = [
  "<img src=x onerror=\"document.title='owned'\">",
  "<script>document.title='owned'</script>",
  "</title><b>&amp;&lt;{{7*7}}${7*7}",
  "\u202egnirts desrever\u2066",
  "\u0000\u0007\u001b[31m\ufeff\ud800",
  "javascript:alert(1)",
  "__proto__",
  "Z\u0351\u036b\u0343\u0321".repeat(50),
  "long".repeat(400),
];

Deno.test("the page shows hostile strings as text, in the list and in a task", async () => {
  await using app = await testApp();
  const { task_id } = await submit(app.url, "says", { texts: HOSTILE, throws: true });
  const ended = await finished(app.url, task_id);
  assertEquals(ended.status, "failed");
  const said = await submit(app.url, "says", { texts: HOSTILE });
  await finished(app.url, said.task_id);
  await using visited = await visit(app.url, { width: 390 });
  const { page, problems } = visited;
  await holds(page, ".rows", "<img src=x onerror=");
  const built = () =>
    page.evaluate(() => ({
      elements: document.querySelectorAll("main img, main script, main b").length,
      width: document.documentElement.scrollWidth,
    }));
  assertEquals(await built(), { elements: 0, width: 390 });
  for (const id of [task_id, said.task_id]) {
    await page.goto(address(app.url, id), { waitUntil: "domcontentloaded" });
    await holds(page, ".log", "javascript:alert(1)");
    const log = (await texts(page, ".log-log .log-text")).join("\n");
    for (const text of HOSTILE.slice(0, 3)) assertStringIncludes(log, text);
    await holds(page, ".outcome", "document.title='owned'");
    assertEquals(await built(), { elements: 0, width: 390 });
    assertStringIncludes(await page.title(), "says · Headway");
  }
  assertEquals(problems, []);
});

Deno.test("the page says so if there is no such task", async () => {
  await using app = await testApp();
  await using visited = await visit(address(app.url, "01J00000000000000000000000"));
  const { page } = visited;
  await reads(page, "h1", "There is no such task");
  await page.goto(address(app.url, "../<b>"), { waitUntil: "domcontentloaded" });
  await reads(page, "h1", "There is no such task");
});

Deno.test("the page of a task reconnects after its server was killed, and shows what is stored", async () => {
  await using gate = closedGate();
  await using directory = await tempDir();
  const kv = `${directory.path}/test.db`;
  await using first = await startServer({ kv });
  const port = new URL(first.url).port;
  const input = { steps: 60, interval_ms: 10, gate: gate.url };
  const { task_id } = await submit(first.url, "steps", input);
  await using visited = await visit(address(first.url, task_id));
  const { page } = visited;
  await holds(page, ".log", "step 5");
  await first.kill();
  await reads(page, ".connection", "Reconnecting…");
  await using second = await startServer({ kv, env: { HEADWAY_PORT: port } });
  gate.open();
  await reads(page, ".task-title .pill", "Completed");
  await taskWhen(second.url, task_id, ({ status }) => status === "completed");
  const stored = (await storedEvents(second.url, task_id))
    .filter(({ event }) => event === "log")
    .map(({ data }) => data.message);
  const shown = await texts(page, ".log-log .log-text");
  assertEquals(shown.map((text) => text.replace(/^warn | \{.*/g, "")), stored);
  assertEquals(await barValue(page), "100");
  await press(page, "All tasks", "link");
  await reads(page, ".row-kind", "steps");
  await holds(page, ".row", "Completed");
});

Deno.test("the list reconnects after its server was killed, and shows what is stored", async () => {
  await using gate = closedGate();
  await using directory = await tempDir();
  const kv = `${directory.path}/test.db`;
  await using first = await startServer({ kv });
  const port = new URL(first.url).port;
  await submit(first.url, "steps", { steps: 60, interval_ms: 10, gate: gate.url });
  await using visited = await visit(first.url);
  const { page } = visited;
  await page.waitForSelector(".row.status-running");
  await first.kill();
  await reads(page, ".connection", "Reconnecting…");
  await using second = await startServer({ kv, env: { HEADWAY_PORT: port } });
  gate.open();
  await submit(second.url, "echo", "later");
  await eventually(async () => {
    assertEquals(await texts(page, ".row-kind"), ["echo", "steps"]);
  });
  await holds(page, ".row.status-completed", "steps");
  await reads(page, ".connection", "Live");
});
