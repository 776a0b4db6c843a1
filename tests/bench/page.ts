/**
 * Measures what a thousand updates a second cost the page: how busy its main thread is in a real
 * Chromium, and how long it is blocked at most. Run `deno task bench:page` on a quiet machine.
 *
 * @module
 */

import type { Page } from "puppeteer-core";
import { submit } from "../helpers/api.ts";
import { TestBrowser } from "../helpers/browser.ts";
import { startServer } from "../helpers/server.ts";

/** Milliseconds to measure, and to wait before that until the page is steady. */
const MEASURED_MS = 15_000;
const SETTLE_MS = 3000;

/** Milliseconds: a user notices a task of the main thread that takes longer. */
const LONG_MS = 50;

interface TraceEvent {
  name: string;
  pid: number;
  tid: number;
  dur?: number;
  args: { name?: string };
}

/** The milliseconds of each task of the page's main thread, the longest first. */
function mainTasks(trace: Uint8Array): number[] {
  const { traceEvents } = JSON.parse(new TextDecoder().decode(trace)) as {
    traceEvents: TraceEvent[];
  };
  const thread = ({ pid, tid }: TraceEvent) => `${pid} ${tid}`;
  const isMain = (event: TraceEvent) =>
    event.name === "thread_name" && event.args.name === "CrRendererMain";
  const mains = new Set(traceEvents.filter(isMain).map(thread));
  return traceEvents
    .filter((event) => event.name === "RunTask" && mains.has(thread(event)))
    .map(({ dur = 0 }) => dur / 1000)
    .sort((one, other) => other - one);
}

function pass(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function measure(page: Page, view: string): Promise<string> {
  await pass(SETTLE_MS);
  const before = await page.metrics();
  await page.tracing.start({ categories: ["disabled-by-default-devtools.timeline"] });
  await pass(MEASURED_MS);
  const trace = await page.tracing.stop();
  const after = await page.metrics();
  const tasks = mainTasks(trace!);
  const busy = (after.TaskDuration! - before.TaskDuration!) /
    (after.Timestamp! - before.Timestamp!);
  const long = tasks.filter((ms) => ms > LONG_MS).length;
  return `${view}: ${(100 * busy).toFixed(0)} % busy, longest task ${tasks[0]!.toFixed(0)} ms, ` +
    `${long} of ${tasks.length} over ${LONG_MS} ms`;
}

await using server = await startServer();
for (let n = 0; n < 100; n++) await submit(server.url, "ticker", { interval_ms: 100 });
const fast = await submit(server.url, "ticker", { interval_ms: 1 });
const views = [
  ["list, 100 tasks with 10 updates a second, 1280 px", "/", ".row", 1280],
  ["list, 100 tasks with 10 updates a second, 390 px", "/", ".row", 390],
  ["task with 1,000 updates a second", `/?task_id=${fast.task_id}`, ".task-title", 1280],
] as const;
await using browser = await TestBrowser.launch();
for (const [name, path, content, width] of views) {
  await using opened = await browser.open(server.url + path, { width, reducedMotion: false });
  await opened.page.waitForSelector(content);
  // deno-lint-ignore no-console -- what it is for
  console.log(await measure(opened.page, name));
}
