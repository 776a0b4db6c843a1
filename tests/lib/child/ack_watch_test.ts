import { assertEquals } from "@std/assert";
import { AckWatch } from "../../../lib/child/ack_watch.ts";

function watching() {
  const asked: string[] = [];
  const broken: string[] = [];
  const watch = new AckWatch({
    send: ({ type }) => asked.push(type),
    onbroken: (why) => broken.push(why),
  });
  return { watch, asked, broken };
}

Deno.test("AckWatch asks only about a long wait, and keeps waiting while the server has not sent the ack", () => {
  const { watch, asked, broken } = watching();
  watch.look();
  for (let batch = 0; batch < 3; batch++) {
    watch.batchSent();
    watch.look();
    watch.ackTaken();
  }
  watch.look();
  assertEquals(asked, []);
  watch.batchSent();
  watch.look();
  // While the store takes nothing, the server sends no ack, for however long that lasts.
  for (let times = 1; times < 100; times++) {
    watch.look();
    assertEquals(asked.length, times);
    watch.answer({ type: "counts", batches: 4, acks: 3 });
  }
  watch.ackTaken();
  watch.look();
  assertEquals([asked.length, broken], [99, []]);
});

Deno.test("AckWatch reports a lost ack or batch, once", () => {
  for (
    const [counts, why] of [
      [{ batches: 1, acks: 1 }, "an acknowledgement from the server was lost"],
      [{ batches: 0, acks: 0 }, "a batch did not reach the server"],
    ] as const
  ) {
    const { watch, broken } = watching();
    watch.batchSent();
    for (let looks = 0; looks < 3; looks++) watch.look();
    watch.answer({ type: "counts", ...counts });
    watch.answer({ type: "counts", ...counts });
    assertEquals(broken, [why]);
  }
});

Deno.test("AckWatch reports no loss if the ack was on its way when it asked", () => {
  const { watch, broken } = watching();
  watch.batchSent();
  for (let looks = 0; looks < 2; looks++) watch.look();
  // The server sends the ack before its answer.
  watch.ackTaken();
  watch.answer({ type: "counts", batches: 1, acks: 1 });
  assertEquals(broken, []);
});

Deno.test("AckWatch gives up on a server that leaves ten questions unanswered", () => {
  const { watch, asked, broken } = watching();
  watch.batchSent();
  for (let looks = 0; looks < 20; looks++) watch.look();
  assertEquals([asked.length, broken], [10, ["the server does not answer"]]);
});
