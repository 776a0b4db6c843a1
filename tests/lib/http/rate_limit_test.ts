import { assertEquals } from "@std/assert";
import { RateLimit } from "../../../lib/http/rate_limit.ts";

Deno.test("RateLimit.take() gives each client a burst of its own, and then tokens at the rate", () => {
  let now = 0;
  const limit = new RateLimit({ rate: 2, burst: 3, now: () => now });
  const takes = (client: string, count: number) =>
    Array.from({ length: count }, () => limit.take(client));
  assertEquals(takes("a", 4), [0, 0, 0, 500]);
  assertEquals(takes("b", 1), [0]);
  now = 250;
  assertEquals(takes("a", 1), [250]);
  now = 500;
  assertEquals(takes("a", 2), [0, 500]);
  now = 1e9;
  assertEquals(takes("a", 4), [0, 0, 0, 500]);
});

Deno.test("RateLimit forgets the clients that were silent longest, and no more than it must", () => {
  const limit = new RateLimit({ rate: 1, burst: 1, max: 2, now: () => 0 });
  limit.take("a");
  limit.take("b");
  limit.take("a");
  limit.take("c");
  assertEquals(limit.size, 2);
  assertEquals([limit.take("a"), limit.take("b")], [1000, 0]);
});
