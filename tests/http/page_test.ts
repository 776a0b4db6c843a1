import { assert, assertEquals, assertMatch } from "@std/assert";
import { get, type IncomingMessage } from "node:http";
import { brotliDecompressSync } from "node:zlib";
import { testApp } from "../helpers/server.ts";

/** Bytes of JavaScript and CSS, as they are sent, that the page may have in all. */
const BUDGET = 60_000;

/** An answer as it is on the wire: `fetch` would hand out what was in it. */
async function raw(url: string, headers: Record<string, string>) {
  const response = await new Promise<IncomingMessage>((resolve, reject) =>
    get(url, { headers }, resolve).on("error", reject)
  );
  const bytes = new Uint8Array((await Array.fromAsync(response)).flatMap((part) => [...part]));
  return { status: response.statusCode, headers: response.headers, bytes };
}

Deno.test("all JavaScript and CSS of the page are less than 60 kB as they are sent", async () => {
  await using app = await testApp();
  const sizes = new Map<string, number>();
  const todo = ["/"];
  // Whatever one part names is a part too.
  for (let path = todo.pop(); path !== undefined; path = todo.pop()) {
    const { status, headers, bytes } = await raw(`${app.url}${path}`, { "accept-encoding": "br" });
    assertEquals([status, headers["content-encoding"]], [200, "br"], path);
    const text = new TextDecoder().decode(brotliDecompressSync(bytes));
    if (path !== "/") sizes.set(path, bytes.length);
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

Deno.test("a file goes out as it is to who does not take it compressed, and once to who has it", async () => {
  await using app = await testApp();
  const url = `${app.url}/static/page.css`;
  const plain = await raw(url, {});
  const { etag, vary } = plain.headers;
  assertMatch(etag!, /^W\/"/);
  assertEquals(vary, "accept-encoding");
  for (const encodings of ["gzip, deflate", "br;q=0", "br;q=0.0, gzip", "brotli"]) {
    const { headers, bytes } = await raw(url, { "accept-encoding": encodings });
    assertEquals([headers["content-encoding"], bytes], [undefined, plain.bytes], encodings);
  }
  for (const encodings of ["br", "gzip, deflate, br, zstd", "br;q=0.5"]) {
    const { headers, bytes } = await raw(url, { "accept-encoding": encodings });
    assertEquals([headers["content-encoding"], headers.etag], ["br", etag], encodings);
    assertEquals(new Uint8Array(brotliDecompressSync(bytes)), plain.bytes);
    const again = await raw(url, { "accept-encoding": encodings, "if-none-match": etag! });
    assertEquals([again.status, again.bytes.length], [304, 0]);
  }
});
