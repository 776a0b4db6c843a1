import { assertEquals } from "@std/assert";
import { finished, submit, taskWhen } from "../helpers/api.ts";
import { TestBrowser } from "../helpers/browser.ts";
import { eventually } from "../helpers/eventually.ts";
import { openGate } from "../helpers/gate.ts";
import { testApp } from "../helpers/server.ts";

Deno.test("the page counts and lists a task's children, links a child back, and hides children in the list", async () => {
  await using app = await testApp();
  const parts = [
    { kind: "echo", input: 1 },
    { kind: "fails-at-first", input: { name: crypto.randomUUID() } },
    { kind: "gated", input: { gate: "seen child" } },
  ];
  const { task_id } = await submit(app.url, "parent", { parts });
  await submit(app.url, "echo", "of nobody");
  await taskWhen(
    app.url,
    task_id,
    ({ children }) => children?.completed === 1 && children.failed === 1 && children.running === 1,
  );
  await using browser = await TestBrowser.launch();
  await using opened = await browser.open(`${app.url}/?task_id=${task_id}`);
  const { page, problems } = opened;
  const text = (selector: string) =>
    page.$eval(selector, (it) => (it as HTMLElement).innerText).catch(() => null);
  await eventually(async () => {
    assertEquals(await text("#children"), "2 of 3 tasks, 1 running, 1 failed");
    assertEquals(await text(".task-title .pill"), "Waiting for its children");
  });
  await page.locator("#children").click();
  await eventually(async () => {
    const kinds = await page.$$eval(
      "[role=row] a[href*=task_id]",
      (found) => [...new Set(found.map((it) => it.getAttribute("href")))].length,
    );
    assertEquals(kinds, 3);
  });
  openGate("seen child");
  await finished(app.url, task_id);
  // A row that arrives meanwhile may move a link away from the pointer.
  const follow = (selector: string) =>
    page.locator(selector).wait().then(() =>
      page.$eval(selector, (it) => (it as HTMLElement).click())
    );
  // The newest child is the first in the list.
  await follow("[role=row] a[href*=task_id]");
  await eventually(async () => {
    assertEquals(await text(".task-title h1"), "gated");
  });
  await follow(`.facts a[href*="${task_id}"]`);
  await eventually(async () => {
    assertEquals(await text("#children"), "3 of 3 tasks, 1 failed");
  });
  // The list of all tasks hides children until the user asks for them.
  const listed = () =>
    page.$$eval("[role=row] a[href*=task_id]", (found) => {
      return new Set(found.map((it) => it.getAttribute("href"))).size;
    });
  await page.goto(app.url);
  await eventually(async () => {
    assertEquals(await listed(), 2);
    assertEquals(await text(".count.status-failed .count-figure"), "1");
  });
  await page.locator("#children-too").click();
  await eventually(async () => {
    assertEquals(await listed(), 5);
    assertEquals(await text(".count.status-failed .count-figure"), "2");
  });
  // With a filter for a state, the button counts the hidden children in that state.
  await page.goto(`${app.url}/?status=failed`);
  await eventually(async () => {
    assertEquals([await listed(), await text("#children-too .count-figure")], [1, "1"]);
  });
  await page.locator("#children-too").click();
  await eventually(async () => {
    assertEquals([await listed(), await text("#children-too .count-figure")], [2, null]);
  });
  await page.goto(`${app.url}/?kind=gated`);
  await eventually(async () => assertEquals(await listed(), 1));
  assertEquals(problems, []);
});
