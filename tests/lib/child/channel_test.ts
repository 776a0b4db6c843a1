import { assertEquals, assertRejects } from "@std/assert";
import { duplexPair } from "node:stream";
import { Channel } from "../../../lib/child/channel.ts";
import type { Frame, FromTasks, ToTasks } from "../../../lib/child/protocol.ts";

Deno.test("Channel carries messages and bytes in order until the other side ends", async () => {
  const [a, b] = duplexPair();
  const got: Frame<ToTasks>[] = [];
  const there = new Channel<ToTasks, FromTasks>(b, (frame) => got.push(frame));
  const here = new Channel<FromTasks, ToTasks>(a, () => {});
  here.send({ type: "ack" });
  const bytes = new Uint8Array(300_000).fill(7);
  await here.sendBytes(3, bytes);
  here.send({ type: "quiesce", run: 1 });
  here.end();
  await there.ended;
  assertEquals(got, [
    { message: { type: "ack" } },
    { number: 3, bytes },
    { message: { type: "quiesce", run: 1 } },
  ]);
  here.destroy();
  there.destroy();
});

Deno.test("Channel.ended rejects if the other side breaks the protocol, and later frames are not taken", async () => {
  for (const wrong of ["nonsense", new SyntaxError("not this one")]) {
    const [a, b] = duplexPair();
    let taken = 0;
    const there = new Channel<ToTasks, FromTasks>(b, () => {
      taken++;
      throw wrong;
    });
    const here = new Channel<FromTasks, ToTasks>(a, () => {});
    if (wrong === "nonsense") a.write("Hello? Is anybody there?");
    here.send({ type: "ack" });
    here.send({ type: "ack" });
    await assertRejects(() => there.ended, SyntaxError);
    assertEquals(taken, wrong === "nonsense" ? 0 : 1);
    here.destroy();
  }
});

Deno.test("Channel gives up if the other side does not read", async () => {
  const [a] = duplexPair();
  const here = new Channel<FromTasks, ToTasks>(a, () => {});
  const bytes = new Uint8Array(4 * 1024 * 1024);
  for (let n = 0; n < 20; n++) void here.sendBytes(n, bytes);
  await assertRejects(() => here.ended, Error, "does not read");
  // A later write resolves, so that its sender does not wait for ever.
  await here.sendBytes(99, bytes);
});
