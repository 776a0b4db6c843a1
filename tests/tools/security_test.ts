import { assert, assertEquals, assertGreater } from "@std/assert";

const ROOT = new URL("../../", import.meta.url);

Deno.test("every promise in SECURITY.md names tests that show it, and these exist", async () => {
  const text = await Deno.readTextFile(new URL("SECURITY.md", ROOT));
  const [, section = ""] = text.split("\n## Promises, and what shows them\n");
  const list = section.split("\n## ")[0]!.replaceAll(/\n### .+\n/g, "");
  const promises = list.split("\n- ").slice(1);
  assertGreater(promises.length, 20);
  const missing: string[] = [];
  for (const promise of promises) {
    const [what, ...tests] = promise.split("\n  - ");
    assert(tests.length > 0, `Nothing shows: ${what}`);
    for (const test of tests) {
      const [, path, name] = /^`(tests\/\S+)`: (.+)$/s.exec(test.trim()) ?? [];
      assert(path !== undefined && name !== undefined, `No test is named by: ${test}`);
      const source = await Deno.readTextFile(new URL(path, ROOT));
      // Markdown breaks a name into lines, and has `__` in backticks.
      const plain = name.replaceAll(/\s+/g, " ").replaceAll("`", "");
      if (!source.includes(plain)) missing.push(`${path}: ${plain}`);
    }
  }
  assertEquals(missing, []);
});
