import { assertEquals, assertRejects } from "@std/assert";
import { pieces } from "../../../lib/kinds/pieces.ts";

Deno.test("pieces() promises all bytes, in order, none longer than asked", async () => {
  const chunks = [Uint8Array.of(1, 2, 3, 4, 5), new Uint8Array(), Uint8Array.of(6, 7)];
  const seen: number[][] = [];
  const stream = ReadableStream.from(chunks);
  for await (const piece of pieces(stream, new AbortController().signal, 2)) seen.push([...piece]);
  assertEquals(seen, [[1, 2], [3, 4], [5], [6, 7]]);
});

Deno.test("pieces() cancels its stream when it is left", async () => {
  const { promise, resolve } = Promise.withResolvers<string>();
  const stream = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new Uint8Array(1)),
    cancel: () => resolve("canceled"),
  });
  for await (const piece of pieces(stream, new AbortController().signal)) {
    assertEquals(piece.length, 1);
    break;
  }
  assertEquals(await promise, "canceled");
});

Deno.test("pieces() interrupts a pending read when the signal aborts", async () => {
  const controller = new AbortController();
  const canceled = Promise.withResolvers<unknown>();
  const stream = new ReadableStream<Uint8Array>({ cancel: canceled.resolve });
  const step = pieces(stream, controller.signal).next();
  controller.abort(new Error("Timed out"));
  await assertRejects(() => step, Error, "Timed out");
  assertEquals((await canceled.promise as Error).message, "Timed out");
});

Deno.test("pieces() hands on what its stream errors with", async () => {
  let pulls = 0;
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (pulls++ === 0) controller.enqueue(Uint8Array.of(1));
      else controller.error(new Deno.errors.NotFound("The upload is gone"));
    },
  });
  const run = pieces(stream, new AbortController().signal);
  assertEquals((await run.next()).value, Uint8Array.of(1));
  await assertRejects(() => run.next(), Deno.errors.NotFound, "gone");
});
