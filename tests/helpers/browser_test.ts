import { assertEquals } from "@std/assert";
import { TestBrowser } from "./browser.ts";
import { eventually } from "./eventually.ts";

Deno.test("TestBrowser opens pages apart from each other and tells what they complain about", async () => {
  await using browser = await TestBrowser.launch();
  await using first = await browser.open("data:text/html,<title>one</title>", { width: 390 });
  await using second = await browser.open(
    "data:text/html,<script>console.error('no good'); setTimeout(() => { throw Error('worse') })</script>",
    { scheme: "dark" },
  );
  assertEquals(await first.page.title(), "one");
  assertEquals(await first.page.evaluate(() => innerWidth), 390);
  assertEquals(first.problems, []);
  const dark = () => matchMedia("(prefers-color-scheme: dark)").matches;
  assertEquals([await first.page.evaluate(dark), await second.page.evaluate(dark)], [false, true]);
  await eventually(() => assertEquals(second.problems, ["no good", "Error: worse"]));
});
