import { assertEquals } from "@std/assert";
import { followMany } from "../../../lib/feed/follow_many.ts";
import { Hub } from "../../../lib/feed/hub.ts";
import { createLogger } from "../../../lib/base/log.ts";
import { Pulse, SseStream } from "../../../lib/sse/stream.ts";

Deno.test("followMany() listens for nobody when its stream ended while it caught up", async () => {
  using kv = await Deno.openKv(":memory:");
  const log = createLogger({ level: "off" });
  await using hub = await Hub.open({ kv, sid: "s", epoch: "e", alone: true, log });
  using pulse = new Pulse(60_000);
  const stream = new SseStream({ pulse, heartbeatMs: 0, lifeMs: 0, retryMs: 0, queue: 10 });
  const reached = Promise.withResolvers<void>();
  hub.reach = () => reached.promise;
  const following = followMany(stream, { kv, hub, selection: "all", lastEventId: "x" });
  await stream.body.cancel();
  reached.resolve();
  await following;
  assertEquals(hub.listeners, 0);
});
