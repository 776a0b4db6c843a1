/**
 * The client in pages of another origin, and in a program: broken connections, killed servers,
 * hostile text.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Page } from "puppeteer-core";
import { watch } from "headway/client";
import { bearer, finished, post, storedEvents, submit, taskWhen } from "../helpers/api.ts";
import { violations } from "../helpers/axe.ts";
import { TestBrowser } from "../helpers/browser.ts";
import { eventually } from "../helpers/eventually.ts";
import { closedGate, openGate } from "../helpers/gate.ts";
import { bytesOf } from "../helpers/kinds.ts";
import { otherOrigin } from "../helpers/other_origin.ts";
import { type ServerProcess, startServer, testApp } from "../helpers/server.ts";
import { tempDir } from "../helpers/temp_dir.ts";

/** The stored events of a task that no watcher may miss, such as `log 3`. */
async function kept(base: string, id: string): Promise<string[]> {
  const rows = await storedEvents(base, id);
  return rows.filter(({ event }) => event !== "message").map(({ event, seq }) => `${event} ${seq}`);
}

/** Runs `use` with a server, and with a function that kills it and starts another on its store. */
async function withKill(
  env: Record<string, string>,
  use: (server: ServerProcess, kill: () => Promise<ServerProcess>) => Promise<void>,
): Promise<void> {
  await using owned = new AsyncDisposableStack();
  const kv = `${owned.use(await tempDir()).path}/test.db`;
  const all = { HEADWAY_RETRY_MS: "100", ...env };
  const first = owned.use(await startServer({ kv, env: all }));
  await use(first, async () => {
    await first.kill();
    const { port } = new URL(first.url);
    return owned.use(await startServer({ kv, env: { ...all, HEADWAY_PORT: port } }));
  });
}

Deno.test("watch() in a program gives every row once though the server is killed, by loop and callbacks", async () => {
  await using gate = closedGate();
  await withKill({}, async (first, kill) => {
    const { task_id } = await submit(first.url, "steps", { steps: 200, gate: gate.url });
    const called: string[] = [];
    const states: string[] = [];
    const byCallbacks = watch(task_id, {
      base: first.url,
      onlog: ({ seq }) => called.push(`log ${seq}`),
      oncomplete: ({ seq }) => called.push(`complete ${seq}`),
      onconnection: ({ state }) => states.push(state),
    });
    const read: string[] = [];
    let second: Promise<ServerProcess> | undefined;
    for await (const { type, id } of watch(task_id, { base: first.url })) {
      if (type !== "progress") read.push(`${type} ${id}`);
      if (read.length === 50) second ??= kill().finally(gate.open);
    }
    const end = await byCallbacks.finished;
    const { url } = (await second)!;
    assertEquals([end.status, end.result], ["completed", { steps: 200 }]);
    assertEquals(end, (await finished(url, task_id)) as never);
    const rows = await kept(url, task_id);
    assert(rows.length > 200);
    assertEquals(read, rows);
    assertEquals(called, rows);
    assert(states.includes("waiting"));
    assertEquals(states.at(-1), "idle");
  });
});

Deno.test("watch() in a slow program misses no row, though the server's queue for it is short", async () => {
  await using app = await testApp({ HEADWAY_RETRY_MS: "10", HEADWAY_STREAM_QUEUE: "50" });
  const { task_id } = await submit(app.url, "log-many", { rows: 3000, bytes: 8000 });
  const read: string[] = [];
  for await (const { type, id } of watch(task_id, { base: app.url })) {
    if (type !== "progress") read.push(`${type} ${id}`);
    // Stops reading until the task has ended, so that its other rows have to wait.
    if (read.length === 10) await finished(app.url, task_id);
  }
  assertEquals(read, await kept(app.url, task_id));
  await eventually(() => assertEquals(app.pulse.size, 0));
});

/** The HTML of a page with a `<headway-progress>`. */
function pageWith(base: string, attributes: string): string {
  return `<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>Another</title>` +
    `<link rel="icon" href="data:,">` +
    `<script type="module" src="${base}/headway-progress.js"></script>` +
    `<headway-progress ${attributes}></headway-progress>`;
}

/** Runs in a page: reads a task with `/client.js`, and keeps what it reads in `read`. */
async function readAll(base: string, id: string) {
  const { watch } = await import(`${base}/client.js`);
  const read: string[] = [];
  Object.assign(globalThis, { read });
  (async () => {
    for await (const { type, id: at } of watch(id)) {
      if (type !== "progress") read.push(`${type} ${at}`);
    }
  })();
}

function part(page: Page, name: string): Promise<string> {
  return page.$eval(
    "headway-progress",
    (element, name) => {
      const found = element.shadowRoot!.querySelector<HTMLElement>(`[part=${name}]`)!;
      return found.hidden ? "" : found.textContent ?? "";
    },
    name,
  );
}

function shows(page: Page, name: string, text: string): Promise<void> {
  return eventually(async () => assertEquals(await part(page, name), text));
}

Deno.test("Chromium: a page of another origin gets every row once, though the server is killed", async () => {
  await using owned = new AsyncDisposableStack();
  const gate = owned.use(closedGate());
  let html = "";
  const { origin } = owned.use(otherOrigin(() => ({ html })));
  await withKill({ HEADWAY_ORIGINS: origin }, async (first, kill) => {
    const { task_id } = await submit(first.url, "steps", { steps: 100, gate: gate.url });
    html = pageWith(first.url, `task-id="${task_id}"`);
    await using browser = await TestBrowser.launch();
    await using opened = await browser.open(origin);
    const { page } = opened;
    await page.evaluate(readAll, first.url, task_id);
    await eventually(async () => assert(await page.evaluate("globalThis.read?.length > 20")));
    const second = await kill();
    gate.open();
    await shows(page, "status", "Completed");
    await shows(page, "amount", "100 / 100 steps");
    await shows(page, "connection", "");
    const rows = await kept(second.url, task_id);
    await eventually(async () => assertEquals(await page.evaluate("globalThis.read"), rows));
  });
});

Deno.test("<headway-progress> says that it reconnects, and then shows the task's end", async () => {
  await using owned = new AsyncDisposableStack();
  const gate = owned.use(closedGate());
  let html = "";
  const { origin } = owned.use(otherOrigin(() => ({ html })));
  await withKill({ HEADWAY_ORIGINS: origin }, async (first, kill) => {
    const { task_id } = await submit(first.url, "steps", { steps: 3, gate: gate.url });
    html = pageWith(first.url, `task-id="${task_id}"`);
    await using browser = await TestBrowser.launch();
    await using opened = await browser.open(origin);
    await shows(opened.page, "status", "Running");
    await first.kill();
    await shows(opened.page, "connection", "Reconnecting…");
    await kill();
    gate.open();
    await shows(opened.page, "status", "Completed");
    assertEquals(await part(opened.page, "connection"), "");
  });
});

const HOSTILE = [
  "<script>globalThis.hacked = 1</script>",
  '<img src=x onerror="globalThis.hacked = 1">',
  "\u202egnp.exe\u202c",
  "👩‍👩‍👧 進捗 \u0000 \r\n data: forged",
  "x".repeat(40 * 1024),
  "</headway-progress><style>*{display:none}</style>",
];

Deno.test("<headway-progress> shows hostile text as text, under the strictest CSP of a page", async () => {
  await using owned = new AsyncDisposableStack();
  let html = "";
  let csp = "";
  const { origin } = owned.use(otherOrigin(() => ({ html, csp })));
  await using app = await testApp({ HEADWAY_ORIGINS: origin });
  csp = `default-src 'none'; script-src ${app.url}; connect-src ${app.url}; style-src 'none'; ` +
    "img-src data:; require-trusted-types-for 'script'; trusted-types 'none'";
  await using browser = await TestBrowser.launch();
  for (const text of HOSTILE) {
    const { task_id } = await submit(app.url, "says", { texts: [text], throws: true });
    const { error, message } = await finished(app.url, task_id);
    html = pageWith(app.url, `task-id="${task_id}"`);
    await using opened = await browser.open(origin);
    const { page, problems } = opened;
    await shows(page, "status", "Failed");
    assertEquals(await part(page, "message"), `${error!.name}: ${error!.message}`);
    assert(message !== null);
    const found = await page.$eval("headway-progress", (element) => {
      const root = element.shadowRoot!;
      return {
        tags: [...new Set([...root.querySelectorAll("*")].map(({ localName }) => localName))],
        overflows: element.scrollWidth > element.clientWidth + 1,
        height: element.clientHeight,
      };
    });
    assertEquals(found.tags.sort(), ["div", "span"]);
    assertEquals(found.overflows, false);
    assert(found.height < 300, `${found.height} px`);
    assertEquals(await page.evaluate("globalThis.hacked"), undefined);
    assertEquals(problems, []);
  }
});

/** Opens a page of another origin with a `<headway-progress>`, and starts its server. */
async function visit(settings: Record<string, string> = {}) {
  await using owned = new AsyncDisposableStack();
  let url = "";
  const { origin } = owned.use(otherOrigin(() => ({ html: pageWith(url, "") })));
  const app = owned.use(await testApp({ ...settings, HEADWAY_ORIGINS: origin }));
  url = app.url;
  const browser = owned.use(await TestBrowser.launch());
  const { page, problems } = owned.use(await browser.open(origin));
  const stack = owned.move();
  return {
    app,
    page,
    problems,
    /** Sets attributes of the element. */
    set: (attributes: Record<string, string>) =>
      page.$eval("headway-progress", (element, attributes) => {
        for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
      }, attributes),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

Deno.test("<headway-progress> is a progress bar for screen readers, and announces the task's end", async () => {
  await using here = await visit();
  const { app, page } = here;
  const { task_id } = await submit(app.url, "gated", { gate: "element-a11y" });
  await taskWhen(app.url, task_id, ({ progress }) => progress === 1);
  await page.$eval("headway-progress", (element) => {
    document.documentElement.lang = "zh-CN";
    const seen: string[] = [];
    for (const type of ["progress", "complete", "error"]) {
      element.addEventListener(type, (event) => {
        seen.push(`${type} ${(event as CustomEvent).detail.status}`);
      });
    }
    Object.assign(globalThis, { seen });
  });
  await here.set({ "task-id": task_id });
  await shows(page, "status", "运行中");
  const bar = await page.$eval("headway-progress", (element) => {
    const bar = element.shadowRoot!.querySelector("[role=progressbar]")!;
    return ["aria-label", "aria-valuemin", "aria-valuemax", "aria-valuenow", "aria-valuetext"]
      .map((name) => bar.getAttribute(name));
  });
  assertEquals(bar, ["gated 的进度", "0", "100", "1", "1%"]);
  const { children = [] } = (await page.accessibility.snapshot())!;
  const heard = children.map(({ role, name }) => `${role} ${name}`);
  assert(heard.includes("progressbar gated 的进度"), heard.join(", "));
  openGate("element-a11y");
  await shows(page, "status", "已完成");
  assertEquals(await part(page, "live"), "gated，已完成");
  const seen = await page.evaluate("globalThis.seen") as string[];
  assertEquals(seen.at(-1), "complete completed");
  const status = await page.$eval("headway-progress", (it) => it.getAttribute("status"));
  assertEquals(status, "completed");
});

Deno.test("axe finds nothing wrong with <headway-progress>: running, pending, completed, failed, unavailable", async () => {
  await using here = await visit();
  const { app, page } = here;
  const base = app.url;
  const running = await submit(base, "waits");
  const unknown = await submit(base, "staged", { rows: 1e6, interval_ms: 20, known: false });
  const failed = await submit(base, "throws", {});
  const done = await submit(base, "outputs", { values: [] });
  const waiting = await submit(base, "echo", 1, { delay_ms: 3_600_000 });
  const made = await submit(base, "files", { files: [{ name: "a.csv", size: 1 }] });
  for (const { task_id } of [failed, done, made]) await finished(base, task_id);
  for (const { task_id } of [running, unknown]) {
    await taskWhen(base, task_id, ({ started_at }) => started_at !== null);
  }
  const ids = [running, unknown, failed, done, waiting, made].map(({ task_id }) => task_id);
  await page.evaluate((ids) => {
    Object.assign(document.documentElement.style, {
      colorScheme: "light dark",
      background: "Canvas",
    });
    const main = document.createElement("main");
    main.append(Object.assign(document.createElement("h1"), { textContent: "Tasks" }));
    for (const id of ids) {
      const element = document.createElement("headway-progress");
      element.setAttribute("task-id", id);
      main.append(element);
    }
    document.body.replaceChildren(main);
  }, [...ids, "01ARZ3NDEKTSV4RRFFQ69G5FAV"]);
  const states = ["running", "failed", "completed", "pending", "error"];
  for (const state of states) await page.waitForSelector(`headway-progress[status=${state}]`);
  await page.waitForSelector("headway-progress >>> .unknown");
  for (const scheme of ["light", "dark"]) {
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
    assertEquals(await violations(page, scheme), []);
  }
});

Deno.test("<headway-progress> follows its attributes, and closes its stream when it is removed", async () => {
  const secret = "admin-secret-0123456789";
  await using here = await visit({ HEADWAY_TOKENS: `me:admin:${secret}` });
  const { app, page } = here;
  const input = { gate: "element-attributes" };
  const { task_id, token } = await post(
    `${app.url}/tasks`,
    { kind: "gated", input },
    { authorization: `Bearer ${secret}` },
  ).then((response) => response.json());
  await shows(page, "status", "Loading…");
  await here.set({ "task-id": task_id });
  await shows(page, "status", "Not available");
  assertStringIncludes(await part(page, "message"), "token");
  assertEquals(app.pulse.size, 0);
  await here.set({ token });
  await shows(page, "status", "Running");
  await here.set({ label: "Yours" });
  assertEquals(await part(page, "label"), "Yours");
  assertEquals(app.pulse.size, 1);
  await here.set({ src: "ftp://nowhere" });
  await shows(page, "status", "Not available");
  await eventually(() => assertEquals(app.pulse.size, 0));
  await here.set({ src: app.url });
  await shows(page, "status", "Running");
  assertEquals(app.pulse.size, 1);
  await page.$eval("headway-progress", (element) => element.remove());
  await eventually(() => assertEquals(app.pulse.size, 0));
  openGate("element-attributes");
});

Deno.test("<headway-progress> links to its task's artifacts, and its token opens them", async () => {
  const secret = "admin-secret-0123456789";
  await using here = await visit({ HEADWAY_TOKENS: `me:admin:${secret}` });
  const { app, page, problems } = here;
  const input = { files: [{ name: "a 'b'.csv", size: 1200, seed: 1, type: "text/html" }] };
  const { task_id, token } = await post(
    `${app.url}/tasks`,
    { kind: "files", input },
    bearer(secret),
  ).then((response) => response.json());
  await here.set({ "task-id": task_id, token });
  await shows(page, "status", "Completed");
  await shows(page, "artifacts", "a 'b'.csv");
  await using directory = await tempDir();
  const session = await page.createCDPSession();
  await session.send("Browser.setDownloadBehavior", {
    behavior: "allow",
    downloadPath: directory.path,
    browserContextId: page.browserContext().id!,
    eventsEnabled: true,
  });
  const done = Promise.withResolvers<string>();
  session.on("Browser.downloadProgress", ({ state }) => {
    if (state !== "inProgress") done.resolve(state);
  });
  await page.locator("headway-progress >>> a.artifact").click();
  assertEquals(await done.promise, "completed");
  assertEquals(await Deno.readFile(`${directory.path}/a 'b'.csv`), bytesOf(1200, 1));
  assertEquals(problems, []);
});

Deno.test("<headway-progress> moves its bar while the total is unknown, except with reduced motion", async () => {
  await using here = await visit();
  const { app, page } = here;
  const { task_id } = await submit(app.url, "staged", { rows: 1e6, known: false });
  await here.set({ "task-id": task_id });
  await page.waitForSelector("headway-progress >>> .unknown");
  for (const motion of ["no-preference", "reduce"]) {
    await page.emulateMediaFeatures([{ name: "prefers-reduced-motion", value: motion }]);
    const found = await page.$eval("headway-progress", (element) => {
      const part = (name: string) => element.shadowRoot!.querySelector(`[part=${name}]`)!;
      return [
        getComputedStyle(part("fill")).animationName,
        part("bar").getAttribute("aria-valuenow"),
      ];
    });
    assertEquals(found, [motion === "reduce" ? "none" : "wander", null]);
  }
  assertEquals(here.problems, []);
});

Deno.test("<headway-progress> has the colors of the page's color scheme, not of the system's", async () => {
  await using here = await visit();
  const { app, page } = here;
  const { task_id } = await submit(app.url, "echo", 1);
  await here.set({ "task-id": task_id });
  await shows(page, "status", "Completed");
  const color = () =>
    page.$eval("headway-progress", (element) => {
      return getComputedStyle(element.shadowRoot!.querySelector("[part=fill]")!).backgroundColor;
    });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "dark" }]);
  assertEquals(await color(), "rgb(20, 128, 79)");
  await page.evaluate(() => document.documentElement.style.colorScheme = "light dark");
  assertEquals(await color(), "rgb(76, 195, 138)");
  await page.evaluate(() => {
    document.documentElement.style.setProperty("--headway-completed", "rgb(1, 2, 3)");
  });
  assertEquals(await color(), "rgb(1, 2, 3)");
});
