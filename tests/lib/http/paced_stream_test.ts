import { assert, assertEquals, assertRejects } from "@std/assert";
import { Backlog } from "../../../lib/base/backlog.ts";
import { pacedStream } from "../../../lib/http/paced_stream.ts";

const BLOCK = 1000;

/** Blocks, with how many of them were asked for, and whether their generator has ended. */
function source(count: number, failing = Infinity) {
  const asked = { blocks: 0, ended: false };
  const blocks = (async function* () {
    try {
      for (let n = 0; n < count; n++) {
        asked.blocks++;
        if (n === failing) throw new Error("it is gone");
        yield await Promise.resolve(new Uint8Array(BLOCK).fill(n));
      }
    } finally {
      asked.ended = true;
    }
  })();
  return { blocks, asked };
}

Deno.test("pacedStream() gives all blocks in order, and is at most one block ahead of its reader", async () => {
  const { blocks, asked } = source(5);
  const backlog = new Backlog();
  const body = pacedStream(blocks, { held: 2 * BLOCK, backlog });
  const reader = body.getReader();
  const got: number[] = [];
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    got.push(part.value[0]!);
    assert(asked.blocks <= got.length + 1, `${asked.blocks} for ${got.length}`);
  }
  assertEquals([got, asked.ended, backlog.size], [[0, 1, 2, 3, 4], true, 0]);
});

Deno.test("pacedStream() drops a reader that stops, and ends the generator of its blocks", async () => {
  const { blocks, asked } = source(5);
  const backlog = new Backlog();
  const body = pacedStream(blocks, { held: 2 * BLOCK, stallMs: 20, backlog });
  const reader = body.getReader();
  await reader.read();
  assertEquals(backlog.bytes, 2 * BLOCK);
  await assertRejects(() => reader.closed, Error, "The client stopped reading");
  assertEquals(backlog.bytes, 0);
  await blocks.next();
  assert(asked.ended);
});

Deno.test("pacedStream() fails where its blocks fail, and holds nothing for a reader that has left", async () => {
  const backlog = new Backlog();
  const broken = source(5, 2);
  const reader = pacedStream(broken.blocks, { held: 2 * BLOCK, backlog }).getReader();
  await reader.read();
  await reader.read();
  await assertRejects(() => reader.read(), Error, "it is gone");
  const left = source(5);
  const leaver = pacedStream(left.blocks, { held: 2 * BLOCK, backlog }).getReader();
  await leaver.read();
  await leaver.cancel();
  await left.blocks.next();
  assertEquals([left.asked.ended, backlog.size], [true, 0]);
});
