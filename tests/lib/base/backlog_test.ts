import { assertEquals } from "@std/assert";
import { Backlog } from "../../../lib/base/backlog.ts";
import { nextTurn } from "../../../lib/child/run_events.ts";
import { FakeTimers } from "../../helpers/fake_timers.ts";

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

Deno.test("Backlog.room() resolves when there is room, its signal aborts or its patience is over, not before", async () => {
  using timers = new FakeTimers();
  const backlog = new Backlog({ maxBytes: MiB, patienceMs: 20 });
  const order: string[] = [];
  const wait = (name: string, signal?: AbortSignal) =>
    backlog.room(signal).then(() => void order.push(name));
  await wait("at once");
  const [one] = responses(backlog, 1);
  backlog.note(one!, 2 * MiB, 0, false);
  const leave = new AbortController();
  const left = wait("left", leave.signal);
  const patient = wait("out of patience");
  await timers.pass(19);
  await nextTurn();
  assertEquals(order.splice(0), ["at once"]);
  leave.abort();
  await left;
  assertEquals(order.splice(0), ["left"]);
  await wait("left before", leave.signal);
  await timers.pass(1);
  await patient;
  assertEquals(order.splice(0), ["left before", "out of patience"]);
  const room = wait("room");
  await nextTurn();
  assertEquals(order, []);
  backlog.forget(one!);
  await room;
  await wait("at once");
  assertEquals([order, timers.waiting], [["room", "at once"], 0]);
});
