import { assert, assertEquals, assertMatch, assertNotMatch } from "@std/assert";
import type { Server } from "../../lib/server.ts";
import { eventually } from "../helpers/eventually.ts";
import { openGate } from "../helpers/kinds.ts";
import { PROXIES, type Proxy } from "../helpers/proxy.ts";
import { testApp } from "../helpers/server.ts";
import { openStream } from "../helpers/sse.ts";

const SECRET = "admin-secret-0123456789";
const ADMIN = { authorization: `Bearer ${SECRET}` };

/** Settings as in `deploy/`. Heartbeats are off: they would push on what a proxy holds back. */
const SETTINGS = {
  HEADWAY_TRUST_PROXY: "1",
  HEADWAY_TOKENS: `me:admin:${SECRET}`,
  HEADWAY_HEARTBEAT_MS: "0",
};

/** Registers a test for each proxy. Without the proxy it is ignored, and counted as such. */
function proxyTest(
  promise: string,
  run: (app: Server, proxy: Proxy) => Promise<void>,
  settings: Record<string, string> = {},
): void {
  for (const [name, { command, start }] of Object.entries(PROXIES)) {
    Deno.test({
      name: `behind ${name}, ${promise}${command === null ? ` (there is no ${name})` : ""}`,
      ignore: command === null,
      async fn() {
        await using app = await testApp({ ...SETTINGS, ...settings });
        await using proxy = await start(command!, app.url);
        await run(app, proxy);
      },
    });
  }
}

async function submitTo(
  { url, client }: Proxy,
  kind: string,
  input: unknown = null,
): Promise<{ task_id: string; token: string }> {
  const body = JSON.stringify({ kind, input });
  const response = await fetch(`${url}/tasks`, { method: "POST", client, headers: ADMIN, body });
  const record = await response.json();
  assertEquals(response.status, 201, JSON.stringify(record));
  return record;
}

proxyTest("each event arrives before the next one is made", async (_app, proxy) => {
  const gate = crypto.randomUUID();
  const { task_id, token } = await submitTo(proxy, "gated-rows", { gate, rows: 30 });
  // As a browser sends.
  const headers = { "accept-encoding": "gzip, deflate, br, zstd" };
  const url = `${proxy.url}/tasks/${task_id}/stream?token=${token}`;
  await using stream = await openStream(url, { client: proxy.client, headers });
  await stream.collect(1);
  for (let row = 1; row <= 30; row++) {
    openGate(`${gate}-${row}`);
    await stream.until(() => stream.data("log").some(({ message }) => message === `row ${row}`));
  }
  assertEquals((await stream.all()).at(-1)?.event, "complete");
  assertEquals(stream.data("log").length, 30);
});

proxyTest("a client resumes by Last-Event-ID, and 204 ends it", async (_app, proxy) => {
  const { task_id } = await submitTo(proxy, "steps", { steps: 10 });
  const url = `${proxy.url}/tasks/${task_id}/stream`;
  const options = { client: proxy.client, headers: ADMIN };
  const whole = await openStream(url, { ...options, lastEventId: "0" });
  await whole.all();
  const fifth = whole.events.find(({ event, data }) =>
    event === "log" && JSON.parse(data).message === "step 5"
  )!;
  const rest = await openStream(url, { ...options, lastEventId: fifth.id });
  await rest.all();
  assertEquals(
    rest.data("log").map(({ message }) => message),
    ["step 6", "step 7", "step 8", "step 9", "step 10"],
  );
  const over = await openStream(url, { ...options, lastEventId: whole.lastEventId });
  await over.all();
  assertEquals(over.response.status, 204);
});

proxyTest("a client that leaves is noticed without a heartbeat", async (app, proxy) => {
  const { task_id } = await submitTo(proxy, "waits");
  const url = `${proxy.url}/tasks/${task_id}/stream`;
  const streams = [];
  for (let n = 0; n < 5; n++) {
    streams.push(await openStream(url, { client: proxy.client, headers: ADMIN }));
  }
  for (const stream of streams) await stream.collect(1);
  assertEquals(app.pulse.size, 5);
  for (const stream of streams) await stream.close();
  await eventually(() => assertEquals(app.pulse.size, 0));
  assertEquals(app.pulse.ended.gone, 5);
});

proxyTest("an upload is stored as it comes", async (app, proxy) => {
  const sent = crypto.getRandomValues(new Uint8Array(60_000));
  const goOn = Promise.withResolvers<void>();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller): Promise<void> {
      for (let n = 0; n < 20; n++) controller.enqueue(sent);
      await goOn.promise;
      controller.enqueue(sent);
      controller.close();
    },
  });
  const { client, url } = proxy;
  const answer = fetch(`${url}/uploads`, { method: "POST", client, headers: ADMIN, body });
  await eventually(async () => {
    const chunks = await Array.fromAsync(app.engine.store.kv.list({ prefix: ["piece"] }));
    assert(chunks.length > 0);
  });
  goOn.resolve();
  const upload = await (await answer).json();
  assertEquals(upload.size, 21 * sent.length);
});

proxyTest("who asks is known by address, and that it was by TLS", async (app, proxy) => {
  const { client, url } = proxy;
  const { task_id, token } = await submitTo(proxy, "waits");
  // A client may claim any address in X-Forwarded-For, and is not believed.
  const headers = { authorization: `Bearer ${token}`, "x-forwarded-for": "6.6.6.6" };
  await using stream = await openStream(`${url}/tasks/${task_id}/stream`, { client, headers });
  await stream.collect(1);
  assertEquals(app.places.clients, [`task ${task_id}`, "address 127.0.0.1"]);
  const body = JSON.stringify({ token: SECRET });
  const login = await fetch(`${url}/login`, { method: "POST", client, body });
  await login.body?.cancel();
  assertMatch(login.headers.get("set-cookie")!, /; Secure$/);
});

proxyTest(
  "a write of its own origin is taken, of the same name over HTTP refused",
  async (_app, proxy) => {
    const { client, url } = proxy;
    // As browsers do that do not send Sec-Fetch-Site.
    const status = async (origin: string) => {
      const headers = { ...ADMIN, origin };
      const response = await fetch(`${url}/submit`, { method: "POST", client, headers });
      await response.body?.cancel();
      return response.status;
    };
    assertEquals(await status(new URL(url).origin), 200);
    assertEquals(await status(new URL(url).origin.replace("https:", "http:")), 403);
    assertEquals(await status("https://localhost"), 403);
  },
);

proxyTest("a stream ends with its token, and opens no more", async (app, proxy) => {
  const { client, url } = proxy;
  const other = await submitTo(proxy, "waits");
  // Tries again if the token expires before the stream is open.
  const { address, stream } = await eventually(async () => {
    const { task_id, token } = await submitTo(proxy, "waits");
    const address = `${url}/tasks/${task_id}/stream?token=${token}`;
    const stream = await openStream(address, { client });
    await stream.collect(1);
    return { address, stream };
  });
  await stream.all();
  assertEquals(app.pulse.size, 0);
  const status = async (address: string, lastEventId: string) => {
    const again = await openStream(address, { client, lastEventId });
    await again.all();
    return again.response.status;
  };
  // The stream may end a moment before its token does.
  await eventually(async () => assertEquals(await status(address, stream.lastEventId), 401));
  // Nor do a task's token and an event id open the stream of another task.
  await eventually(async () => {
    const fresh = await submitTo(proxy, "waits");
    const foreign = `${url}/tasks/${other.task_id}/stream?token=${fresh.token}`;
    assertEquals(await status(foreign, stream.lastEventId), 403);
  });
}, { HEADWAY_TASK_TOKEN_MS: "2000" });

for (const name of ["nginx"] as const) {
  const { command, start } = PROXIES[name];
  Deno.test({
    name: `behind ${name}, the proxy's log has no token of a task`,
    ignore: command === null,
    async fn() {
      await using app = await testApp(SETTINGS);
      await using proxy = await start(command!, app.url);
      const { task_id, token } = await submitTo(proxy, "steps", { steps: 1 });
      const url = `${proxy.url}/tasks/${task_id}/stream?token=${token}`;
      await (await openStream(url, { client: proxy.client })).all();
      await eventually(async () => assertMatch(await proxy.log(), /GET \/tasks\/\w+\/stream" 200/));
      assertNotMatch(await proxy.log(), /token|\?/);
    },
  });
}

Deno.test({
  name: "behind caddy, streams are not compressed, since that would delay their events",
  ignore: PROXIES.caddy.command === null,
  async fn() {
    await using app = await testApp(SETTINGS);
    await using proxy = await PROXIES.caddy.start(PROXIES.caddy.command!, app.url);
    const { task_id } = await submitTo(proxy, "steps", { steps: 100 });
    const encoding = async (path: string) => {
      const headers = { ...ADMIN, "accept-encoding": "gzip" };
      const response = await fetch(`${proxy.url}${path}`, { client: proxy.client, headers });
      await response.body?.cancel();
      return response.headers.get("content-encoding");
    };
    for (const path of [`/tasks/${task_id}/stream?last_event_id=0`, "/tasks/stream-all"]) {
      assertEquals(await encoding(path), null, path);
    }
    assertEquals(await encoding(`/tasks/${task_id}/events`), "gzip");
  },
});
