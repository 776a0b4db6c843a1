/**
 * Clients that others wrote, which have to work without any code of ours.
 *
 * @module
 */

import { assert, assertEquals, assertGreater, assertNotEquals } from "@std/assert";
import { EventSource } from "eventsource";
import { createParser } from "eventsource-parser";
import { finished, storedEvents, submit } from "../helpers/api.ts";
import { TestBrowser, type TestPage } from "../helpers/browser.ts";
import { eventually } from "../helpers/eventually.ts";
import { closedGate, openGate } from "../helpers/gate.ts";
import { startServer, testApp } from "../helpers/server.ts";
import { tempDir } from "../helpers/temp_dir.ts";

/** What a client saw: the names and ids of its events, in order, and whether it has given up. */
interface Seen {
  events: [event: string, id: string][];
  /** Connections that were opened. */
  opens: number;
  /** 0 connecting, 1 open, 2 closed for good. */
  state: number;
}

/** A client that watches one task. */
interface Client extends AsyncDisposable {
  watch(url: string): Promise<void>;
  seen(): Promise<Seen>;
}

/** The npm package `eventsource`. */
function packageClient(): Client {
  const seen: Seen = { events: [], opens: 0, state: 0 };
  let source: EventSource;
  return {
    watch(url) {
      source = new EventSource(url);
      source.onopen = () => seen.opens++;
      for (const name of ["message", "log", "complete", "reset"]) {
        source.addEventListener(name, (event) => seen.events.push([name, event.lastEventId]));
      }
      return Promise.resolve();
    },
    seen: () => Promise.resolve({ ...seen, state: source.readyState }),
    [Symbol.asyncDispose]() {
      source.close();
      return Promise.resolve();
    },
  };
}

/** A page in Chromium, at the server's own origin. */
function browserClient({ page, [Symbol.asyncDispose]: dispose }: TestPage): Client {
  return {
    async watch(url) {
      await page.goto(new URL("/healthz", url).href);
      await page.evaluate((url) => {
        const seen = { events: [] as [string, string][], opens: 0, state: 0 };
        const source = new globalThis.EventSource(url);
        source.onopen = () => seen.opens++;
        for (const name of ["message", "log", "complete", "reset"]) {
          source.addEventListener(
            name,
            (event) => seen.events.push([name, (event as MessageEvent).lastEventId]),
          );
        }
        Object.assign(globalThis, { look: () => ({ ...seen, state: source.readyState }) });
      }, url);
    },
    seen: () => page.evaluate("look()") as Promise<Seen>,
    [Symbol.asyncDispose]: dispose,
  };
}

async function openClients(owned: AsyncDisposableStack): Promise<[name: string, Client][]> {
  const browser = owned.use(await TestBrowser.launch());
  const page = owned.use(browserClient(await browser.open("about:blank")));
  return [["eventsource", owned.use(packageClient())], ["Chromium", page]];
}

Deno.test("an EventSource that is not closed stops by itself when the task is complete", async () => {
  await using owned = new AsyncDisposableStack();
  const clients = await openClients(owned);
  const app = owned.use(await testApp({ HEADWAY_RETRY_MS: "10" }));
  const { task_id } = await submit(app.url, "log-many", { rows: 20, pause_ms: 10 });
  for (const [, client] of clients) {
    await client.watch(`${app.url}/tasks/${task_id}/stream?last_event_id=0`);
  }
  for (const [name, client] of clients) {
    // It reconnects, and the 204 that it gets ends it.
    await eventually(async () => assertEquals((await client.seen()).state, 2));
    const { events, opens } = await client.seen();
    assertEquals(opens, 1, name);
    assertEquals(events.filter(([event]) => event === "log").length, 20, name);
    assertEquals(events.filter(([event]) => event === "complete").length, 1, name);
    assertEquals(events.at(-1)![0], "complete", name);
  }
  assertEquals(app.pulse.size, 0);
});

Deno.test("an EventSource resumes where it was when its stream's life is over", async () => {
  await using owned = new AsyncDisposableStack();
  const clients = await openClients(owned);
  const app = owned.use(
    await testApp({ HEADWAY_RETRY_MS: "10", HEADWAY_STREAM_LIFE_MS: "100" }),
  );
  const { task_id } = await submit(app.url, "log-many", { rows: 100, gate: "lives" });
  for (const [, client] of clients) {
    await client.watch(`${app.url}/tasks/${task_id}/stream?last_event_id=0`);
  }
  for (const [, client] of clients) {
    await eventually(async () => assertGreater((await client.seen()).opens, 2));
  }
  openGate("lives");
  const stored = await finished(app.url, task_id).then(() => storedEvents(app.url, task_id));
  const kept = stored.filter(({ event }) => event !== "message")
    .map(({ event, seq }) => [event, String(seq)]);
  for (const [name, client] of clients) {
    await eventually(async () => assertEquals((await client.seen()).state, 2));
    const { events } = await client.seen();
    assertEquals(events.filter(([event]) => event !== "message"), kept, name);
  }
});

Deno.test("an EventSource loses nothing and gets nothing twice when the server is killed and started again", async () => {
  await using owned = new AsyncDisposableStack();
  const clients = await openClients(owned);
  const gate = owned.use(closedGate());
  const kv = `${owned.use(await tempDir()).path}/test.db`;
  const env = { HEADWAY_RETRY_MS: "50" };
  const first = owned.use(await startServer({ kv, env }));
  const { task_id } = await submit(first.url, "steps", { steps: 200, gate: gate.url });
  for (const [, client] of clients) {
    await client.watch(`${first.url}/tasks/${task_id}/stream?last_event_id=0`);
  }
  for (const [, client] of clients) {
    await eventually(async () => assertGreater((await client.seen()).events.length, 50));
  }
  await first.kill("SIGKILL");
  const { port } = new URL(first.url);
  const second = owned.use(await startServer({ kv, env: { ...env, HEADWAY_PORT: port } }));
  gate.open();
  const end = await finished(second.url, task_id);
  assertEquals([end.status, end.attempt], ["completed", 1]);
  const stored = await storedEvents(second.url, task_id);
  const kept = stored.filter(({ event }) => event !== "message")
    .map(({ event, seq }) => [event, String(seq)]);
  const steps = stored.map(({ data }) => data.message).filter((text) => /^step /.test(text));
  assertEquals(new Set(steps).size, 200);
  for (const [name, client] of clients) {
    await eventually(async () => assertEquals((await client.seen()).state, 2));
    const { events, opens } = await client.seen();
    assertEquals(opens, 2, name);
    assertEquals(events.filter(([event]) => event !== "message"), kept, name);
    const ids = events.map(([, id]) => Number(id));
    assertEquals(ids, ids.toSorted((a, b) => a - b), name);
  }
});

Deno.test("curl tells a stream that was cut from one that ended, and resumes it by Last-Event-ID", async () => {
  await using gate = closedGate();
  await using directory = await tempDir();
  const kv = `${directory.path}/test.db`;
  const curl = (url: string, lastEventId: string) =>
    new Deno.Command("curl", {
      args: ["-sN", "-H", `Last-Event-ID: ${lastEventId}`, url],
      stdout: "piped",
      stderr: "null",
    }).spawn();
  const read: string[] = [];
  let lastEventId = "0";
  const parse = (text: string) =>
    createParser({
      onId: (id) => lastEventId = id,
      onEvent: ({ event = "message", id }) => event !== "message" && read.push(`${event} ${id}`),
    }).feed(text);
  let task_id: string;
  {
    await using server = await startServer({ kv });
    ({ task_id } = await submit(server.url, "steps", { steps: 100, gate: gate.url }));
    await using child = curl(`${server.url}/tasks/${task_id}/stream`, lastEventId);
    const decoder = new TextDecoder();
    let text = "";
    let killed: Promise<unknown> | undefined;
    for await (const chunk of child.stdout) {
      text += decoder.decode(chunk, { stream: true });
      if (text.includes("step 30")) killed ??= server.kill("SIGKILL");
    }
    await killed;
    assertNotEquals((await child.status).code, 0);
    parse(text);
    assert(!read.some((it) => it.startsWith("complete")));
  }
  await using server = await startServer({ kv });
  gate.open();
  await finished(server.url, task_id);
  const { code, stdout } = await curl(`${server.url}/tasks/${task_id}/stream`, lastEventId)
    .output();
  assertEquals(code, 0);
  parse(new TextDecoder().decode(stdout));
  const stored = await storedEvents(server.url, task_id);
  assertEquals(
    read,
    stored.filter(({ event }) => event !== "message").map(({ event, seq }) => `${event} ${seq}`),
  );
});
