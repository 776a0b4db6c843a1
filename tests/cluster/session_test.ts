import { assert, assertEquals } from "@std/assert";
import { post } from "../helpers/api.ts";
import { startDenokv, testOnDenokv as test } from "../helpers/denokv.ts";
import { eventually } from "../helpers/eventually.ts";
import { type ServerProcess, startServer } from "../helpers/server.ts";
import { openStream } from "../helpers/sse.ts";

const SECRET = "admin-secret-0123456789";

async function signIn({ url }: ServerProcess): Promise<{ cookie: string }> {
  const response = await post(`${url}/login`, { token: SECRET });
  await response.body?.cancel();
  return { cookie: response.headers.get("set-cookie")!.split(";")[0]! };
}

/** The scopes of a sign-in. This request does not read the store. */
async function scopes({ url }: ServerProcess, headers: { cookie: string }): Promise<string[]> {
  return (await (await fetch(`${url}/login`, { headers })).json()).scopes;
}

async function status({ url }: ServerProcess, headers: { cookie: string }): Promise<number> {
  const response = await fetch(`${url}/tasks`, { headers });
  await response.body?.cancel();
  return response.status;
}

test("POST /logout at one process ends the session in every process, even if the store was down", async () => {
  await using store = await startDenokv();
  const start = () =>
    startServer({
      kv: store.url,
      env: { ...store.env, HEADWAY_ROLE: "web", HEADWAY_TOKENS: `me:admin:${SECRET}` },
    });
  await using one = await start();
  await using two = await start();
  const [out, other] = [await signIn(one), await signIn(two)];
  assertEquals([await status(two, out), await status(one, other)], [200, 200]);
  await using ending = await openStream(`${two.url}/tasks/stream`, { headers: out });
  await using staying = await openStream(`${two.url}/tasks/stream`, { headers: other });
  await ending.collect(1);
  await staying.collect(1);
  assertEquals((await post(`${one.url}/logout`, undefined, out)).status, 204);
  await ending.all();
  assertEquals([await status(one, out), await status(two, out)], [401, 401]);
  assertEquals([staying.ended, await status(two, other)], [false, 200]);

  // While the store is down no other process can learn of the sign-out; once it is back, all do.
  const late = await signIn(one);
  assertEquals(await status(two, late), 200);
  await store.kill();
  const leaving = post(`${one.url}/logout`, undefined, late);
  await eventually(async () => assertEquals(await scopes(one, late), []));
  assertEquals((await scopes(two, late)).length, 3);
  await store.restart();
  const { status: told } = await leaving;
  // It waits at most ten seconds for the store; the sign-out is written in any case.
  assert(told === 204 || told === 503, String(told));
  await eventually(async () => assertEquals(await scopes(two, late), []));
  await using three = await start();
  assertEquals([await status(three, out), await status(three, late)], [401, 401]);
  assertEquals(await status(three, other), 200);
});
