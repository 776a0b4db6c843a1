/**
 * The examples, except answer.html, app/ and kinds/, opened or run as a reader would. The pages are
 * at another origin than Headway.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Page } from "puppeteer-core";
import type { Server } from "../../lib/server.ts";
import { submit } from "../helpers/api.ts";
import { TestBrowser } from "../helpers/browser.ts";
import { eventually } from "../helpers/eventually.ts";
import { type OtherOrigin, otherOrigin } from "../helpers/other_origin.ts";
import { startServer, testApp } from "../helpers/server.ts";
import { tempDir } from "../helpers/temp_dir.ts";

const ROOT = new URL("../../", import.meta.url);

/** The address of Headway in the examples. */
const ADDRESS = "http://localhost:8000";

interface Examples extends AsyncDisposable {
  app: Server;
  pages: OtherOrigin;
  open(path: string): Promise<{ page: Page; problems: string[] }>;
}

/** Starts a browser that opens the examples, and a Headway that accepts their requests. */
async function examples(edit = (html: string) => html): Promise<Examples> {
  await using owned = new AsyncDisposableStack();
  const pages: OtherOrigin = owned.use(otherOrigin(async (path) => {
    const html = await Deno.readTextFile(new URL(`examples${path}`, ROOT)).catch(() => null);
    return html === null ? null : { html: edit(html.replaceAll(ADDRESS, app.url)) };
  }));
  const app: Server = owned.use(await testApp({ HEADWAY_ORIGINS: pages.origin }));
  const browser = owned.use(await TestBrowser.launch());
  const stack = owned.move();
  return {
    app,
    pages,
    async open(path) {
      const opened = stack.use(await browser.open("about:blank"));
      await serveCdn(opened.page);
      await opened.page.goto(`${pages.origin}${path}`, { waitUntil: "domcontentloaded" });
      return opened;
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** Answers for esm.sh, the one host that an example needs: tests do not use the internet. */
async function serveCdn(page: Page): Promise<void> {
  await page.setRequestInterception(true);
  page.on("request", async (request) => {
    const url = new URL(request.url());
    if (url.hostname !== "esm.sh") return void request.continue();
    const body = url.pathname.endsWith("/hooks")
      ? `export * from "preact";`
      : await (preact ??= bundlePreact());
    const headers = { "access-control-allow-origin": "*" };
    request.respond({ headers, contentType: "text/javascript", body });
  });
}

let preact: Promise<string> | undefined;

async function bundlePreact(): Promise<string> {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "-q", "--platform=browser", "tests/helpers/preact.ts"],
    cwd: ROOT,
    stderr: "inherit",
  }).output();
  assert(success);
  return new TextDecoder().decode(stdout);
}

function text(page: Page, selector: string): Promise<string> {
  return page.$eval(selector, (element) => element.textContent ?? "");
}

Deno.test("examples/static-page/ shows a task to its end, also in the style of the page", async () => {
  await using here = await examples();
  const { task_id } = await submit(here.app.url, "demo", { steps: 3, interval_ms: 100 });
  const { page, problems } = await here.open(`/static-page/index.html?task_id=${task_id}`);
  await eventually(async () => assertEquals(await page.title(), "completed"));
  const shown = await page.$$eval("headway-progress", (found) =>
    found.map((element) => {
      const part = (name: string) => element.shadowRoot!.querySelector(`[part=${name}]`)!;
      return [
        ...["label", "status", "percent", "amount"].map((name) => part(name).textContent),
        getComputedStyle(part("bar")).height,
        getComputedStyle(part("percent")).fontSize,
      ];
    }));
  assertEquals(shown, [
    ["demo", "Completed", "100%", "3 / 3 steps", "8px", "16px"],
    ["The same in your colors", "Completed", "100%", "3 / 3 steps", "20px", "24px"],
  ]);
  assertEquals(problems, []);
});

Deno.test("examples/callbacks.html starts a task and follows it", async () => {
  await using here = await examples();
  const { page, problems } = await here.open("/callbacks.html");
  await page.click("button");
  await eventually(async () => assertEquals(await text(page, "output"), '{"data":"processed"}'));
  assertEquals(await page.$eval("progress", ({ value }) => value), 100);
  assertEquals(problems, []);
});

Deno.test("examples/for_await.html uploads a file and reads its task to the end", async () => {
  await using here = await examples();
  await using directory = await tempDir();
  const csv = `${directory.path}/people.csv`;
  await Deno.writeTextFile(csv, "name,age\nAda,36\nGrace,85\n");
  const { page, problems } = await here.open("/for_await.html");
  const input = await page.$("input");
  await input!.uploadFile(csv);
  await eventually(async () => assertStringIncludes(await text(page, "pre"), '"rows": 2'));
  assertEquals(problems, []);
});

Deno.test("examples/hook.html renders a task in Preact", async () => {
  await using here = await examples();
  const { page, problems } = await here.open("/hook.html");
  await page.waitForSelector("button");
  await page.click("button");
  await eventually(async () => {
    assertEquals(await text(page, "pre"), '{"data":"processed"}');
    assertStringIncludes(await text(page, "p"), "completed");
  });
  assertEquals(problems, []);
});

Deno.test("useTask() closes its connection when its component is unmounted", async () => {
  await using here = await examples((html) => html.replace("interval_ms: 200", "interval_ms: 2e6"));
  const { page, problems } = await here.open("/hook.html");
  await page.waitForSelector("button");
  await page.click("button");
  await page.waitForSelector("progress");
  assertEquals(here.app.pulse.size, 1);
  await page.evaluate(`import("preact").then(({ render }) => render(null, document.body))`);
  await eventually(() => assertEquals(here.app.pulse.size, 0));
  assertEquals(problems, []);
});

Deno.test("examples/watch.ts runs to its end, and passes the type check", async () => {
  await using server = await startServer();
  const deno = (...args: string[]) =>
    new Deno.Command(Deno.execPath(), { args, cwd: ROOT, env: { NO_COLOR: "1" } }).output();
  const { code, stdout, stderr } = await deno(
    ...["run", "-q", "--check", "--no-prompt", "--allow-net", "examples/watch.ts", server.url],
  );
  const decoder = new TextDecoder();
  assertEquals(code, 0, decoder.decode(stderr));
  assertStringIncludes(decoder.decode(stdout), "2 rows: name is string, age is integer");
  assertStringIncludes(decoder.decode(stderr), "Line 4 is malformed");
});
