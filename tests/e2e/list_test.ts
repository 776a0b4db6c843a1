import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { ElementHandle, Page } from "puppeteer-core";
import { finished, getTask, submit, taskWhen } from "../helpers/api.ts";
import { violations } from "../helpers/axe.ts";
import { TestBrowser, type TestPage } from "../helpers/browser.ts";
import { eventually } from "../helpers/eventually.ts";
import { testApp } from "../helpers/server.ts";

/** The kinds of the rows that are drawn: those on the screen and near it. */
function kinds(page: Page): Promise<string[]> {
  return page.$$eval(".row-kind", (found) => found.map((kind) => kind.textContent ?? ""));
}

function search(page: Page): string {
  return decodeURIComponent(new URL(page.url()).search);
}

async function rowsAre(page: Page, wanted: string[]): Promise<void> {
  await eventually(async () => assertEquals(await kinds(page), wanted), { interval: 25 });
}

async function press(page: Page, selector: string, text: string): Promise<void> {
  const handle = await eventually(async () => {
    for (const found of await page.$$(selector)) {
      const shown = await found.evaluate((element) => (element as HTMLElement).innerText);
      if (shown.startsWith(text)) return found;
    }
    throw new Error(`There is no ${selector} that reads ${text}`);
  });
  await settled(handle);
  await handle.click();
}

/** Waits until an element stays in place: content that arrives late could move it off the click. */
async function settled(handle: ElementHandle): Promise<void> {
  await handle.evaluate(async (element) => {
    const place = () => JSON.stringify(element.getBoundingClientRect());
    let last = place();
    for (let same = 0; same < 5;) {
      await new Promise((resolve) => requestAnimationFrame(resolve));
      same = place() === last ? same + 1 : 0;
      last = place();
    }
  });
}

async function reads(page: Page, selector: string, text: string): Promise<void> {
  await eventually(async () => {
    const shown = await page.$eval(selector, (found) => (found as HTMLElement).innerText);
    assertEquals(shown.trim(), text);
  });
}

/** The id of the task whose row has the focus. */
function focused(page: Page): Promise<string | undefined> {
  return page.evaluate(() => (document.activeElement as HTMLElement).dataset.id);
}

function rowCount(page: Page): Promise<number> {
  return page.$eval("[role=grid]", (grid) => Number(grid.getAttribute("aria-rowcount")));
}

/** The first row below the page's header, and its distance from the top of the window. */
function firstSeen(page: Page): Promise<{ id: string; top: number }> {
  return page.evaluate(() => {
    const rows = [...document.querySelectorAll<HTMLElement>(".row")]
      .map((row) => ({ id: row.dataset.id!, top: Math.round(row.getBoundingClientRect().top) }))
      .filter(({ top }) => top >= 64)
      .sort((one, other) => one.top - other.top);
    return rows[0]!;
  });
}

interface Visit extends AsyncDisposable, Pick<TestPage, "page" | "problems"> {}

async function visit(url: string, width = 1280): Promise<Visit> {
  const browser = await TestBrowser.launch();
  const { page, problems } = await browser.open(url, { width });
  return { page, problems, [Symbol.asyncDispose]: () => browser[Symbol.asyncDispose]() };
}

Deno.test("the list keeps its filters in the address, and pauses and resumes the kind in its filter", async () => {
  await using app = await testApp();
  const { task_id } = await submit(app.url, "throws", { message: "no such host" });
  await finished(app.url, task_id);
  await submit(app.url, "waits");
  await submit(app.url, "echo", 1);
  await using visited = await visit(`${app.url}/?status=failed,running`);
  const { page, problems } = visited;
  await rowsAre(page, ["waits", "throws"]);
  await eventually(async () =>
    assertEquals(
      await page.$$eval(".count-figure", (found) => found.map((one) => one.textContent)),
      ["1", "0", "0", "1", "1", "0"],
    )
  );
  await press(page, ".count", "Failed");
  await rowsAre(page, ["throws"]);
  assertEquals(search(page), "?status=failed");
  await press(page, ".count", "All");
  await rowsAre(page, ["echo", "waits", "throws"]);
  await page.select("select[aria-label=Kind]", "echo");
  await rowsAre(page, ["echo"]);
  assertEquals(search(page), "?kind=echo");
  await page.goBack();
  await rowsAre(page, ["echo", "waits", "throws"]);
  await page.goBack();
  await rowsAre(page, ["throws"]);
  await page.goForward();
  await rowsAre(page, ["echo", "waits", "throws"]);
  // A search runs while the user types, without a history entry for each letter.
  await page.locator("#search").fill("SUCH host");
  await rowsAre(page, ["throws"]);
  assertEquals(search(page), "?q=SUCH+host");
  // It stays after a visit to a task, and after a reload there.
  await press(page, ".row-link", "throws");
  await page.waitForSelector(".task-title");
  await page.reload({ waitUntil: "domcontentloaded" });
  await press(page, ".back", "All tasks");
  await rowsAre(page, ["throws"]);
  assertEquals(search(page), "?q=SUCH+host");
  await submit(app.url, "throws", { message: "no such host either" });
  await submit(app.url, "echo", 2);
  await rowsAre(page, ["throws", "throws"]);
  await page.reload({ waitUntil: "domcontentloaded" });
  await rowsAre(page, ["throws", "throws"]);
  await page.goto(`${app.url}/?since=custom&to=2020-01-01T00:00:00.000Z`, {
    waitUntil: "domcontentloaded",
  });
  await press(page, ".empty .button", "Clear filters");
  await eventually(async () => assertEquals((await kinds(page)).length, 5));
  assertEquals(search(page), "");

  // Owners and tags are chips: in a row they add a filter, and above the list they remove it.
  const labels = { owner: "acme & co", tags: ["eu", "夜间"] };
  const theirs = await submit(app.url, "says", { texts: ["x"] }, labels);
  await submit(app.url, "waits", null, { tags: ["eu"] });
  // A row that arrives meanwhile would move the chip away from the click.
  await eventually(async () => assertEquals((await kinds(page)).length, 7));
  await press(page, ".row .chip-owner", "acme & co");
  await rowsAre(page, ["says"]);
  assertEquals(search(page), "?owner=acme+&+co");
  await press(page, ".row .chip", "eu");
  await press(page, ".filter-chips .chip", "acme & co");
  await rowsAre(page, ["waits", "says"]);
  assertEquals(search(page), "?tag=eu");
  await eventually(async () =>
    assertEquals(
      await page.$$eval(".count-figure", (found) => found.map((one) => one.textContent)),
      ["1", "0", "0", "1", "0", "0"],
    )
  );
  // The filter also applies to tasks that arrive later.
  await submit(app.url, "echo", 3, { tags: ["us"] });
  await submit(app.url, "says", { texts: [] }, { tags: ["eu"] });
  await rowsAre(page, ["says", "waits", "says"]);
  assertEquals(await violations(page, "filtered", ["wcag2a", "wcag2aa", "wcag22aa"]), []);
  await page.setViewport({ width: 390, height: 800 });
  await page.goto(`${app.url}/?task_id=${theirs.task_id}`, { waitUntil: "domcontentloaded" });
  // The parts of the task's page arrive one after another.
  await page.waitForSelector(".connection-live");
  await press(page, ".fact .chip", "夜间");
  await rowsAre(page, ["says"]);
  assertEquals(search(page), "?tag=夜间");
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  assertEquals(width, 390);
  assertEquals(await violations(page, "narrow", ["wcag2a", "wcag2aa", "wcag22aa"]), []);

  // The kind in the filter can be paused, and every paused kind can be resumed.
  await page.goto(`${app.url}/?kind=says`, { waitUntil: "domcontentloaded" });
  await press(page, ".pause-button", "Pause");
  await page.locator(".pause-dialog input").fill("nobody listens");
  await press(page, ".pause-dialog .button", "Pause");
  const paused = async (selector: string) =>
    await page.$$eval(
      selector,
      (found) => found.map((one) => one.textContent.replace(/\d+:\d\d:\d\d( [AP]M)?/, "…")),
    );
  await eventually(async () =>
    assertEquals(await paused(".paused-kind .text"), [
      "says has been paused since …: “nobody listens”. No tasks are running.",
    ])
  );
  assertEquals(await page.$(".pause-button"), null);
  assertEquals(await violations(page, "paused", ["wcag2a", "wcag2aa", "wcag22aa"]), []);
  const held = await submit(app.url, "says", { texts: [] });
  await page.goto(`${app.url}/?task_id=${held.task_id}`, { waitUntil: "domcontentloaded" });
  await eventually(async () =>
    assertEquals(await paused(".notice .text, .notice span"), [
      "says has been paused since …: “nobody listens”. The task starts once the kind is resumed.",
    ])
  );
  await press(page, ".back", "All tasks");
  await press(page, ".paused-kind .button", "Resume");
  await finished(app.url, held.task_id);
  await eventually(async () => assertEquals(await paused(".paused-kind"), []));

  await page.goto(`${app.url}/?kind=says`, { waitUntil: "domcontentloaded" });
  await press(page, ".history-button", "History");
  await eventually(async () =>
    assertEquals(await paused(".history-dialog .step-name, .step-reason"), [
      "Resumed",
      "Paused",
      "nobody listens",
    ])
  );
  assertEquals(await violations(page, "history", ["wcag2a", "wcag2aa", "wcag22aa"]), []);
  assertEquals(problems, []);
});

Deno.test("the list removes a row that no longer matches, but not while the pointer is on it", async () => {
  await using app = await testApp();
  const { task_id } = await submit(app.url, "waits");
  await using visited = await visit(`${app.url}/?status=running`);
  const { page, problems } = visited;
  await rowsAre(page, ["waits"]);
  await page.hover(".row");
  const canceled = await fetch(`${app.url}/tasks/${task_id}/cancel`, { method: "POST" });
  await canceled.body?.cancel();
  await page.waitForSelector(".row-leaving");
  await page.mouse.move(5, 5);
  await page.waitForSelector(".empty");
  assertEquals(problems, []);
});

Deno.test("the list works by keyboard alone", async () => {
  await using app = await testApp();
  const ids: string[] = [];
  for (let n = 0; n < 40; n++) ids.unshift((await submit(app.url, "echo", n)).task_id);
  for (const id of ids) await finished(app.url, id);
  await using visited = await visit(app.url);
  const { page, problems } = visited;
  await eventually(async () => assertEquals(await rowCount(page), 40));
  const at = (n: number) =>
    eventually(async () => assertEquals(await focused(page), ids[n]), { interval: 25 });
  await page.keyboard.press("j");
  await at(0);
  await page.keyboard.press("j");
  await at(1);
  await page.keyboard.press("ArrowDown");
  await at(2);
  await page.keyboard.press("k");
  await at(1);
  await page.keyboard.press("End");
  await at(39);
  await page.keyboard.press("Home");
  await at(0);
  assertEquals(await page.$$eval(".row[tabindex='0']", (found) => found.length), 1);
  await page.keyboard.press("x");
  await page.keyboard.down("Shift");
  await page.keyboard.press("ArrowDown");
  await at(1);
  await page.keyboard.press("ArrowDown");
  await page.keyboard.up("Shift");
  await at(2);
  const bulk = () => page.$$eval(".bulk-count", (found) => found.map((one) => one.textContent));
  await eventually(async () => assertEquals(await bulk(), ["3 selected"]));
  await page.keyboard.press("Escape");
  await eventually(async () => assertEquals(await bulk(), []));
  await page.keyboard.press("?");
  await page.waitForSelector("dialog.help[open]");
  await page.keyboard.press("Escape");
  await page.waitForSelector("dialog.help", { hidden: true });
  await page.keyboard.press("/");
  assertEquals(await page.evaluate(() => document.activeElement!.id), "search");
  await page.keyboard.type("x?j");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Escape");
  await eventually(async () => assertEquals(await rowCount(page), 40));
  await page.keyboard.press("j");
  await at(2);
  // The focus stays on its row while the rows around it change.
  const deleted = await fetch(`${app.url}/tasks/${ids[1]}`, { method: "DELETE" });
  await deleted.body?.cancel();
  await submit(app.url, "echo", "new");
  await eventually(async () => assertEquals((await firstSeen(page)).id === ids[0], false));
  await at(2);
  // When that row is deleted, the focus moves to the next one.
  const gone = await fetch(`${app.url}/tasks/${ids[2]}`, { method: "DELETE" });
  await gone.body?.cancel();
  await at(3);
  await page.keyboard.press("Enter");
  await page.waitForSelector(".task-title");
  assertEquals(search(page), `?task_id=${ids[3]}`);
  // Back from the task, the focus is on the row that was opened.
  await page.keyboard.press("u");
  await at(3);
  assertEquals(problems, []);
});

Deno.test("the list asks before it cancels, retries or deletes many tasks, and changes no others", async () => {
  await using app = await testApp();
  const ids: string[] = [];
  for (let n = 0; n < 3; n++) {
    const { task_id } = await submit(app.url, "waits");
    await taskWhen(app.url, task_id, ({ status }) => status === "running");
    ids.push(task_id);
  }
  const { task_id: done } = await submit(app.url, "echo", 1);
  await finished(app.url, done);
  await using visited = await visit(app.url);
  const { page, problems } = visited;
  await rowsAre(page, ["echo", "waits", "waits", "waits"]);
  for (const id of ids) await page.click(`#row-${id} input`);
  await press(page, ".bulk .button", "Cancel 3");
  await reads(page, "#bulk-question", "Cancel 3 running?");
  await page.keyboard.press("Escape");
  await page.waitForSelector("#bulk-question", { hidden: true });
  await press(page, ".bulk .button", "Cancel 3");
  await page.waitForSelector("#bulk-question");
  await press(page, ".bulk .button", "Cancel 3");
  for (const id of ids) await taskWhen(app.url, id, ({ status }) => status === "canceled");
  await page.waitForSelector(".bulk", { hidden: true });
  const tick = `#row-${done} input`;
  const isTicked = () => page.$eval(tick, (box) => (box as HTMLInputElement).checked);
  for (const ticked of [true, false, true]) {
    await page.click(tick);
    await eventually(async () => assertEquals(await isTicked(), ticked));
  }
  // Selecting a range that ends where it begins changes nothing.
  await page.keyboard.down("Shift");
  await page.click(tick);
  await page.keyboard.up("Shift");
  await eventually(async () => assertEquals(await isTicked(), true));
  for (const count of ["0", "1"]) {
    await page.keyboard.press("Space");
    const picked = () => page.$$eval(".row[aria-selected=true]", (found) => String(found.length));
    await eventually(async () => assertEquals(await picked(), count));
  }
  await press(page, ".bulk .link", "Select all 4");
  const { seq } = await getTask(app.url, done);
  await press(page, ".bulk .button", "Retry 3");
  await reads(page, "#bulk-question", "Retry 3 canceled?");
  await reads(page, "#bulk-left", "Left alone: 1 completed.");
  await press(page, ".bulk .button", "Retry 3");
  for (const id of ids) await taskWhen(app.url, id, ({ status }) => status === "running");
  await page.waitForSelector(".bulk", { hidden: true });
  assertEquals((await getTask(app.url, done)).seq, seq);
  await page.click(`#row-${done} input`);
  await press(page, ".bulk .button", "Delete 1");
  await reads(page, "#bulk-question", "Delete 1 completed?");
  await press(page, ".bulk .button", "Delete 1");
  await rowsAre(page, ["waits", "waits", "waits"]);
  // An action on all matching tasks, loaded or not, first counts them.
  await page.select("select[aria-label=Kind]", "waits");
  await page.click("#all-matching");
  await press(page, ".bulk .button", "Delete…");
  await reads(page, "#bulk-question", "None of them can be deleted");
  await reads(page, "#bulk-left", "Left alone: 3 running.");
  await page.keyboard.press("Escape");
  await press(page, ".bulk .button", "Cancel…");
  await reads(page, "#bulk-question", "Cancel 3 tasks?");
  // A task that is submitted after the question is not changed.
  const { task_id: since } = await submit(app.url, "waits");
  await taskWhen(app.url, since, ({ status }) => status === "running");
  await press(page, ".bulk .button", "Cancel 3");
  await reads(page, ".bulk-ask", "Requested cancellation of 3 tasks");
  for (const id of ids) await taskWhen(app.url, id, ({ status }) => status === "canceled");
  assertEquals((await getTask(app.url, since)).status, "running");
  await press(page, ".bulk .button", "Close");
  await page.click("#all-matching");
  await press(page, ".bulk .button", "Retry…");
  await reads(page, "#bulk-left", "Left alone: 1 running.");
  await press(page, ".bulk .button", "Retry 3");
  await reads(page, ".bulk-ask", "Retried 3 tasks");
  for (const id of ids) await taskWhen(app.url, id, ({ status }) => status === "running");
  // When all loaded tasks are deleted, older ones are loaded.
  await Promise.all(Array.from({ length: 120 }, async () => {
    const { task_id } = await submit(app.url, "echo", 1, { delay_ms: 3_600_000 });
    await app.engine.store.cancel(task_id);
  }));
  await page.select("select[aria-label=Kind]", "echo");
  await eventually(async () => assertEquals(await rowCount(page), 100));
  await page.click(".row input");
  await press(page, ".bulk .link", "Select all 100");
  await press(page, ".bulk .button", "Delete 100");
  await page.waitForSelector("#bulk-question");
  await press(page, ".bulk .button", "Delete 100");
  await eventually(async () => assertEquals(await rowCount(page), 20));
  // Another filter clears the selection.
  await page.select("select[aria-label=Kind]", "");
  await page.waitForSelector(".bulk", { hidden: true });
  // Tasks that the server refuses stay selected, and the page shows why.
  await page.setRequestInterception(true);
  page.on("request", (request) => {
    if (!request.url().endsWith("/tasks/bulk")) return void request.continue();
    const { ids } = JSON.parse(request.postData()!) as { ids: string[] };
    const results = ids.map((task_id, n) =>
      n === 0 ? { task_id, ok: true, status: "running" } : { task_id, ok: false, error: "No way" }
    );
    void request.respond({ contentType: "application/json", body: JSON.stringify({ results }) });
  });
  // The rows of all kinds are loaded again.
  for (const id of ids) await page.waitForSelector(`#row-${id} input`);
  for (const id of ids) await page.click(`#row-${id} input`);
  await press(page, ".bulk .button", "Cancel 3");
  await page.waitForSelector("#bulk-question");
  await press(page, ".bulk .button", "Cancel 3");
  await page.waitForSelector(".bulk-problem");
  const told = await page.$eval(".bulk", (bar) => (bar as HTMLElement).innerText);
  assertStringIncludes(told, "2 of 3 failed:");
  assertStringIncludes(told, "No way");
  assertStringIncludes(told, "2 selected");
  assertEquals(problems, []);
});

Deno.test("the list does not move while the user has scrolled down or selected a row", async () => {
  await using app = await testApp();
  for (let n = 0; n < 60; n++) await submit(app.url, "echo", n);
  await using visited = await visit(app.url);
  const { page, problems } = visited;
  await eventually(async () => assertEquals(await rowCount(page), 60));
  await page.evaluate(() => scrollTo(0, 1200));
  await eventually(async () => assert((await firstSeen(page)).top < 130));
  const before = await firstSeen(page);
  const pill = () => page.$$eval(".fresh-pill", (found) => found.map((one) => one.textContent));
  for (let n = 0; n < 12; n++) await submit(app.url, "says", { texts: [] });
  await eventually(async () => assertEquals(await pill(), ["12 new"]));
  assertEquals(await firstSeen(page), before);
  assertEquals(await page.evaluate(() => scrollY), 1200);
  assertEquals(await rowCount(page), 60);
  await page.click(".fresh-pill");
  await eventually(async () => assertEquals((await kinds(page)).slice(0, 2), ["says", "says"]));
  assertEquals(await rowCount(page), 72);
  await eventually(async () => assertEquals(await page.evaluate(() => scrollY), 0));
  // At the top, new rows are added by themselves unless a row is selected.
  await submit(app.url, "steps", { steps: 0 });
  await eventually(async () => assertEquals((await kinds(page))[0], "steps"));
  await page.click(".row input");
  await submit(app.url, "echo", 1);
  await eventually(async () => assertEquals(await pill(), ["1 new"]));
  assertEquals((await kinds(page))[0], "steps");
  await page.keyboard.press("Escape");
  await eventually(async () => assertEquals((await kinds(page))[0], "echo"));
  assertEquals(await pill(), []);
  // Back from a task, the list has the same scroll position.
  await page.evaluate(() => scrollTo(0, 1500));
  await eventually(async () => assert((await firstSeen(page)).top < 130));
  const place = await firstSeen(page);
  await page.click(`#row-${place.id} .row-link`);
  await page.waitForSelector(".task-title");
  await page.goBack();
  await page.waitForSelector(".row");
  await eventually(async () => assertEquals(await firstSeen(page), place));
  assertEquals(problems, []);
});

Deno.test("the list scrolls to the end of 10,000 tasks with few rows in the document", async () => {
  await using app = await testApp({ HEADWAY_LOG: "error" });
  const later = { delay_ms: 3_600_000 };
  for (let n = 0; n < 10_000; n += 250) {
    await Promise.all(Array.from({ length: 250 }, () => submit(app.url, "echo", n, later)));
  }
  await using visited = await visit(app.url);
  const { page, problems } = visited;
  await page.waitForSelector(".row");
  let most = 0;
  await eventually(async () => {
    await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
    most = Math.max(most, await page.$$eval(".row", (found) => found.length));
    assertEquals(await rowCount(page), 10_000);
  }, { interval: 5 });
  await page.waitForSelector(".row[aria-rowindex='10000']");
  assert(most < 80, `${most} rows were drawn`);
  await eventually(async () =>
    assertEquals(
      await page.$eval(".status-pending .count-figure", (count) => count.textContent),
      "10,000+",
    )
  );
  assertEquals(problems, []);
});

Deno.test("the list shows hostile strings as text, within its width", async () => {
  const hostile = [
    "<script>document.title='owned'</script>",
    "\u202egnirts desrever\u2066",
    "👩‍👩‍👧‍👦".repeat(40),
    "long".repeat(200),
  ];
  await using app = await testApp();
  for (const message of hostile) await submit(app.url, "throws", { message });
  for (const width of [390, 1280]) {
    await using visited = await visit(
      `${app.url}/?q=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E`,
      width,
    );
    const { page, problems } = visited;
    await press(page, ".empty .button", "Clear filters");
    await eventually(async () => assertEquals((await kinds(page)).length, 4));
    const seen = await page.$$eval(".row-text", (found) => found.map((one) => one.textContent));
    assertStringIncludes(seen.join("\n"), hostile[0]!);
    assertEquals(await page.$$eval("main script, main img", (found) => found.length), 0);
    assertEquals(await page.evaluate(() => document.documentElement.scrollWidth), width);
    const cut = await page.$$eval(
      ".row",
      (found) => found.filter((row) => row.scrollWidth > row.clientWidth).length,
    );
    assertEquals(cut, 0);
    assertEquals(problems, []);
  }
});
