import { assert, assertEquals } from "@std/assert";
import type { Page } from "puppeteer-core";
import { finished, submit, taskWhen } from "../helpers/api.ts";
import { violations } from "../helpers/axe.ts";
import { TestBrowser } from "../helpers/browser.ts";
import { eventually } from "../helpers/eventually.ts";
import { testApp } from "../helpers/server.ts";

/** Reports a view that is wider than the window, and so has to be scrolled sideways. */
async function tooWide(page: Page, view: string): Promise<string[]> {
  const { wide, width } = await page.evaluate(() => ({
    wide: document.documentElement.scrollWidth,
    width: document.documentElement.clientWidth,
  }));
  return wide > width ? [`${view}: ${wide} px wide in ${width}`] : [];
}

/** The rules that depend on the color scheme. */
const COLORS = ["color-contrast"];

/** Pixels of the viewport. */
const HEIGHT = 844;

/**
 * Two looks, in which every view is checked by all rules. Each view is also checked for its
 * contrasts in the other color scheme, and for its fit in the other width.
 */
const LOOKS = [
  { language: "en-US", scheme: "light", width: 1280 },
  { language: "zh-CN", scheme: "dark", width: 390 },
] as const;

for (const { language, scheme, width } of LOOKS) {
  Deno.test(`axe finds nothing wrong with the list, the form and tasks: ${language}, ${scheme}, ${width} px`, async () => {
    await using app = await testApp();
    const address = (id: string) => `${app.url}/?task_id=${id}`;
    const input = { message: "It broke, for a reason that is told at some length", attempts: 9 };
    const failed = await submit(app.url, "throws", input);
    await finished(app.url, failed.task_id);
    const done = await submit(app.url, "steps", { steps: 30 });
    await finished(app.url, done.task_id);
    const said = await submit(app.url, "outputs", { values: [{ a: 1, b: "x" }, "text"] });
    await finished(app.url, said.task_id);
    const levels = await submit(app.url, "levels");
    await finished(app.url, levels.task_id);
    const staged = await submit(app.url, "staged", { rows: 80 });
    await finished(app.url, staged.task_id);
    const waiting = await submit(app.url, "slow-retry");
    await taskWhen(app.url, waiting.task_id, ({ error }) => error !== null);
    await submit(app.url, "echo", 1, { delay_ms: 3_600_000 });
    const running = await submit(app.url, "waits");
    await taskWhen(app.url, running.task_id, ({ message }) => message === "waits");
    await using browser = await TestBrowser.launch();
    const languages = [language];
    await using opened = await browser.open(app.url, { languages, scheme, width, height: HEIGHT });
    const { page, problems } = opened;
    const wrong: string[] = [];
    const show = (value: "light" | "dark", width: number) =>
      Promise.all([
        page.emulateMediaFeatures([
          { name: "prefers-color-scheme", value },
          { name: "prefers-reduced-motion", value: "reduce" },
        ]),
        page.setViewport({ width, height: HEIGHT }),
      ]);
    const otherScheme = scheme === "light" ? "dark" : "light";
    const otherWidth = width === 390 ? 1280 : 390;
    const look = async (view: string) => {
      wrong.push(...await violations(page, view), ...await tooWide(page, view));
      await show(otherScheme, otherWidth);
      const name = `${view}, ${otherScheme}, ${otherWidth} px`;
      wrong.push(...await violations(page, name, COLORS), ...await tooWide(page, name));
      await show(scheme, width);
    };

    await page.waitForSelector(".row");
    await page.waitForSelector(".count-figure");
    await look("list");
    await page.click(".row input");
    await page.waitForSelector(".bulk");
    await look("list with a picked row");
    await page.keyboard.press("?");
    await page.waitForSelector("dialog[open]");
    await look("keys");
    await page.keyboard.press("Escape");
    await eventually(async () => assertEquals(await page.$("dialog"), null));
    await page.goto(`${app.url}/?q=nothing&since=custom`);
    await page.waitForSelector(".empty");
    await look("empty list");

    await page.click(".header .button-primary");
    await page.waitForSelector("input[name=kind]");
    await look("form");
    await page.click("input[value=order]");
    await page.waitForSelector("#field-name");
    await page.click(".form-foot .button-primary");
    await page.waitForSelector("#field-name-problem");
    await look("form with a problem");
    await page.click("input[value=csv-profile]");
    await page.waitForSelector("#field-upload");
    await look("form with a file");

    for (const [view, id] of Object.entries({ running, done, failed, said })) {
      await page.goto(address(id.task_id));
      await page.waitForSelector(".task-title");
      if (view !== "running") await page.waitForSelector(".log-row");
      await look(`${view} task`);
    }
    await page.goto(address(waiting.task_id));
    await page.waitForSelector(".notice");
    await page.waitForSelector(".step-now");
    await look("task that waits for its next attempt");
    await page.goto(address(staged.task_id));
    await page.waitForSelector(".chart-line");
    await page.hover(".chart-plot");
    await page.waitForSelector(".chart-tip");
    await look("chart that is pointed at");
    await page.goto(address(levels.task_id));
    await page.waitForSelector(".level-error");
    await page.type(".log-tools input", "a");
    await page.waitForSelector("mark");
    await look("searched log with every level");
    await page.goto(address("01J00000000000000000000000"));
    await page.waitForSelector("main h1");
    await look("no such task");
    assertEquals(wrong, [], wrong.join("\n\n"));
    assertEquals(problems, []);
  });
}

Deno.test("axe finds nothing wrong with the sign-in form", async () => {
  await using app = await testApp({ HEADWAY_TOKENS: `me:admin:${"s".repeat(32)}` });
  await using browser = await TestBrowser.launch();
  for (const scheme of ["light", "dark"] as const) {
    await using opened = await browser.open(app.url, { scheme, width: 390 });
    const { page } = opened;
    await page.waitForSelector("#login-token");
    const wrong = await violations(page, scheme);
    await page.type("#login-token", "wrong");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".login [role=alert]");
    wrong.push(...await violations(page, `${scheme}, refused`), ...await tooWide(page, scheme));
    assertEquals(wrong, [], wrong.join("\n\n"));
  }
});

Deno.test("the New task dialog takes the focus, keeps it, and gives it back", async () => {
  await using app = await testApp();
  await using browser = await TestBrowser.launch();
  await using opened = await browser.open(app.url);
  const { page, problems } = opened;
  const focus = () =>
    page.evaluate(() => {
      const { activeElement: element } = document;
      return {
        inside: element!.closest("dialog") !== null,
        name: (element as HTMLInputElement).value ?? element!.className,
        body: element === document.body,
      };
    });
  await page.waitForSelector(".empty");
  await page.focus(".header .button-primary");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".kind");
  // The operator's own kinds come first, sorted by name.
  await eventually(async () => {
    assertEquals(await focus(), { inside: true, name: "asks", body: false });
  });
  for (let n = 0; n < 30; n++) {
    await page.keyboard.press("Tab");
    const { inside, body } = await focus();
    // Beyond the last element of the dialog, the focus is in the browser's own controls.
    assert(inside || body);
  }
  await page.keyboard.press("Escape");
  await eventually(async () => assertEquals(await page.$("dialog"), null));
  const { name } = await page.evaluate(() => ({ name: document.activeElement!.className }));
  assert(name.includes("button-primary"), name);
  assertEquals(problems, []);
});

Deno.test("the focused element is outlined and in view, and nothing moves with reduced motion", async () => {
  await using app = await testApp();
  await submit(app.url, "waits");
  await using browser = await TestBrowser.launch();
  await using opened = await browser.open(app.url);
  const { page } = opened;
  await page.waitForSelector(".row");
  const seen = new Set<string>();
  for (let n = 0; n < 20; n++) {
    await page.keyboard.press("Tab");
    const [name, marked] = await page.evaluate(() => {
      const element = document.activeElement!;
      const { outlineStyle, outlineWidth } = getComputedStyle(element);
      const around = [element, element.closest("label, .search")].filter(Boolean) as Element[];
      const ring = around.some((one) => {
        const style = getComputedStyle(one);
        return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
      });
      return [`${element.tagName}.${element.className} ${outlineStyle} ${outlineWidth}`, ring];
    }) as [string, boolean];
    if (name.startsWith("BODY")) break;
    seen.add(name);
    assert(marked, name);
  }
  assert(seen.size >= 8, [...seen].join("\n"));
  // At any scroll position, the focused element is not under the header (WCAG 2.4.11).
  const covered = () =>
    page.evaluate(() => {
      const { top, bottom } = document.activeElement!.getBoundingClientRect();
      const header = document.querySelector(".header")!.getBoundingClientRect();
      return top < header.bottom || bottom > innerHeight
        ? `${document.activeElement!.className}: ${top} to ${bottom}`
        : null;
    });
  await page.setViewport({ width: 1280, height: 400 });
  for (const selector of ["main", ".task"]) {
    if (selector === ".task") await page.click(".row-link");
    await page.waitForSelector(selector);
    await page.evaluate(() => {
      document.body.style.minHeight = "2000px";
      // Scrolls until the search field is beneath the header.
      const search = document.querySelector("main input[type=search]")!;
      scrollBy(0, search.getBoundingClientRect().top - 20);
    });
    await page.keyboard.press("/");
    assertEquals(await covered(), null);
    await page.keyboard.press("Escape");
    for (let n = 0; n < 8; n++) {
      await page.keyboard.down("Shift");
      await page.keyboard.press("Tab");
      await page.keyboard.up("Shift");
      const inHeader = await page.evaluate(() =>
        document.activeElement!.closest(".header, .skip, body:focus") !== null
      );
      if (!inHeader) assertEquals(await covered(), null);
    }
  }
  const moving = await page.evaluate(() =>
    document.getAnimations().filter(({ playState }) => playState === "running").length
  );
  assertEquals(moving, 0);
});
