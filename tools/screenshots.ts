/**
 * `deno task screenshots`: takes pictures of the page with tasks that really run, of the list and
 * of a task, light and dark, at three widths, in both languages. They go into
 * `docs/screenshots/all`, which is not kept, and those for the documents beside it.
 *
 * `deno task screenshots deliveries` takes those of one view: `list`, `task`, `files`,
 * `deliveries`, `waiting`, `children` or `schedules`.
 *
 * Chinese needs a font with its characters, such as Debian's `fonts-noto-cjk`.
 *
 * @module
 */

import type { Page } from "puppeteer-core";
import { finished, post, submit, taskWhen } from "../tests/helpers/api.ts";
import { TestBrowser } from "../tests/helpers/browser.ts";
import { type Receiver, receiver, SECRET } from "../tests/helpers/receiver.ts";
import { startServer } from "../tests/helpers/server.ts";
import { tempDir } from "../tests/helpers/temp_dir.ts";
import { serveSchedules } from "./screenshots/schedules.ts";

const TARGET = new URL("../docs/screenshots/", import.meta.url);
const KINDS = new URL("./screenshots/kinds.ts", import.meta.url).href;
const ORDER = new URL("../examples/kinds/order.ts", import.meta.url).href;

/** Those that the documents show. */
const BEST: Record<string, string> = {
  "deliveries-en-light-1280": "deliveries.png",
  "schedules-en-light-1280": "schedules.png",
  "task-en-light-1280": "task.png",
  "list-en-dark-1280": "list.png",
  "files-en-light-1280": "files.png",
  "waiting-en-light-1280": "waiting.png",
  "children-en-light-1280": "children.png",
};

const LOOKS = ["en", "zh-CN"].flatMap((language) =>
  (["light", "dark"] as const).flatMap((scheme) =>
    [1280, 768, 390].map((width) => ({ language, scheme, width, height: width < 600 ? 844 : 860 }))
  )
);

/** A day's work: some of it done, one that failed, and all the rest under way. */
async function work(url: string): Promise<{ id: string; files: string }> {
  const done = await submit(url, "nightly-report", {});
  const other = await submit(url, "import-orders", { file: "returns.csv", orders: 300 });
  const failed = await submit(url, "send-newsletter", { breaks_at: 1700 });
  const files = await submit(url, "close-month", {});
  for (const { task_id } of [done, other, failed, files]) await finished(url, task_id);
  await submit(url, "nightly-report", {}, { delay_ms: 3 * 3600_000 });
  await submit(url, "crawl-site", {});
  await submit(url, "transcode-video", { frames: 8600, per_second: 96 });
  await submit(url, "send-newsletter", { letters: 12_000 });
  const canceled = await submit(url, "transcode-video", { frames: 9000, per_second: 1600 });
  await taskWhen(url, canceled.task_id, ({ progress }) => (progress ?? 0) > 30);
  await (await fetch(`${url}/tasks/${canceled.task_id}/cancel`, { method: "POST" })).body?.cancel();
  await submit(url, "demo", { steps: 90, interval_ms: 900 });
  const orders = { file: "orders-2026-11.csv", orders: 120_000 };
  const { task_id } = await submit(url, "import-orders", orders);
  await taskWhen(url, task_id, ({ progress }) => (progress ?? 0) > 16);
  return { id: task_id, files: files.task_id };
}

/** A task of which one program was told, and another one does not want to hear. */
async function told(url: string, to: Receiver, away: Receiver): Promise<string> {
  const localhost = (url: string) => url.replace("127.0.0.1", "localhost");
  const notify = [
    { url: localhost(to.url), on: ["started", "completed"] },
    { url: localhost(away.url) },
  ];
  const input = { file: "returns.csv", orders: 300 };
  const { task_id } = await submit(url, "import-orders", input, { notify });
  await to.count(2);
  await away.count(3);
  return task_id;
}

/** An order that waits for somebody's yes. */
async function waiting(url: string): Promise<string> {
  const input = { order: "A-1001", parcels: 200, cool_off_ms: 1500 };
  const { task_id } = await submit(url, "order", input);
  await taskWhen(url, task_id, ({ waiting_for }) => waiting_for?.type === "signal");
  return task_id;
}

/** One that has it, and whose parcels are being packed. */
async function packing(url: string): Promise<string> {
  const id = await waiting(url);
  await (await post(`${url}/tasks/${id}/signals/release`, { send: true })).body?.cancel();
  await taskWhen(url, id, ({ children }) => (children?.completed ?? 0) >= 40);
  return id;
}

/** Waits until the page shows what it has, and nothing moves. */
async function showsAll(page: Page, content: string): Promise<void> {
  await page.waitForSelector(content);
  await page.waitForSelector(".connection-live");
  await page.evaluate(async () => {
    await document.fonts.ready;
    // The first events, and what they move.
    await new Promise((resolve) => setTimeout(resolve, 1200));
  });
}

await Deno.mkdir(new URL("all/", TARGET), { recursive: true });
await using to = receiver();
await using away = receiver(() => new Response("database is away", { status: 503 }));
await using server = await startServer({
  kinds: `${KINDS},${ORDER}`,
  env: { HEADWAY_WEBHOOK_SECRET: SECRET, HEADWAY_WEBHOOK_ALLOW: "localhost" },
});
const { id, files } = await work(server.url);
await using browser = await TestBrowser.launch();
await using more = new AsyncDisposableStack();

/** Has what is in a picture done when it is wanted, so that it is new there. */
const views: [view: string, place: () => string | Promise<string>, content: string][] = [
  ["list", () => "/", ".count-figure"],
  ["task", () => `/?task_id=${id}`, ".log-row"],
  ["files", () => `/?task_id=${files}`, ".log-row"],
  ["deliveries", async () => `/?task_id=${await told(server.url, to, away)}`, ".deliveries"],
  ["waiting", async () => `/?task_id=${await waiting(server.url)}`, ".signal-form"],
  ["children", async () => `/?task_id=${await packing(server.url)}`, ".progress-children"],
  ["schedules", async () => {
    const folder = more.use(await tempDir());
    const scheduled = more.use(await serveSchedules(KINDS, `${folder.path}/clock`));
    return `${scheduled.url}/?view=schedules`;
  }, ".schedule"],
];

/** Of those that would have ended by the next picture, there is another for each. */
const SHORT = "children";

for (const [view, place, content] of views) {
  if (Deno.args.length > 0 && !Deno.args.includes(view)) continue;
  let path: string | undefined;
  for (const { language, scheme, width, height } of LOOKS) {
    const languages = [language];
    path = path === undefined || view === SHORT ? await place() : path;
    await using opened = await browser.open(path.startsWith("/") ? server.url + path : path, {
      languages,
      scheme,
      width,
      // So that they are in the picture.
      height: view === "files" ? height + 200 : height,
    });
    const { page } = opened;
    await showsAll(page, content);
    if (view === "deliveries") {
      await page.$eval(content, (it) => it.scrollIntoView({ block: "end" }));
    }
    const name = `${view}-${language}-${scheme}-${width}`;
    const picture = await page.screenshot();
    await Deno.writeFile(new URL(`all/${name}.png`, TARGET), picture);
    const best = BEST[name];
    if (best) await Deno.writeFile(new URL(best, TARGET), picture);
    // deno-lint-ignore no-console -- what it has done
    console.log(`${name}.png`);
  }
}
