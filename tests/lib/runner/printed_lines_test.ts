import { assert, assertEquals, assertLess } from "@std/assert";
import { readPrinted } from "../../../lib/runner/printed_lines.ts";

async function read(chunks: (string | Uint8Array)[]): Promise<{ lines: string[]; left: number }> {
  const lines: string[] = [];
  let left = 0;
  const encoder = new TextEncoder();
  const bytes = async function* () {
    for (const chunk of chunks) yield typeof chunk === "string" ? encoder.encode(chunk) : chunk;
  };
  await readPrinted(bytes(), {
    online: (line) => lines.push(line),
    onleftout: (bytes) => left += bytes,
  });
  return { lines, left };
}

Deno.test("readPrinted() gives lines whole, wherever chunks cut them, and the last one without a newline", async () => {
  const { lines, left } = await read(["a", "b\n\nc", "\r\nd"]);
  assertEquals([lines, left], [["ab", "c\r", "d"], 0]);
  const umlaut = new TextEncoder().encode("ü\n");
  assertEquals((await read([umlaut.slice(0, 1), umlaut.slice(1)])).lines, ["ü"]);
});

Deno.test("readPrinted() keeps the first 8192 characters of a long line", async () => {
  const { lines } = await read(["x".repeat(50_000), "y".repeat(50_000), "\nnext\n"]);
  assertEquals(lines.map((line) => line.length), [8192, 4]);
});

Deno.test("readPrinted() leaves out most of a flood, and reports every byte that it left out", async () => {
  const chunk = `${"x".repeat(63)}\n`.repeat(1024);
  const { lines, left } = await read(Array.from({ length: 100 }, () => chunk));
  assertLess(lines.length, 20_000);
  assert(left > 0);
  assertEquals(64 * lines.length + left, 100 * chunk.length);
});
