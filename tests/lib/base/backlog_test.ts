import { assertEquals } from "@std/assert";
import { Backlog } from "../../../lib/base/backlog.ts";

const MiB = 1024 * 1024;

/** A response that notes whether the backlog dropped it. */
class Response {
  gone = false;

  constructor(readonly backlog: Backlog) {}

  letGo(): void {
    this.gone = true;
    this.backlog.forget(this);
  }
}

function responses(backlog: Backlog, count: number): Response[] {
  return Array.from({ length: count }, () => new Response(backlog));
}

Deno.test("Backlog drops the readers that took nothing for longest, and no more than it must", () => {
  const backlog = new Backlog({ maxBytes: 10 * MiB });
  const all = responses(backlog, 4);
  for (const [n, each] of all.entries()) backlog.note(each, 2 * MiB, 100 * n, false);
  assertEquals([backlog.size, backlog.bytes], [4, 8 * MiB]);
  // The first reader takes some: now the second has taken nothing for longest.
  backlog.note(all[0]!, 2 * MiB, 1000, true);
  backlog.note(all[3]!, 5 * MiB, 3150, false);
  // 11 MiB wait, and only the second reader is stuck: it took nothing for 3 seconds.
  assertEquals(all.map(({ gone }) => gone), [false, true, false, false]);
  assertEquals([backlog.size, backlog.bytes], [3, 9 * MiB]);
});

Deno.test("Backlog drops no reader that is not stuck, however many bytes wait", () => {
  const backlog = new Backlog({ maxBytes: MiB });
  const all = responses(backlog, 100);
  for (const each of all) backlog.note(each, MiB, 0, false);
  backlog.relieve(2900);
  assertEquals(backlog.size, 100);
  backlog.relieve(3000);
  assertEquals([backlog.size, backlog.bytes], [0, 0]);
});

Deno.test("Backlog counts the bytes that the platform holds for stuck readers", () => {
  const backlog = new Backlog({ maxBytes: 10 * MiB });
  for (const each of responses(backlog, 100)) backlog.note(each, 1, 0, false);
  backlog.relieve(5000);
  // The platform holds half a MiB for each.
  assertEquals(backlog.size, 19);
});

Deno.test("Backlog.room() resolves when there is room, its signal aborts or its patience is over", async () => {
  const backlog = new Backlog({ maxBytes: MiB, patienceMs: 20 });
  await backlog.room();
  const [one] = responses(backlog, 1);
  backlog.note(one!, 2 * MiB, 0, false);
  const leave = new AbortController();
  const order: string[] = [];
  const left = backlog.room(leave.signal).then(() => order.push("left"));
  leave.abort();
  await left;
  const patient = backlog.room().then(() => order.push("out of patience"));
  await patient;
  backlog.note(one!, 3 * MiB, 0, false);
  const waits = backlog.room().then(() => order.push("room"));
  backlog.forget(one!);
  await waits;
  assertEquals(order, ["left", "out of patience", "room"]);
  await backlog.room();
});
