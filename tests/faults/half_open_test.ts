import { assert, assertEquals } from "@std/assert";
import { createParser } from "eventsource-parser";
import { finished, storedEvents, submit } from "../helpers/api.ts";
import { eventually } from "../helpers/eventually.ts";
import { openGate } from "../helpers/gate.ts";
import { HAS_NETWORK, openNetwork } from "../helpers/network.ts";
import { testApp } from "../helpers/server.ts";
import { openStream } from "../helpers/sse.ts";

if (!HAS_NETWORK) {
  // deno-lint-ignore no-console -- a test that is left out must be seen
  console.warn(
    "a network cannot be laid here (root and iproute2 on Linux): its tests are left out",
  );
}

/** A client on another machine, which prints what it gets. */
const CLIENT = `
const [url, id] = Deno.args;
const headers = { accept: "text/event-stream", "last-event-id": id };
const { status, body } = await fetch(url, { headers });
console.log(": " + status + "\\n");
await body?.pipeTo(Deno.stdout.writable);
`;

Deno.test({
  name:
    "sse 19: the stream of a client that vanished from the network ends, and can be resumed without loss",
  ignore: !HAS_NETWORK,
  async fn() {
    await using network = (await openNetwork())!;
    await using app = await testApp({
      HEADWAY_HOST: network.host,
      HEADWAY_INSECURE: "1",
      HEADWAY_HEARTBEAT_MS: "200",
      HEADWAY_STREAM_LIFE_MS: "3000",
    });
    const { listeners } = app.engine.hub;
    const input = { steps: 400, interval_ms: 20, gate: "cable" };
    const { task_id } = await submit(app.url, "steps", input);
    const url = `${app.url}/tasks/${task_id}/stream`;

    /** Runs the client until `enough` is true of its rows, or to the end of its stream. */
    async function client(lastId: string, enough: (count: number) => boolean) {
      const rows: string[] = [];
      let id = lastId;
      const parser = createParser({
        onId: (it) => id = it,
        onEvent: ({ event, data }) => {
          if (event === "log") rows.push(JSON.parse(data).message);
        },
      });
      const args = ["eval", "--quiet", "--ext=js", CLIENT, url, lastId];
      const child = network.command(Deno.execPath(), args).spawn();
      const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
      while (!enough(rows.length)) {
        const { done, value } = await reader.read();
        if (done) break;
        parser.feed(value);
      }
      return {
        rows,
        id: () => id,
        async leave() {
          try {
            child.kill("SIGKILL");
          } catch {
            // It has ended by itself.
          }
          await reader.cancel();
          await child.status;
        },
      };
    }

    let first = await client("0", (count) => count >= 20);
    // Tries again if the life of the stream is over by now.
    while (app.pulse.size < 1) {
      await first.leave();
      first = await client("0", (count) => count >= 20);
    }
    await network.cut();
    // The server does not even learn that the client ends.
    await first.leave();
    await using near = await openStream(url, { lastEventId: "0" });
    await near.until((it) => it.ended || it.data("log").length >= first.rows.length + 20);
    await eventually(() => {
      // The near client's stream is open, or its life is over as well.
      assertEquals(app.places.clients.length, near.ended ? 0 : 1);
      assertEquals(app.pulse.size, near.ended ? 0 : 1);
    });
    await near.closed;
    assertEquals(near.broken, undefined);
    await eventually(() => assertEquals(app.engine.hub.listeners, listeners));

    await network.heal();
    openGate("cable");
    const rows = [...first.rows];
    let lastId = first.id();
    while (rows.at(-1) !== "step 400") {
      const again = await client(lastId, () => false);
      rows.push(...again.rows);
      lastId = again.id();
      await again.leave();
    }
    const stored = (await storedEvents(app.url, task_id)).filter(({ event }) => event === "log");
    assertEquals(rows, stored.map(({ data }) => data.message));
    assert((await finished(app.url, task_id)).status === "completed");
  },
});

Deno.test({
  name: "sse 19: the stream of a client that vanished from the network ends when its token expires",
  ignore: !HAS_NETWORK,
  async fn() {
    await using network = (await openNetwork())!;
    const secret = "admin-secret-0123456789";
    await using app = await testApp({
      HEADWAY_HOST: network.host,
      HEADWAY_TOKENS: `me:admin:${secret}`,
      HEADWAY_TASK_TOKEN_MS: "4000",
      // Only the token ends the stream.
      HEADWAY_STREAM_LIFE_MS: "0",
      HEADWAY_HEARTBEAT_MS: "200",
    });
    /** A client that has read of its task; `null` if its token expired before. */
    async function client() {
      const response = await fetch(`${app.url}/tasks`, {
        method: "POST",
        headers: { authorization: `Bearer ${secret}` },
        body: JSON.stringify({ kind: "ticker", input: { interval_ms: 50 } }),
      });
      const { task_id, token } = await response.json();
      const url = `${app.url}/tasks/${task_id}/stream?token=${token}`;
      const args = ["eval", "--quiet", "--ext=js", CLIENT, url, "0"];
      const child = network.command(Deno.execPath(), args).spawn();
      const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
      const leave = async () => {
        try {
          child.kill("SIGKILL");
        } catch {
          // It has ended by itself.
        }
        await reader.cancel();
        await child.status;
      };
      for (let read = ""; !read.includes("tick ");) {
        const { done, value } = await reader.read();
        if (done) return await leave().then(() => null);
        read += value;
      }
      return { leave };
    }
    let far = await client();
    while (far === null || app.pulse.size < 1) {
      await far?.leave();
      far = await client();
    }
    const { life } = app.pulse.ended;
    await network.cut();
    await eventually(() => assertEquals(app.pulse.size, 0));
    assertEquals(app.pulse.ended.life, life + 1);
    await far.leave();
  },
});
