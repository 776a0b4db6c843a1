import { assertEquals } from "@std/assert";
import { Backlog } from "../../../lib/base/backlog.ts";

const MiB = 1024 * 1024;

/** A response that says when it is let go. */
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

Deno.test("Backlog lets go of those that took nothing for longest, and of no more than it must", () => {
  const backlog = new Backlog({ maxBytes: 10 * MiB });
  const all = responses(backlog, 4);
  for (const [n, each] of all.entries()) backlog.note(each, 2 * MiB, 100 * n, false);
  assertEquals([backlog.size, backlog.bytes], [4, 8 * MiB]);
  // The first takes some; the second is now the one that took nothing for longest.
  backlog.note(all[0]!, 2 * MiB, 1000, true);
  backlog.note(all[3]!, 5 * MiB, 3150, false);
  // 11 MiB, and of the one that is stuck the platform holds some.
  assertEquals(all.map(({ gone }) => gone), [false, true, false, false]);
  assertEquals([backlog.size, backlog.bytes], [3, 9 * MiB]);
});

Deno.test("Backlog lets go of nobody who is not stuck, however much waits", () => {
  const backlog = new Backlog({ maxBytes: MiB });
  const all = responses(backlog, 100);
  for (const each of all) backlog.note(each, MiB, 0, false);
  backlog.relieve(2900);
  assertEquals(backlog.size, 100);
  backlog.relieve(3000);
  assertEquals([backlog.size, backlog.bytes], [0, 0]);
});

Deno.test("Backlog counts what the platform holds for readers that are stuck", () => {
  const backlog = new Backlog({ maxBytes: 10 * MiB });
  for (const each of responses(backlog, 100)) backlog.note(each, 1, 0, false);
  backlog.relieve(5000);
  // Half a MiB each.
  assertEquals(backlog.size, 19);
});

Deno.test("Backlog.room() waits while it is full, for a while, and not for whoever has left", async () => {
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
