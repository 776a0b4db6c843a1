import { assertEquals, assertRejects } from "@std/assert";
import { readChunks } from "../../../lib/kinds/read_chunks.ts";

Deno.test("readChunks() gives all bytes in order, in chunks no longer than asked for", async () => {
  const chunks = [Uint8Array.of(1, 2, 3, 4, 5), new Uint8Array(), Uint8Array.of(6, 7)];
  const seen: number[][] = [];
  const stream = ReadableStream.from(chunks);
  for await (const chunk of readChunks(stream, new AbortController().signal, 2)) {
    seen.push([...chunk]);
  }
  assertEquals(seen, [[1, 2], [3, 4], [5], [6, 7]]);
});

Deno.test("readChunks() cancels its stream when the caller leaves the loop", async () => {
  const { promise, resolve } = Promise.withResolvers<string>();
  const stream = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new Uint8Array(1)),
    cancel: () => resolve("canceled"),
  });
  for await (const chunk of readChunks(stream, new AbortController().signal)) {
    assertEquals(chunk.length, 1);
    break;
  }
  assertEquals(await promise, "canceled");
});

Deno.test("readChunks() interrupts a pending read when the signal aborts", async () => {
  const controller = new AbortController();
  const canceled = Promise.withResolvers<unknown>();
  const stream = new ReadableStream<Uint8Array>({ cancel: canceled.resolve });
  const step = readChunks(stream, controller.signal).next();
  controller.abort(new Error("Timed out"));
  await assertRejects(() => step, Error, "Timed out");
  assertEquals((await canceled.promise as Error).message, "Timed out");
});

Deno.test("readChunks() passes on an error of its stream", async () => {
  let pulls = 0;
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (pulls++ === 0) controller.enqueue(Uint8Array.of(1));
      else controller.error(new Deno.errors.NotFound("The upload is gone"));
    },
  });
  const run = readChunks(stream, new AbortController().signal);
  assertEquals((await run.next()).value, Uint8Array.of(1));
  await assertRejects(() => run.next(), Deno.errors.NotFound, "gone");
});
