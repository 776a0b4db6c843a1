import { assert, assertEquals } from "@std/assert";
import { testApp } from "../helpers/server.ts";

/** Bytes of JavaScript and CSS, compressed, that the page may have in all. */
const BUDGET = 60_000;

async function compressed(text: string): Promise<number> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  return (await new Response(stream).bytes()).length;
}

Deno.test("all JavaScript and CSS of the page are less than 60 kB compressed", async () => {
  await using app = await testApp();
  const sizes = new Map<string, number>();
  const todo = ["/"];
  // Whatever one part names is a part too.
  for (let path = todo.pop(); path !== undefined; path = todo.pop()) {
    const response = await fetch(`${app.url}${path}`);
    assertEquals(response.status, 200, path);
    const text = await response.text();
    if (path !== "/") sizes.set(path, await compressed(text));
    const named = new Set(text.match(/\/static\/[\w.]+\.(js|css)(?![\w.])/g));
    todo.push(...[...named].filter((name) => !sizes.has(name) && !todo.includes(name)));
  }
  assertEquals([...sizes.keys()].sort(), [
    "/static/app.js",
    "/static/feed_worker.js",
    "/static/page.css",
  ]);
  const total = [...sizes.values()].reduce((sum, size) => sum + size);
  assert(total > 20_000 && total < BUDGET, JSON.stringify(Object.fromEntries(sizes)));
});
