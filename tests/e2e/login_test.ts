import { assert, assertEquals } from "@std/assert";
import type { Page } from "puppeteer-core";
import { post } from "../helpers/api.ts";
import { TestBrowser, type TestPage } from "../helpers/browser.ts";
import { eventually } from "../helpers/eventually.ts";
import { testApp } from "../helpers/server.ts";

const ADMIN = "admin-secret-0123456789";
const READ = "read-secret-0123456789";
const HEADWAY_TOKENS = `boss:admin:${ADMIN},eye:read:${READ}`;

async function press(page: Page, name: string): Promise<void> {
  await page.locator(`::-p-aria([role="button"][name="${name}"])`).click();
}

async function signIn(page: Page, token: string): Promise<void> {
  await page.locator("#login-token").fill(token);
  await press(page, "Sign in");
}

/** Waits until the page shows a text. */
async function shows(page: Page, text: string): Promise<void> {
  await eventually(
    async () => assert((await page.$eval("body", (body) => body.innerText)).includes(text), text),
    { timeout: 20_000, interval: 25 },
  );
}

/** What it complained about, but for what it was refused, which the browser itself reports. */
function otherProblems({ problems }: TestPage): string[] {
  return problems.filter((text) => !/status of 40[13]/.test(text));
}

Deno.test("the page asks for a token, shows what it opens, and forgets it when told", async () => {
  await using app = await testApp({ HEADWAY_TOKENS });
  const submitted = await post(
    `${app.url}/tasks`,
    { kind: "waits" },
    { authorization: `Bearer ${ADMIN}` },
  ).then((response) => response.json());
  await using browser = await TestBrowser.launch();
  await using visited = await browser.open(`${app.url}/?task_id=${submitted.task_id}`);
  const { page } = visited;
  await shows(page, "Whoever runs this server gives you one.");
  assert(!(await page.content()).includes("waits"));
  await signIn(page, "wrong-secret-0123456789");
  await shows(page, "There is no such token");
  await signIn(page, ADMIN);
  await shows(page, "waits");
  const [cookie, ...others] = await browser.browser.cookies().then((all) =>
    all.length > 0 ? all : page.browserContext().cookies()
  );
  assertEquals(others, []);
  assertEquals([cookie!.name, cookie!.httpOnly, cookie!.sameSite], ["headway", true, "Strict"]);
  assertEquals(await page.evaluate(() => document.cookie), "");
  const kept = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }));
  assert(!kept.includes(ADMIN) && !page.url().includes(ADMIN));
  await press(page, "Cancel");
  await shows(page, "Canceled");
  await page.reload();
  await shows(page, "Canceled");
  await press(page, "Sign out");
  await shows(page, "Whoever runs this server gives you one.");
  await eventually(() => assertEquals(app.pulse.size, 0));
  assertEquals(otherProblems(visited), []);
});

Deno.test("the page of who may only read says what they may not", async () => {
  await using app = await testApp({ HEADWAY_TOKENS });
  await using browser = await TestBrowser.launch();
  await using visited = await browser.open(app.url, { width: 390 });
  const { page } = visited;
  await signIn(page, READ);
  await shows(page, "No tasks yet");
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  assert(width <= 390, `Nothing is wider than a phone: ${width}`);
  await press(page, "New task");
  await press(page, "Start");
  await shows(page, "This needs the scope 'submit', which the token has not");
  assertEquals(otherProblems(visited), []);
});

Deno.test("the page asks for the token again when its session is over, and goes on", async () => {
  await using app = await testApp({
    HEADWAY_TOKENS,
    HEADWAY_SESSION_MS: "2000",
    HEADWAY_RETRY_MS: "10",
  });
  await using browser = await TestBrowser.launch();
  await using visited = await browser.open(app.url);
  const { page } = visited;
  await signIn(page, ADMIN);
  await shows(page, "No tasks yet");
  await shows(page, "Whoever runs this server gives you one.");
  await signIn(page, ADMIN);
  await shows(page, "No tasks yet");
  assertEquals(otherProblems(visited), []);
});

Deno.test("Chromium: an EventSource for which there is no room waits, and one whose token ended stops", async () => {
  await using app = await testApp({ HEADWAY_TOKENS, HEADWAY_MAX_STREAMS_PER_CLIENT: "1" });
  const { task_id, token } = await post(
    `${app.url}/tasks`,
    { kind: "echo", delay_ms: 1e6 },
    { authorization: `Bearer ${ADMIN}` },
  ).then((response) => response.json());
  await using browser = await TestBrowser.launch();
  await using visited = await browser.open(`${app.url}/healthz`);
  /** The states in which it is when something came: 1 open, 0 waiting, 2 closed for good. */
  const states = await visited.page.evaluate(async (url) => {
    const told = (source: EventSource) =>
      new Promise<number>((resolve) => {
        source.onmessage = source.onerror = () => resolve(source.readyState);
      });
    const open = (query: string) => new EventSource(url + query);
    const first = open("");
    const states = [await told(first)];
    const second = open("&x=2");
    states.push(await told(second), first.readyState);
    const wrong = open("x");
    states.push(await told(wrong));
    for (const source of [first, second, wrong]) source.close();
    return states;
  }, `${app.url}/tasks/${task_id}/stream?token=${token}`);
  assertEquals(states, [1, 0, 1, 2]);
});
