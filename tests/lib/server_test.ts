import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { keys } from "../../lib/kv/keys.ts";
import { post } from "../helpers/api.ts";
import { eventually } from "../helpers/eventually.ts";
import { storeThat } from "../helpers/store_that.ts";
import { testApp } from "../helpers/server.ts";

/** A lease so long that nothing but the test writes. */
const LEASE = { HEADWAY_LEASE_MS: "3600000" };

const STEPS = { kind: "steps", input: { steps: 1, interval_ms: 0 } };

async function sessionsOf(kv: Deno.Kv): Promise<Deno.KvKey[]> {
  return await Array.fromAsync(kv.list({ prefix: keys.sessions }), ({ key }) => key);
}

Deno.test("Server starts over when it was taken for dead, even during a restart, and ends up as one session", async () => {
  using kv = await Deno.openKv(":memory:");
  let deaths = 0;
  // As another process does when it finds that the lease is over.
  const deadly = storeThat(kv, async () => {
    if (deaths === 0) return;
    for (const key of await sessionsOf(kv)) {
      deaths--;
      await kv.atomic().delete(key).set(keys.dead(String(key[1])), null).commit();
    }
  });
  await using app = await testApp({ ...LEASE, HEADWAY_LOG: "off" }, { kv: deadly });
  const first = app.engine;
  // The second death comes while the tasks of the first session are returned: no engine is open.
  deaths = 2;
  const refused = await post(`${app.url}/tasks`, STEPS);
  assertEquals(refused.status, 503);
  await refused.body?.cancel();
  await eventually(async () => {
    const taken = await post(`${app.url}/tasks`, STEPS);
    await taken.body?.cancel();
    assertEquals(taken.status, 201);
  });
  assertEquals(deaths, 0);
  assert(app.engine !== first);
  assertEquals(app.metrics.fenced, 2);
  assertEquals(await sessionsOf(kv), [[...keys.sessions, app.engine.store.sid]]);
  await app.stop(0);
  assertEquals(await sessionsOf(kv), []);
});

for (const which of ["HEADWAY_PORT", "HEADWAY_OPS_PORT"]) {
  Deno.test(`Server.listen() stops the server if another program has the port of ${which}`, async () => {
    using other = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    using kv = await Deno.openKv(":memory:");
    const ports = { HEADWAY_PORT: "0", [which]: String(other.addr.port) };
    const { message } = await assertRejects(() => testApp(ports, { kv }), Deno.errors.AddrInUse);
    assertStringIncludes(message, `Port ${other.addr.port} of 127.0.0.1 is in use`);
    assertStringIncludes(message, `set ${which} to another port`);
    assertEquals(await sessionsOf(kv), []);
  });
}

Deno.test("Server.stop() stops once, however often it is called, and sets `stopping` at once", async () => {
  await using app = await testApp();
  assertEquals([app.stopping, app.drain], [false, null]);
  const stops = [app.stop(0), app.stop(1000), app[Symbol.asyncDispose]()];
  assertEquals(app.stopping, true);
  await Promise.all(stops);
  await assertRejects(() => fetch(`${app.url}/readyz`));
});
