import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Page } from "puppeteer-core";
import { post } from "../helpers/api.ts";
import { TestBrowser, type TestPage } from "../helpers/browser.ts";
import { writeCertificate } from "../helpers/certificate.ts";
import { eventually } from "../helpers/eventually.ts";
import { testApp } from "../helpers/server.ts";
import { tempDir } from "../helpers/temp_dir.ts";
import { MovedClock } from "../helpers/moved_clock.ts";

const ADMIN = "admin-secret-0123456789";
const READ = "read-secret-0123456789";
const SUBMIT = "submit-secret-0123456789";
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
    { interval: 25 },
  );
}

/** The problems of a page without the refused requests, which the browser itself reports. */
function otherProblems({ problems }: TestPage): string[] {
  return problems.filter((text) => !/status of 40[13]/.test(text));
}

Deno.test("the page signs in with a token, keeps it in no storage and no URL, and signs out", async () => {
  await using app = await testApp({ HEADWAY_TOKENS });
  const submitted = await post(
    `${app.url}/tasks`,
    { kind: "waits" },
    { authorization: `Bearer ${ADMIN}` },
  ).then((response) => response.json());
  await using browser = await TestBrowser.launch();
  await using visited = await browser.open(`${app.url}/?task_id=${submitted.task_id}`);
  const { page } = visited;
  await shows(page, "Ask the operator of this server for a token.");
  assert(!(await page.content()).includes("waits"));
  await signIn(page, "wrong-secret-0123456789");
  await shows(page, "There is no such token");
  await signIn(page, ADMIN);
  await shows(page, "waits");
  const [cookie, ...others] = await browser.browser.cookies().then((all) =>
    all.length > 0 ? all : page.browserContext().cookies()
  );
  assertEquals(others, []);
  assertMatch(cookie!.name, /^headway-[0-9a-f]{8}$/);
  assertEquals([cookie!.httpOnly, cookie!.sameSite], [true, "Strict"]);
  assertEquals(await page.evaluate(() => document.cookie), "");
  const kept = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }));
  assert(!kept.includes(ADMIN) && !page.url().includes(ADMIN));
  await press(page, "Cancel");
  await shows(page, "Canceled");
  await page.reload();
  await shows(page, "Canceled");
  await press(page, "Sign out");
  await shows(page, "Ask the operator of this server for a token.");
  await eventually(() => assertEquals(app.pulse.size, 0));
  assertEquals(otherProblems(visited), []);
});

Deno.test("signing out in one tab signs out the others, and Back shows no tasks from before", async () => {
  await using app = await testApp({ HEADWAY_TOKENS, HEADWAY_RETRY_MS: "10" });
  await post(`${app.url}/tasks`, { kind: "waits" }, { authorization: `Bearer ${ADMIN}` })
    .then((response) => response.body?.cancel());
  await using browser = await TestBrowser.launch();
  await using visited = await browser.open(app.url);
  const { page } = visited;
  await signIn(page, ADMIN);
  await shows(page, "waits");
  // Loaded with a session, the document itself contains the tasks.
  await page.reload({ waitUntil: "domcontentloaded" });
  await shows(page, "waits");
  const other = await page.browserContext().newPage();
  await other.goto(app.url, { waitUntil: "domcontentloaded" });
  await shows(other, "waits");
  const left = await page.browserContext().newPage();
  await left.goto(app.url, { waitUntil: "domcontentloaded" });
  await shows(left, "waits");
  await left.goto(`${app.url}/healthz`);
  await page.bringToFront();
  await press(page, "Sign out");
  await shows(page, "Ask the operator of this server for a token.");
  await shows(other, "Ask the operator of this server for a token.");
  await eventually(() => assertEquals(app.pulse.size, 0));
  await left.bringToFront();
  const back = await left.goBack({ waitUntil: "domcontentloaded" });
  assert(!(await back!.text()).includes("waits"), "The browser kept the document");
  await shows(left, "Ask the operator of this server for a token.");
});

Deno.test("Chromium keeps the sessions of two Headways on one host apart", async () => {
  await using one = await testApp({ HEADWAY_TOKENS });
  await using two = await testApp({ HEADWAY_TOKENS });
  await using browser = await TestBrowser.launch();
  await using visited = await browser.open(one.url);
  const { page } = visited;
  await signIn(page, ADMIN);
  await shows(page, "No tasks yet");
  await page.goto(two.url, { waitUntil: "domcontentloaded" });
  await signIn(page, READ);
  await shows(page, "No tasks yet");
  await page.goto(one.url, { waitUntil: "domcontentloaded" });
  await shows(page, "No tasks yet");
  await press(page, "Sign out");
  await shows(page, "Ask the operator of this server for a token.");
  await page.goto(two.url, { waitUntil: "domcontentloaded" });
  await shows(page, "No tasks yet");
});

Deno.test("Chromium: over TLS the session's cookie is one that no other page can plant", async () => {
  await using folder = await tempDir();
  const { certFile, keyFile } = await writeCertificate(folder.path);
  await using app = await testApp({
    HEADWAY_TOKENS,
    HEADWAY_TLS_CERT: certFile,
    HEADWAY_TLS_KEY: keyFile,
  });
  await using browser = await TestBrowser.launch({ anyCertificate: true });
  await using visited = await browser.open(app.url);
  const { page } = visited;
  await signIn(page, ADMIN);
  await shows(page, "No tasks yet");
  const [cookie] = await page.browserContext().cookies();
  assertMatch(cookie!.name, /^__Host-headway-[0-9a-f]{8}$/);
  assertEquals([cookie!.secure, cookie!.path], [true, "/"]);
  // A cookie with a longer path would be sent before the session's.
  const planted = await page.evaluate((name) => {
    document.cookie = `${name}=planted; Path=/tasks; Secure`;
    document.cookie = `${name}=planted; Path=/; Domain=${location.hostname}; Secure`;
    return document.cookie;
  }, cookie!.name);
  assertEquals(planted, "");
  // Over HTTP/2 each cookie is sent in its own header.
  await page.evaluate(() => document.cookie = "before=1; Path=/tasks");
  await page.evaluate(() => document.cookie = "beside=1");
  await page.reload({ waitUntil: "domcontentloaded" });
  await shows(page, "No tasks yet");
});

Deno.test("Chromium: a cookie that another page of the host plants before the session's locks nobody out", async () => {
  await using app = await testApp({ HEADWAY_TOKENS });
  await using browser = await TestBrowser.launch();
  await using visited = await browser.open(app.url);
  const { page } = visited;
  await signIn(page, ADMIN);
  await shows(page, "No tasks yet");
  const name = app.auth.cookie.name({ secure: false, path: "/" });
  await page.evaluate((name) => {
    document.cookie = `${name}=planted; Path=/tasks`;
    document.cookie = `${name}=planted; Path=/kinds`;
  }, name);
  const statuses = await page.evaluate(() =>
    Promise.all(["/tasks", "/kinds"].map((path) => fetch(path).then(({ status }) => status)))
  );
  assertEquals(statuses, [200, 200]);
});

Deno.test("the page offers no changes to a session that may only read, and fits a phone", async () => {
  await using app = await testApp({ HEADWAY_TOKENS });
  await using browser = await TestBrowser.launch();
  await using visited = await browser.open(app.url, { width: 390 });
  const { page } = visited;
  await signIn(page, READ);
  await shows(page, "No tasks yet");
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  assert(width <= 390, `Nothing is wider than a phone: ${width}`);
  // The labels of all buttons. None of them may match `change`.
  const offered = () =>
    page.$$eval("button", (all) => all.map(({ innerText }) => innerText.trim()));
  const change = /New task|Start a demo|Delete|Cancel$|Retry|Run again|Edit and run/;
  assertEquals((await offered()).filter((text) => change.test(text)), []);
  await post(`${app.url}/tasks`, { kind: "echo" }, { authorization: `Bearer ${ADMIN}` })
    .then((response) => response.body?.cancel());
  await page.waitForSelector(".row.status-completed");
  assertEquals(await page.$$eval(".row input", (boxes) => boxes.length), 0);
  await page.click(".row-link");
  await page.waitForSelector(".pill.status-completed");
  assertEquals((await offered()).filter((text) => change.test(text)), []);
  assertEquals(otherProblems(visited), []);
});

Deno.test("the page shows a session that may only submit its own tasks, and nobody else's", async () => {
  await using app = await testApp({ HEADWAY_TOKENS: `${HEADWAY_TOKENS},sam:submit:${SUBMIT}` });
  const others = await post(
    `${app.url}/tasks`,
    { kind: "waits" },
    { authorization: `Bearer ${ADMIN}` },
  ).then((response) => response.json());
  await using browser = await TestBrowser.launch();
  await using visited = await browser.open(app.url);
  const { page } = visited;
  await signIn(page, SUBMIT);
  await shows(page, "No tasks yet");
  await shows(page, "Live");
  await page.goto(`${app.url}/?task_id=${others.task_id}`);
  await shows(page, "There is no such task");
  await page.goto(app.url);
  await shows(page, "Live");
  const { task_id } = await post(
    `${app.url}/tasks`,
    { kind: "echo" },
    { authorization: `Bearer ${SUBMIT}` },
  ).then((response) => response.json());
  await page.waitForSelector(`.row.status-completed [href*="${task_id}"]`);
  assertEquals(otherProblems(visited), []);
});

Deno.test("the page asks for a token when its session has expired, and continues after the sign-in", async () => {
  await using app = await testApp({ HEADWAY_TOKENS, HEADWAY_RETRY_MS: "10" });
  await using browser = await TestBrowser.launch();
  await using visited = await browser.open(app.url);
  const { page } = visited;
  await signIn(page, ADMIN);
  await shows(page, "No tasks yet");
  // A day later the session is over, and with it its stream.
  using _ = new MovedClock(86_400_000);
  app.pulse.endAll();
  await shows(page, "Ask the operator of this server for a token.");
  await signIn(page, ADMIN);
  await shows(page, "No tasks yet");
  assertEquals(otherProblems(visited), []);
});

Deno.test("Chromium: an EventSource waits if there is no room, and stops for good if its token is invalid", async () => {
  await using app = await testApp({ HEADWAY_TOKENS, HEADWAY_MAX_STREAMS_PER_CLIENT: "1" });
  const { task_id, token } = await post(
    `${app.url}/tasks`,
    { kind: "echo", delay_ms: 1e6 },
    { authorization: `Bearer ${ADMIN}` },
  ).then((response) => response.json());
  await using browser = await TestBrowser.launch();
  await using visited = await browser.open(`${app.url}/healthz`);
  /** Values of `readyState` after the first events: 0 reconnecting, 1 open, 2 closed for good. */
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
