import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { ElementHandle, Page } from "puppeteer-core";
import { finished, getTask, submit, taskWhen } from "../helpers/api.ts";
import { TestBrowser } from "../helpers/browser.ts";
import { eventually } from "../helpers/eventually.ts";
import { testApp } from "../helpers/server.ts";
import { tempDir } from "../helpers/temp_dir.ts";

async function press(page: Page, name: string, role = "button"): Promise<void> {
  await page.locator(`::-p-aria([role="${role}"][name="${name}"])`).click();
}

/** The problem that is shown below a field; empty if there is none. */
function problem(page: Page, path: string): Promise<string> {
  return page.$$eval(`[id="field-${path}-problem"]`, (found) => found[0]?.textContent ?? "");
}

async function says(page: Page, path: string, text: string): Promise<void> {
  await eventually(async () => assertEquals(await problem(page, path), text), { interval: 25 });
}

/** Opens the form of a kind. */
async function open(page: Page, kind: string): Promise<void> {
  await press(page, "New task");
  await page.locator(`input[name=kind][value=${kind}]`).click();
}

/** Waits until a task is open, and returns its id. */
async function openTask(page: Page): Promise<string> {
  await page.waitForSelector(".task-title");
  return new URL(page.url()).searchParams.get("task_id")!;
}

function focused(page: Page): Promise<string> {
  return page.evaluate(() => document.activeElement!.id);
}

Deno.test("the form shows each problem below its field, also one that only the server finds", async () => {
  await using app = await testApp();
  await using browser = await TestBrowser.launch();
  await using opened = await browser.open(app.url);
  const { page } = opened;
  await open(page, "order");
  await page.locator("#field-count").fill("many");
  // A field is checked when the focus leaves it. The others are not checked yet.
  await page.keyboard.press("Tab");
  await says(page, "count", "This must be a number");
  assertEquals(await problem(page, "name"), "");
  await page.locator("#field-count").fill("1001");
  await says(page, "count", "This must be 1,000 or less");
  await page.locator("#field-mail").fill("nobody");
  await page.locator('[id="field-address.zip"]').fill("12");
  await page.locator("#field-extra").fill('{"a": 0.5}');
  await press(page, "Start");
  await says(page, "name", "This is required");
  await says(page, "mail", "This must be an e-mail address");
  await says(page, "address.street", "This is required");
  await says(page, "address.zip", "This must match the pattern ^\\d{5}$");
  await says(page, "extra", "a: This must be a whole number");
  await eventually(async () => assertEquals(await focused(page), "field-name"));
  const described = await page.$eval("#field-name", (field) => [
    field.getAttribute("aria-invalid"),
    document.getElementById(field.getAttribute("aria-describedby")!)!.textContent,
  ]);
  assertEquals(described, ["true", "This is required"]);

  await page.locator("#field-name").fill("Nobody");
  await page.locator("#field-count").fill("3");
  await page.locator("#field-mail").fill("n@example.com");
  await page.locator('[id="field-address.zip"]').fill("12345");
  await page.locator('[id="field-address.street"]').fill("Here 1");
  await page.locator("#field-extra").fill('{"a": 1}');
  await page.locator("#field-notes").fill("one\ntwo\n");
  await press(page, "red", "checkbox");
  await press(page, "It is a gift gift", "checkbox");
  await press(page, "Start");
  // Only the server finds this problem.
  await says(page, "name", "Nobody orders nothing");
  await eventually(async () => assertEquals(await focused(page), "field-name"));
  await page.locator("#field-name").fill("Some Body");
  await says(page, "name", "");
  await page.keyboard.press("Enter");
  const id = await openTask(page);
  assertEquals((await finished(app.url, id)).result, {
    name: "Some Body",
    mail: "n@example.com",
    count: 3,
    size: "small",
    colors: ["red", "blue"],
    notes: ["one", "two"],
    gift: true,
    address: { street: "Here 1", zip: "12345" },
    extra: { a: 1 },
  });
});

Deno.test("the form runs a task again with another input", async () => {
  await using app = await testApp();
  const input = { name: "Some Body", count: 7, notes: ["x"], address: { street: "Here" } };
  const { task_id } = await submit(app.url, "order", input);
  await finished(app.url, task_id);
  await using browser = await TestBrowser.launch();
  await using opened = await browser.open(`${app.url}/?task_id=${task_id}`);
  const { page, problems } = opened;
  await press(page, "Edit and run again");
  await page.waitForSelector("#field-count");
  assertEquals(await page.$eval("dialog h2", (title) => title.textContent), "Run order again");
  const held = await page.$$eval(
    "dialog :is(input, textarea, select)",
    (fields) =>
      Object.fromEntries((fields as HTMLInputElement[]).map(({ id, value }) => [id, value])),
  );
  assertEquals(held["field-name"], "Some Body");
  assertEquals(held["field-count"], "7");
  assertEquals(held["field-notes"], "x");
  assertEquals(held["field-address.street"], "Here");
  await page.locator("#field-count").fill("8");
  await press(page, "Edit as JSON");
  const json = await page.$eval("#field-", (field) => (field as HTMLTextAreaElement).value);
  assertEquals(JSON.parse(json).count, 8);
  await page.locator("#field-").fill('{"name": "Other", "count": "8"}');
  await press(page, "Start");
  await says(page, "", "count: This must be a whole number");
  await page.locator("#field-").fill('{"name": "Other", "count": 9}');
  await press(page, "Edit as a form");
  await eventually(async () =>
    assertEquals(await page.$eval("#field-count", (it) => (it as HTMLInputElement).value), "9")
  );
  await page.locator("#field-name").fill("Another");
  await page.keyboard.down("Control");
  await page.keyboard.press("Enter");
  await page.keyboard.up("Control");
  await eventually(async () => assert(await openTask(page) !== task_id));
  const again = await finished(app.url, await openTask(page));
  assertEquals((again.result as { name: string; count: number }).name, "Another");
  assertEquals((again.result as { name: string; count: number }).count, 9);
  // An input that a form cannot hold is shown as JSON, and stays whole.
  const odd = await submit(app.url, "echo", { any: [1, { thing: null }] });
  await finished(app.url, odd.task_id);
  await page.goto(`${app.url}/?task_id=${odd.task_id}`);
  await press(page, "Edit and run again");
  await page.waitForSelector("#field-");
  await press(page, "Start");
  await eventually(async () => assert(await openTask(page) !== odd.task_id));
  assertEquals((await finished(app.url, await openTask(page))).result, {
    any: [1, { thing: null }],
  });
  assertEquals(problems, []);
});

Deno.test("the form shows an upload's progress, cancels it, reuses its file, and refuses one too large", async () => {
  await using directory = await tempDir();
  const path = `${directory.path}/numbers.csv`;
  await Deno.writeTextFile(path, "n\n" + "1234567\n".repeat(250_000));
  await using app = await testApp({ HEADWAY_MAX_UPLOAD: "3000000" });
  await using browser = await TestBrowser.launch();
  await using opened = await browser.open(app.url);
  const { page, problems } = opened;
  const session = await page.createCDPSession();
  const network = async (bytesPerSecond: number) => {
    await session.send("Network.emulateNetworkConditions", {
      offline: false,
      latency: 0,
      downloadThroughput: -1,
      uploadThroughput: bytesPerSecond,
    });
  };
  await open(page, "csv-profile");
  const field = await page.$("#field-upload") as ElementHandle<HTMLInputElement>;
  await field.uploadFile(path);
  await page.waitForSelector(".file-name");
  await network(20_000);
  await press(page, "Start");
  const bar = ".file-progress [role=progressbar]";
  await eventually(async () => {
    assert(Number(await page.$eval(bar, (it) => it.getAttribute("aria-valuenow"))) > 0);
  }, { interval: 25 });
  assertStringIncludes(
    await page.$eval(".file-sent", (it) => it.textContent!),
    "of 2.0\u00a0MB",
  );
  await press(page, "Cancel the upload");
  await page.waitForSelector(bar, { hidden: true });
  assertEquals(await page.$eval(".file-name", (it) => it.textContent), "numbers.csv");
  await network(-1);
  await press(page, "Start");
  const ended = await finished(app.url, await openTask(page));
  assertEquals(ended.status, "completed");

  // Running again reuses the file of the earlier run.
  await press(page, "Edit and run again");
  await page.waitForSelector(".file-name");
  assertEquals(
    await page.$eval(".file-name", (it) => it.textContent),
    "The file from the earlier run",
  );
  await press(page, "Start");
  await eventually(async () => assert(await openTask(page) !== ended.task_id));
  const again = await taskWhen(
    app.url,
    await openTask(page),
    ({ status }) => status === "completed",
  );
  assertEquals(again.result, (await getTask(app.url, ended.task_id)).result);

  // A file over the limit is refused when it is chosen.
  await Deno.writeTextFile(path, "n\n" + "1234567\n".repeat(400_000));
  await open(page, "csv-profile");
  const other = await page.$("#field-upload") as ElementHandle<HTMLInputElement>;
  await other.uploadFile(path);
  await says(page, "upload", "This file is 3.2\u00a0MB; the limit is 3.0\u00a0MB");
  assertEquals(problems, []);
});

Deno.test("a file can be dropped anywhere on the page, also while the form is open", async () => {
  await using app = await testApp();
  await using browser = await TestBrowser.launch();
  await using opened = await browser.open(app.url);
  const { page, problems } = opened;
  const drop = (name: string, selector: string) =>
    page.evaluate(
      (name, selector) => {
        const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File(["a,b\n1,2\n"], name));
        for (const type of ["dragover", "drop"]) {
          const event = new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true });
          document.querySelector(selector)!.dispatchEvent(event);
          // Otherwise the browser would leave the page to show the file.
          if (!event.defaultPrevented) throw new Error(`${type} was left to the browser`);
        }
      },
      name,
      selector,
    );
  await page.waitForSelector(".empty");
  await open(page, "demo");
  await page.waitForSelector("#field-steps");
  await drop("one.csv", "dialog h2");
  await page.waitForSelector("#field-upload");
  const names = () => page.$$eval(".file-name", (found) => found.map((it) => it.textContent));
  await eventually(async () => assertEquals(await names(), ["one.csv"]));
  await drop("two.csv", "dialog");
  await eventually(async () => assertEquals(await names(), ["two.csv"]));
  await page.keyboard.press("Escape");
  await eventually(async () => assertEquals(await page.$("dialog"), null));
  await drop("three.bin", "header");
  await eventually(async () => assertEquals(await names(), ["three.bin"]));
  assertEquals(
    await page.$eval("input[name=kind]:checked", (it) => (it as HTMLInputElement).value),
    "checksum",
  );
  assertEquals(problems, []);
});

Deno.test("the page says which kinds failed to load, also at their tasks, until they are loaded", async () => {
  await using folder = await tempDir();
  const path = `${folder.path}/broken.ts`;
  const source = `import { defineTask } from "headway";
    export const mine = defineTask({ kind: "mine", async *run() {} });`;
  await Deno.writeTextFile(path, source);
  using kv = await Deno.openKv(":memory:");
  const HEADWAY_KINDS = path;
  const { task_id } = await (async () => {
    await using app = await testApp({ HEADWAY_KINDS }, { kv });
    return await submit(app.url, "mine", undefined, { delay_ms: 3_600_000 });
  })();
  await Deno.writeTextFile(path, `throw new Error("not today");\n${source}`);
  await using app = await testApp({ HEADWAY_KINDS, HEADWAY_LOG: "off" }, { kv, inline: false });
  await app.kinds.loaded;
  await using browser = await TestBrowser.launch();
  await using opened = await browser.open(`${app.url}/?task_id=${task_id}`);
  const { page } = opened;
  const notices = () => page.$$eval(".notice", (found) => found.map((it) => it.textContent));
  await eventually(async () => {
    const told = (await notices()).join("\n");
    assertStringIncludes(told, `The kinds of ${path} could not be loaded`);
    assertStringIncludes(told, `The kind mine is unavailable: ${path} failed: Error: not today`);
  });
  await Deno.writeTextFile(path, source);
  await eventually(async () => assertEquals(await notices(), []));
  assertEquals(opened.problems, []);
});
