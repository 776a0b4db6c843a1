import { assert, assertEquals, assertRejects } from "@std/assert";
import { pacedBody } from "../../../lib/http/paced_body.ts";

const KiB = 1024;

Deno.test("pacedBody() gives out the whole body, and returns a small one as it is", async () => {
  for (const size of [0, 1, 128 * KiB - 1, 128 * KiB, 300 * KiB + 7]) {
    const bytes = Uint8Array.from({ length: size }, (_, n) => n % 251);
    const body = pacedBody(bytes);
    assertEquals(body === bytes, size < 128 * KiB);
    assertEquals(new Uint8Array(await new Response(body).arrayBuffer()), bytes);
  }
  const text = "進捗".repeat(50_000);
  assertEquals(await new Response(pacedBody(text)).text(), text);
});

Deno.test("pacedBody() breaks off if its reader stops reading", async () => {
  const body = pacedBody(new Uint8Array(400 * KiB), { stallMs: 20 }) as ReadableStream<Uint8Array>;
  const reader = body.getReader();
  assertEquals((await reader.read()).value?.length, 64 * KiB);
  await assertRejects(() => reader.closed, Error, "The client stopped reading");
});

Deno.test("pacedBody() holds no timer for a reader that has left or has not begun", async () => {
  const body = pacedBody(new Uint8Array(400 * KiB)) as ReadableStream<Uint8Array>;
  assert(!body.locked);
  const reader = body.getReader();
  await reader.read();
  await reader.cancel();
  // The sanitizers would report a timer that is left.
  pacedBody(new Uint8Array(400 * KiB));
});
