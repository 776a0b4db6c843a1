import { assert, assertEquals } from "@std/assert";
import type { Delivery } from "../../../lib/kv/deliveries.ts";
import { afterTry, answerProblem, GIVE_UP_MS, retryMs } from "../../../lib/webhooks/outcome.ts";

const NEW: Delivery = {
  target: 0,
  origin: "https://a.example",
  event: "completed",
  at: 0,
  since: 0,
  state: "waiting",
  tries: 0,
  next: 20_000,
  by: "s0",
  attempts: [],
};

function tried(status: number | null, error: string | null, retryAfterMs: number | null = null) {
  return { at: 0, ms: 1, status, error, response: "", retryAfterMs };
}

Deno.test("afterTry() waits up to 2 s before the first retry, then longer up to 1 h, and gives up after a day", () => {
  for (const random of [() => 0, () => 0.999, Math.random]) {
    let delivery = NEW;
    let now = 0;
    const waits: number[] = [];
    while (delivery.state === "waiting") {
      delivery = afterTry(delivery, tried(500, "HTTP 500"), now, random);
      waits.push(delivery.next - now);
      now = delivery.next;
    }
    assertEquals(delivery.state, "given_up");
    assertEquals([delivery.by, delivery.tries], [null, waits.length]);
    // No try follows the last one.
    waits.pop();
    assert(waits[0]! >= 500 && waits[0]! <= 2000, `${waits[0]}`);
    assert(waits.every((ms, n) => ms <= 2000 * 2 ** n && ms <= 3600_000), waits.join());
    assert(now <= GIVE_UP_MS && now > GIVE_UP_MS - 3600_000, `${now}`);
    assertEquals(delivery.attempts.length, 30);
  }
});

Deno.test("afterTry() ends a delivery on 2xx and 410, and otherwise waits as long as the target asks", () => {
  const delivered = afterTry(NEW, tried(204, null), 5);
  assertEquals([delivered.state, delivered.by, delivered.tries], ["delivered", null, 1]);
  assertEquals(afterTry(NEW, tried(410, "gone"), 5).state, "given_up");
  const later = afterTry(NEW, tried(429, "HTTP 429", 60_000), 5);
  assertEquals([later.state, later.next], ["waiting", 60_005]);
});

Deno.test("answerProblem() accepts 2xx only, and says that redirects are not followed", () => {
  for (const status of [200, 201, 204, 299]) assertEquals(answerProblem(status), null);
  for (const status of [0, 100, 400, 404, 500, 999]) {
    assertEquals(answerProblem(status), `HTTP ${status}`);
  }
  assertEquals(answerProblem(302), "HTTP 302: redirects are not followed");
});

Deno.test("retryMs() doubles the wait up to an hour, and makes half of it random", () => {
  assertEquals([retryMs(1, () => 0), retryMs(1, () => 1)], [1000, 2000]);
  assertEquals([retryMs(3, () => 0), retryMs(3, () => 1)], [4000, 8000]);
  assertEquals(retryMs(1000, () => 1), 3600_000);
});
