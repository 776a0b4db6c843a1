import {
  assert,
  assertEquals,
  assertGreater,
  assertMatch,
  assertNotEquals,
  assertStringIncludes,
} from "@std/assert";
import type { Page } from "puppeteer-core";
import { finished, getTask, post, submit, taskWhen } from "../helpers/api.ts";
import { type OpenPageOptions, TestBrowser, type TestPage } from "../helpers/browser.ts";
import { HANG_MS } from "../helpers/deadline.ts";
import { eventually } from "../helpers/eventually.ts";
import { closedGate, openGate } from "../helpers/gate.ts";
import { bytesOf } from "../helpers/kinds.ts";
import { startServer, testApp } from "../helpers/server.ts";
import { tempDir } from "../helpers/temp_dir.ts";

interface Visit extends AsyncDisposable, Pick<TestPage, "page" | "problems"> {}

/** Opens the page of a task in a new browser. */
async function visit(base: string, id: string, options?: OpenPageOptions): Promise<Visit> {
  const browser = await TestBrowser.launch();
  const { page, problems } = await browser.open(`${base}/?task_id=${id}`, options);
  return { page, problems, [Symbol.asyncDispose]: () => browser[Symbol.asyncDispose]() };
}

function texts(page: Page, selector: string): Promise<string[]> {
  return page.$$eval(
    selector,
    (found) => found.map((element) => (element as HTMLElement).innerText.trim()),
  );
}

/** Waits until the texts of the elements that a selector finds pass `check`. */
async function until(
  page: Page,
  selector: string,
  check: (texts: string[]) => void,
  timeout = HANG_MS,
): Promise<void> {
  await eventually(async () => check(await texts(page, selector)), {
    timeout,
    interval: 25,
  });
}

async function holds(page: Page, selector: string, text: string): Promise<void> {
  await until(page, selector, (found) => assertStringIncludes(found.join("\n"), text));
}

async function press(page: Page, name: string, role = "button"): Promise<void> {
  await page.locator(`::-p-aria([role="${role}"][name="${name}"])`).click();
}

/** The value of a figure or fact of the task, by its label. */
async function figure(page: Page, name: string): Promise<string> {
  const all = await page.$$eval(
    ".figure, .fact",
    (found) =>
      found.map((one) => [
        one.querySelector("dt")!.textContent,
        (one.querySelector("dd") as HTMLElement).innerText,
      ]),
  );
  const found = all.find(([known]) => known === name);
  assert(found, `There is no ${name} among ${all}`);
  return found[1]!;
}

/** Lets the page write to the clipboard, and the test read it. */
async function allowClipboard(page: Page): Promise<void> {
  await page.browserContext().overridePermissions(new URL(page.url()).origin, [
    "clipboard-read",
    "clipboard-write",
    "clipboard-sanitized-write",
  ]);
  // Only a page that has the focus may write to the clipboard.
  const session = await page.createCDPSession();
  await session.send("Emulation.setFocusEmulationEnabled", { enabled: true });
}

function clipboard(page: Page): Promise<string> {
  return page.evaluate(() => navigator.clipboard.readText());
}

/** Presses a button that makes a file, and reads the file. */
async function download(page: Page, name: string, file: string): Promise<string> {
  return new TextDecoder().decode(await downloadBytes(page, name, file, "button"));
}

/** Follows a link to a file, or presses a button that makes one, and reads the file. */
async function downloadBytes(
  page: Page,
  name: string,
  file: string,
  role = "link",
): Promise<Uint8Array> {
  await using directory = await tempDir();
  const session = await page.createCDPSession();
  await session.send("Browser.setDownloadBehavior", {
    behavior: "allow",
    downloadPath: directory.path,
    browserContextId: page.browserContext().id!,
    eventsEnabled: true,
  });
  const done = Promise.withResolvers<void>();
  session.on("Browser.downloadProgress", ({ state }) => {
    if (state === "completed") done.resolve();
    if (state === "canceled") done.reject(new Error("The download was canceled"));
  });
  await press(page, name, role);
  await done.promise;
  const bytes = await Deno.readFile(`${directory.path}/${file}`);
  await session.detach();
  return bytes;
}

/** How many log rows are in the document. */
function drawn(page: Page): Promise<number> {
  return page.$$eval(".log-rows .log-row", (rows) => rows.length);
}

/** The first visible log row: its text, and its distance from the top of the log in pixels. */
function firstSeen(page: Page): Promise<{ text: string; top: number }> {
  return page.$eval(".log-rows", (log) => {
    const edge = log.getBoundingClientRect().top;
    const row = [...log.querySelectorAll<HTMLElement>(".log-row")]
      .find((one) => one.getBoundingClientRect().bottom > edge + 1)!;
    return {
      text: row.querySelector<HTMLElement>(".log-text")!.innerText,
      top: Math.round(row.getBoundingClientRect().top - edge),
    };
  });
}

/** Pixels of the log below its visible part. */
function below(page: Page): Promise<number> {
  return page.$eval(".log-rows", (log) => log.scrollHeight - log.scrollTop - log.clientHeight);
}

Deno.test("a task's page shows percent, count, stage, rate, elapsed time and time left", async () => {
  await using app = await testApp();
  // The first stage takes longer than the deadline of any wait here.
  const { task_id } = await submit(app.url, "staged", { rows: 2000, interval_ms: 200 });
  await using visited = await visit(app.url, task_id);
  const { page, problems } = visited;
  await until(page, ".progress-figure", ([text]) => assertMatch(text!, /^[1-9]\d*%$/));
  await eventually(async () => {
    assertMatch(await figure(page, "Done"), /^[\d,]+ \/ 2,000 rows$/);
    assertMatch(await figure(page, "Rate"), /^[\d.]+ rows\/s$/);
    assertMatch(await figure(page, "Elapsed"), /^(\d+m )?\d+s$/);
    assertEquals(await figure(page, "Last update"), "just now");
  });
  await until(page, ".time-left", ([text]) => assertMatch(text!, /^(\d+[hm] )?\d+[ms] left$/));
  await until(page, ".stage", ([text]) => assertMatch(text!, /^read\s*\d/));
  const bar = await page.$eval(".progress [role=progressbar]", (bar) => bar.ariaValueNow);
  assertGreater(Number(bar), 0);
  assertEquals(problems, []);
});

Deno.test("a task's page shows a count and no percent without a total, and a bar for each weighted stage", async () => {
  await using app = await testApp();
  const { task_id } = await submit(app.url, "staged", { rows: 1e6, known: false });
  await using visited = await visit(app.url, task_id);
  const { page, problems } = visited;
  await until(page, ".progress-figure", ([text]) => assertMatch(text!, /^\d+ rows$/));
  const bar = await page.$eval(".progress [role=progressbar]", ({ ariaValueNow, className }) => ({
    ariaValueNow,
    unknown: className.includes("bar-unknown"),
  }));
  assertEquals(bar, { ariaValueNow: null, unknown: true });
  assertEquals(await texts(page, ".time-left"), []);
  // Without percent, the chart shows the count.
  await page.waitForSelector(".chart-line");
  // Each weighted stage has its own bar, and the percent of the task is their weighted sum.
  const weighted = await submit(app.url, "weighted", { gate: "never" });
  await taskWhen(app.url, weighted.task_id, ({ stage }) => stage === "parse");
  await page.goto(`${app.url}/?task_id=${weighted.task_id}`);
  await until(page, ".progress-figure", ([text]) => assertEquals(text, "25%"));
  await until(page, ".stage-bar", (bars) => {
    assertEquals(bars.map((bar) => bar.replaceAll(/\s+/g, " ")), ["download 100%", "parse 0%"]);
  });
  assertEquals(problems, []);
});

Deno.test("the page of an ended task shows its stages, chart and average rate, and can keep the task", async () => {
  await using app = await testApp();
  const { task_id } = await submit(app.url, "staged", { rows: 150, interval_ms: 15 });
  await finished(app.url, task_id);
  await using visited = await visit(app.url, task_id);
  const { page, problems } = visited;
  await until(page, ".progress-figure", ([text]) => assertEquals(text, "100%"));
  await until(page, ".stage-name", (names) => assertEquals(names, ["read", "write"]));
  await until(page, ".stage-time", (times) => assertEquals(times.length, 2));
  assertMatch(await figure(page, "Average rate"), /^[\d.]+ rows\/s$/);
  assertMatch((await texts(page, ".took"))[0]!, /^took \d/);
  // The chart also has points between the first and the last.
  await eventually(async () => {
    const line = await page.$eval(".chart-line", (path) => path.getAttribute("d")!);
    assertGreater(line.split("L").length, 5);
  });
  const plot = (await page.$(".chart-plot"))!;
  const words = await plot.evaluate((element) => element.ariaLabel);
  assertMatch(words!, /^Progress over time, from \d\d:\d\d:\d\d to \d\d:\d\d:\d\d: 100%/);
  await plot.hover();
  await until(page, ".chart-tip", ([tip]) => assertMatch(tip!, /^\d+%\n[\d.]+ rows\/s\n\d\d:/));
  await page.mouse.move(0, 0);
  await until(page, ".chart-tip", (tips) => assertEquals(tips, []));
  // The arrow keys show the same as the pointer.
  await plot.focus();
  await page.keyboard.press("ArrowLeft");
  await until(page, ".chart-tip", ([tip]) => assertMatch(tip!, /^100%/));
  for (let n = 0; n < 4; n++) await page.keyboard.press("ArrowLeft");
  await until(page, ".chart-tip", ([tip]) => assertMatch(tip!, /^\d\d%/));
  // Keep sets the longest retention that the server allows.
  await press(page, "Keep");
  await until(page, "#keep", (names) => assertEquals(names, ["Kept"]));
  const { keep, finished_at } = await getTask(app.url, task_id);
  assertEquals(keep, 365 * 86_400_000);
  const year = new Date(Date.parse(finished_at!) + Number(keep)).getFullYear();
  assertStringIncludes(await figure(page, "Kept"), String(year));
  await holds(page, ".progress-figure", "100%");
  await page.reload();
  await until(page, "#keep", (names) => assertEquals(names, ["Kept"]));
  await press(page, "Kept");
  await until(page, "#keep", (names) => assertEquals(names, ["Keep"]));
  assertEquals((await getTask(app.url, task_id)).keep, undefined);
  assertEquals(problems, []);
});

Deno.test("a task's page lists its attempts, with the start and the error of each", async () => {
  await using app = await testApp();
  const { task_id } = await submit(app.url, "throws", { attempts: 3, message: "no route to db" }, {
    max_attempts: 5,
  });
  await using visited = await visit(app.url, task_id);
  const { page, problems } = visited;
  await until(page, ".step-name", (names) =>
    assertEquals(names, [
      "Queued",
      "Attempt 1",
      "Waiting to retry",
      "Attempt 2",
      "Waiting to retry",
      "Attempt 3",
      "Completed",
    ]));
  assertEquals(await texts(page, ".step-error"), Array(2).fill("RangeError: no route to db"));
  const times = await texts(page, ".step-at");
  assertEquals(times.length, 7);
  for (const time of times) assertMatch(time, /^\d\d:\d\d:\d\d$/);
  assertEquals(await figure(page, "Attempt"), "3 of 5");
  assertEquals(problems, []);
});

Deno.test("the page of a task that waits for its next attempt shows the time left and the last error", async () => {
  await using app = await testApp();
  const slow = await submit(app.url, "slow-retry");
  await taskWhen(
    app.url,
    slow.task_id,
    ({ status, attempt }) => status === "pending" && attempt === 1,
  );
  await using visited = await visit(app.url, slow.task_id);
  const { page, problems } = visited;
  await until(
    page,
    ".notice",
    ([text]) => assertMatch(text!, /^Attempt 1 failed. The next one starts in /),
  );
  await until(page, ".time-left", ([text]) => assertMatch(text!, /^next attempt in /));
  await holds(page, ".outcome-error", "not yet");
  assertEquals((await texts(page, ".outcome-error h2"))[0], "Last error");
  await until(page, ".step-now .step-took", ([time]) => assertMatch(time!, /^until \d\d:/));
  assertEquals(problems, []);
});

Deno.test("a task's page shows its place in the queue until it runs, and the steps of its cancel", async () => {
  await using app = await testApp({ HEADWAY_CONCURRENCY: "1" });
  // The server estimates the start from how long earlier tasks of the kind took.
  openGate("before the line");
  for (let n = 0; n < 3; n++) {
    const { task_id } = await submit(app.url, "gated", { gate: "before the line" });
    await finished(app.url, task_id);
  }
  const first = await submit(app.url, "gated", { gate: "line" });
  await taskWhen(app.url, first.task_id, ({ status }) => status === "running");
  const second = await submit(app.url, "gated", { gate: "line" });
  const third = await submit(app.url, "gated", { gate: "line" });
  await using visited = await visit(app.url, third.task_id);
  const { page, problems } = visited;
  await until(page, ".progress-figure", ([text]) => assertEquals(text, "1 ahead in the queue"));
  assertEquals(await figure(page, "Queue position"), "1 ahead");
  await until(page, ".time-left", ([text]) => assertMatch(text!, /^likely to start /));
  await (await post(`${app.url}/tasks/${second.task_id}/cancel`)).body?.cancel();
  await until(page, ".progress-figure", ([text]) => assertEquals(text, "Next in the queue"));
  await (await post(`${app.url}/tasks/${first.task_id}/cancel`)).body?.cancel();
  await until(page, ".task-title .pill", ([text]) => assertEquals(text, "Running"));
  await press(page, "Cancel");
  await until(page, ".task-title .pill", ([text]) => assertEquals(text, "Canceled"));
  await until(
    page,
    ".step-name",
    (names) => assertEquals(names, ["Queued", "Attempt 1", "Canceling", "Canceled"]),
  );
  assertEquals(problems, []);
});

Deno.test("the page of a task that ignores its cancel says how long ago it was asked to stop", async () => {
  await using app = await testApp({}, { killAfterMs: HANG_MS });
  const { task_id } = await submit(app.url, "ignores-cancel", { gate: "asked" });
  await using visited = await visit(app.url, task_id);
  const { page, problems } = visited;
  await holds(page, ".progress-message", "deaf");
  await press(page, "Cancel");
  await until(
    page,
    ".notice",
    ([text]) => assertMatch(text!, /^Asked to stop (\d.* ago|just now)\./),
  );
  await page.waitForSelector(".progress-canceling .bar");
  await until(page, ".step-now .step-name", ([name]) => assertEquals(name, "Canceling"));
  openGate("asked");
  await until(page, ".task-title .pill", ([text]) => assertEquals(text, "Canceled"));
  assertEquals(await texts(page, ".notice"), []);
  assertEquals(problems, []);
});

Deno.test("a task's page shows its worker, input and checkpoint, and that it was interrupted", async () => {
  await using gate = closedGate();
  await using directory = await tempDir();
  const kv = `${directory.path}/test.db`;
  await using first = await startServer({ kv });
  const port = new URL(first.url).port;
  const input = { steps: 400, interval_ms: 50, gate: gate.url };
  const { task_id } = await submit(first.url, "steps", input, { timeout_ms: 600_000 });
  await using visited = await visit(first.url, task_id);
  const { page } = visited;
  await eventually(async () => {
    assertEquals(await figure(page, "Process"), String(first.process.pid));
    assertEquals(await figure(page, "Runs on"), Deno.hostname());
    assertEquals(await figure(page, "Worker last seen"), "just now");
    assertEquals(await figure(page, "Time limit"), "10m");
  });
  assertEquals(await texts(page, ".side-value[aria-label=Input] dd"), ["400", "50", gate.url]);
  await until(
    page,
    ".side-value[aria-label=Checkpoint]",
    ([text]) => assertMatch(text!, /^step\s+\d+$/),
  );
  await first.kill();
  // While no server answers, the worker's last sign of life grows old.
  await page.waitForSelector(".life-silent");
  await using second = await startServer({ kv, env: { HEADWAY_PORT: port } });
  await until(page, ".step-name", (names) =>
    assertEquals(names, [
      "Queued",
      "Attempt 1",
      "Interrupted",
      "Attempt 1 resumed",
    ]));
  await eventually(async () => {
    assertEquals(await figure(page, "Process"), String(second.process.pid));
    assertEquals(await figure(page, "Interrupted"), "once");
  });
  await holds(page, ".log-rows", "Interrupted");
});

Deno.test("a task's page shows its outputs apart from the log, and downloads all of them", async () => {
  await using app = await testApp();
  const values = [{ country: "DE", orders: 12_034 }, { list: [{ deep: true }] }, "text", 7, null];
  const { task_id } = await submit(app.url, "outputs", { values });
  await finished(app.url, task_id);
  await using visited = await visit(app.url, task_id);
  const { page, problems } = visited;
  await until(page, ".output", (rows) =>
    assertEquals(rows.map((row) => row.replace(/\s+/g, " ")), [
      "country DE orders 12,034",
      '{"list":[{"deep":true}]}',
      '"text"',
      "7",
      "null",
    ]));
  const file = await download(page, "Download all outputs", `outputs-${task_id}.jsonl`);
  assertEquals(file.trimEnd().split("\n").map((line) => JSON.parse(line)), values);
  assertEquals(problems, []);
});

Deno.test("a task's page removes the outputs that a rewind takes back, and its log says so", async () => {
  await using app = await testApp();
  const { task_id } = await submit(app.url, "puts-again", { gate: "page" });
  await using visited = await visit(app.url, task_id);
  const { page, problems } = visited;
  await holds(page, ".log-rows", "Running");
  openGate("page");
  for (let visits = 0; visits < 2; visits++) {
    await holds(page, ".log-rows", "Completed");
    await until(page, ".output", (rows) => assertEquals(rows, ['"a"', '"b"']));
    assertEquals((await texts(page, ".log-output .log-text")).length, 2);
    const [told, ...more] = await texts(page, ".log-rewind .log-text");
    assertEquals(more, []);
    assertStringIncludes(told!, "outputs since the last checkpoint no longer count");
    await page.reload();
  }
  assertEquals(problems, []);
});

Deno.test("a task's page lists its artifacts as they are stored, and downloads one", async () => {
  await using app = await testApp();
  const gate = crypto.randomUUID();
  const files = [{ name: "a 'ü'.csv", size: 1200, seed: 1 }, { name: "b.bin", size: 2, gate }];
  const { task_id } = await submit(app.url, "files", { files });
  await using visited = await visit(app.url, task_id);
  const { page, problems } = visited;
  const listed = (expected: string[]) =>
    until(page, ".artifacts li", (found) => {
      assertEquals(found.map((text) => text.replace(/\s+/g, " ")), expected);
    });
  await listed(["a 'ü'.csv 1.2 kB"]);
  openGate(gate);
  await listed(["a 'ü'.csv 1.2 kB", "b.bin 2 B"]);
  const bytes = await downloadBytes(page, "Download a 'ü'.csv", "a 'ü'.csv");
  assertEquals(bytes, bytesOf(1200, 1));
  assertEquals(problems, []);
});

Deno.test("a log of more rows than the page keeps is drawn in part, and downloaded whole", async () => {
  await using app = await testApp({ HEADWAY_MAX_LOG: "20000" });
  const { task_id } = await submit(app.url, "log-many", { rows: 13_000 });
  await finished(app.url, task_id);
  await using visited = await visit(app.url, task_id);
  const { page, problems } = visited;
  await holds(page, ".log-rows", "row 13000");
  assert(await drawn(page) < 500);
  await eventually(async () => assert(await below(page) < 2));
  await page.$eval(".log-rows", (log) => log.scrollTop = 0);
  await page.waitForSelector(".follow[aria-pressed=false]");
  await until(
    page,
    ".log-note",
    ([text]) => assertMatch(text!, /^1,\d\d\d earlier rows are not shown/),
  );
  assert(await drawn(page) < 500);
  const lines = (await download(page, "Download the whole log", `log-many-${task_id}.log`))
    .trimEnd().split("\n");
  assertEquals(
    lines.filter((line) => line.includes(" INFO ")).map((line) => line.slice(32)),
    Array.from({ length: 13_000 }, (_, n) => `row ${n + 1}`),
  );
  assertEquals(lines.filter((line) => line.includes(" STATE ")).map((line) => line.slice(32)), [
    "Queued",
    "Running · attempt 1",
    "Completed · attempt 1",
  ]);
  assertEquals(problems, []);
});

Deno.test("a log of 10,000 rows can be read, searched and followed while more arrive", async () => {
  await using app = await testApp();
  const live = await submit(app.url, "log-many", { rows: 10_000, gate: "more" });
  await using visited = await visit(app.url, live.task_id);
  const { page, problems } = visited;
  await holds(page, ".log-rows", "row 5000");
  // At first the log follows its end.
  await eventually(async () => assert(await below(page) < 2));
  // After the user has scrolled up, new rows do not move the log.
  const log = (await page.$(".log-rows"))!;
  const before = await firstSeen(page);
  await log.hover();
  await page.mouse.wheel({ deltaY: -1500 });
  await page.waitForSelector(".follow[aria-pressed=false]");
  // The browser scrolls a moment later.
  const seen = await eventually(async () => {
    const once = await firstSeen(page);
    assertNotEquals(once, before);
    assertEquals(await firstSeen(page), once);
    assertMatch(once.text, /^row \d+$/);
    return once;
  });
  const rows = await drawnTotal(page);
  openGate("more");
  await eventually(async () => assertGreater(await drawnTotal(page), rows + 400));
  assertEquals(await firstSeen(page), seen);
  // A search shows only the rows that contain the text, and marks it there.
  await page.keyboard.press("/");
  await page.keyboard.type("row 21");
  await until(page, ".log-row mark", (marks) => {
    assertGreater(marks.length, 9);
    assert(marks.every((mark) => mark === "row 21"));
  });
  await until(page, ".log-count", ([text]) => assertMatch(text!, /^\d+ of [\d,]+ rows$/));
  await page.keyboard.press("Escape");
  await until(page, ".log-row mark", (marks) => assertEquals(marks, []));
  await page.keyboard.press("Escape");
  // The key `f` jumps to the end, and the log stays there until the last row.
  await page.keyboard.press("f");
  await finished(app.url, live.task_id);
  await holds(page, ".log-rows", "row 10000");
  await until(page, ".log-count", ([text]) => assertEquals(text, "10,003 rows"));
  assert(await below(page) < 2);
  assert(await drawn(page) < 500);
  assertEquals(problems, []);
});

/** How many rows the log has, drawn or not. */
async function drawnTotal(page: Page): Promise<number> {
  const [text] = await texts(page, ".log-count");
  return Number(text!.replace(/\D/g, ""));
}

Deno.test("a log shows a level and those above it, by click and by key, and copies the shown rows", async () => {
  await using app = await testApp();
  const { task_id } = await submit(app.url, "levels");
  await finished(app.url, task_id);
  await using visited = await visit(app.url, task_id);
  const { page, problems } = visited;
  const said = () => texts(page, ".log-rows .log-row bdi:first-of-type");
  await holds(page, ".log-rows", "Completed");
  assertEquals((await said()).length, 7);
  await press(page, "Warnings 1");
  await eventually(async () => assertEquals(await said(), ["a warning", "an error"]));
  await page.keyboard.press("l");
  await eventually(async () => assertEquals(await said(), ["an error"]));
  await allowClipboard(page);
  await page.keyboard.press("c");
  await eventually(async () =>
    assertMatch(await clipboard(page), /^\S+Z ERROR {2}an error \{"code":7\}$/)
  );
  await page.keyboard.press("l");
  await eventually(async () => assertEquals((await said()).length, 7));
  await page.keyboard.press("l");
  await eventually(async () => assert(!(await said()).includes("a detail")));
  await page.keyboard.press("/");
  await page.keyboard.type("nowhere to be found");
  await until(page, ".log-note", ([text]) => assertEquals(text, "No matching rows"));
  assertEquals(problems, []);
});

Deno.test("a task's page copies a result by click, and an error by key", async () => {
  await using app = await testApp();
  const well = await submit(app.url, "echo", { rows: 7, name: "Ada" }, { keep: 86_400_000 });
  const badly = await submit(app.url, "throws", { message: "no such host" });
  await finished(app.url, well.task_id);
  await finished(app.url, badly.task_id);
  await using visited = await visit(app.url, well.task_id);
  const { page, problems } = visited;
  await allowClipboard(page);
  await until(page, ".outcome dd", (values) => assertEquals(values, ["7", "Ada"]));
  await holds(page, ".facts", "Kept\nuntil ");
  await eventually(async () => {
    await page.click("#copy-outcome");
    await until(page, "#copy-outcome", ([text]) => assertEquals(text, "Copied"), 1000);
    assertEquals(JSON.parse(await clipboard(page)), { rows: 7, name: "Ada" });
  });
  await page.goto(`${app.url}/?task_id=${badly.task_id}`, { waitUntil: "domcontentloaded" });
  await holds(page, ".outcome-error", "no such host");
  await eventually(async () => {
    await page.keyboard.press("r");
    // A user who may see the code also gets the stack.
    assert(/^RangeError: no such host\n\s+at /.test(await clipboard(page)));
  });
  await page.keyboard.press("?");
  await holds(page, ".help[open]", "Follow the log on or off");
  await holds(page, ".help[open]", "Tasks are kept for\n7d");
  await page.keyboard.press("Escape");
  await until(page, "dialog", (open) => assertEquals(open, []));
  await page.keyboard.press("u");
  await until(page, "h1", ([text]) => assertEquals(text, "Tasks"));
  assertEquals(problems, []);
});

const HOSTILE = [
  "<script>document.title='owned'</script>",
  "<img src=x onerror=\"document.title='owned'\">",
  "\u202egnirts desrever\u2066",
  "👩‍👩‍👧‍👦🏴‍☠️ Zalgo Z\u0351\u036b\u0343",
  "one\r\ntwo\rthree\u0000four\u001b[31m",
  "__proto__",
  "w".repeat(2000),
];

Deno.test("a task's page shows hostile strings as text in its input, outcome, outputs, log and stages", async () => {
  await using app = await testApp();
  const input = { texts: HOSTILE, throws: true };
  const bad = await submit(app.url, "says", input);
  const good = await submit(app.url, "says", { texts: HOSTILE });
  const long = await submit(app.url, "says", { texts: ["進".repeat(4000)] });
  for (const { task_id } of [bad, good, long]) await finished(app.url, task_id);
  for (const width of [1280, 390]) {
    await using visited = await visit(app.url, bad.task_id, { width });
    const { page, problems } = visited;
    for (const { task_id } of [bad, good, long]) {
      await page.goto(`${app.url}/?task_id=${task_id}`, { waitUntil: "domcontentloaded" });
      await page.waitForSelector(".side-value[aria-label=Input]");
      await page.waitForSelector(".outcome");
      await page.waitForSelector(".stage");
      await page.waitForSelector(".step");
      await page.waitForSelector(".output");
      await page.waitForSelector(".log-log");
      const found = await page.evaluate(() => ({
        built: document.querySelectorAll("main img, main script").length,
        title: document.title.includes("owned"),
        width: document.documentElement.scrollWidth,
      }));
      assertEquals(found, { built: 0, title: false, width });
    }
    await page.goto(`${app.url}/?task_id=${bad.task_id}`, { waitUntil: "domcontentloaded" });
    for (const place of [".side-value", ".outcome-error", ".output", ".log-log"]) {
      await holds(page, place, HOSTILE[0]!);
    }
    await until(page, ".stage-name", (names) => assertEquals(names.at(-1), "w".repeat(64)));
    assertEquals(problems, []);
  }
});

Deno.test("a log row of 47 kB is shown in part, and whole on request", async () => {
  await using app = await testApp();
  const { task_id } = await submit(app.url, "log-many", { rows: 300, bytes: 47_000 });
  await finished(app.url, task_id);
  await using visited = await visit(app.url, task_id);
  const { page, problems } = visited;
  await holds(page, ".log-rows", "row 300");
  const lengths = async () => (await texts(page, ".log-log .log-data")).map((text) => text.length);
  assert((await lengths()).every((length) => length < 1100));
  const [label] = (await texts(page, ".log-log .link")).slice(-1);
  assertMatch(label!, /^Show all 47/);
  await page.$$eval(".log-log .link", (links) => (links.at(-1) as HTMLElement).click());
  await eventually(async () => assertGreater(Math.max(...await lengths()), 47_000));
  assertEquals(problems, []);
});
