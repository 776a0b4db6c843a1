import { assert, assertEquals, assertLess, assertMatch } from "@std/assert";
import { finished, submit } from "../helpers/api.ts";
import { HANG_MS } from "../helpers/deadline.ts";
import { eventually } from "../helpers/eventually.ts";
import { residentBytes } from "../helpers/memory.ts";
import { type ServerProcess, startServer } from "../helpers/server.ts";
import { openStream, requestBytes } from "../helpers/sse.ts";

const MiB = 1024 * 1024;

function test(name: string, fn: () => Promise<void>): void {
  // What the server's process holds is read from /proc.
  Deno.test({ name, ignore: Deno.build.os !== "linux", fn });
}

function openFiles({ process }: ServerProcess): number {
  return [...Deno.readDirSync(`/proc/${process.pid}/fd`)].length;
}

function connect({ url }: ServerProcess): Promise<Deno.TcpConn> {
  return Deno.connect({ hostname: "127.0.0.1", port: Number(new URL(url).port) });
}

async function answers({ url }: ServerProcess): Promise<void> {
  const response = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(HANG_MS) });
  assertEquals(await response.json(), { status: "ok" });
}

/** Writes until the server closes the connection, which it may do in the middle. */
async function write(socket: Deno.TcpConn, text: string): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) {
    const count = await socket.write(bytes.subarray(at)).catch(() => null);
    if (count === null) return;
    at += count;
  }
}

test("10,000 connections that come and go leave no memory and no file open", async () => {
  await using server = await startServer();
  const { task_id } = await submit(server.url, "echo", null, { delay_ms: 3_600_000 });
  const request = requestBytes(`${server.url}/tasks/${task_id}/stream`);
  const cycles = async (count: number) => {
    for (let n = 0; n < count; n += 50) {
      await Promise.all(Array.from({ length: 50 }, async (_, k) => {
        using socket = await connect(server);
        // Nothing, half a request, a whole one, and one whose answer begins to come.
        if (k % 4 > 0) await socket.write(k % 4 === 1 ? request.subarray(0, 30) : request);
        if (k % 4 === 3) await socket.read(new Uint8Array(64));
      }));
    }
  };
  const files = openFiles(server);
  await cycles(2000);
  const warm = await residentBytes(server.process.pid);
  await cycles(8000);
  await eventually(() => assertLess(openFiles(server), files + 5));
  // Four times as many as before; a leak of the streams alone would be 480 MiB.
  assertLess((await residentBytes(server.process.pid) - warm) / MiB, 60);
  await answers(server);
});

test("clients that disconnect before they sent their whole body leave nothing behind", async () => {
  await using server = await startServer();
  await answers(server);
  const files = openFiles(server);
  for (let n = 0; n < 300; n++) {
    using socket = await connect(server);
    const path = ["/tasks", "/submit", "/uploads", "/tasks/bulk"][n % 4];
    const framing = n % 2 ? "content-length: 5000" : "transfer-encoding: chunked";
    const begun = n % 3 ? "" : n % 2 ? '{"kind":' : '8\r\n{"kind":';
    await write(socket, `POST ${path} HTTP/1.1\r\nhost: localhost\r\n${framing}\r\n\r\n${begun}`);
  }
  await eventually(() => assertLess(openFiles(server), files + 5));
  assertEquals((await fetch(`${server.url}/tasks`).then((it) => it.json())).tasks, []);
  assertEquals(server.stderr.filter((line) => line.includes('"level":"error"')), []);
});

test("floods of headers are refused, and hold no memory and no file afterwards", async () => {
  await using server = await startServer();
  await answers(server);
  const before = await residentBytes(server.process.pid);
  const files = openFiles(server);
  const headers = (count: number) =>
    Array.from({ length: count }, (_, n) => `x-${n}: y\r\n`).join("");
  const refused = /^HTTP\/1\.1 4\d\d /;
  // The server does not read all of it, so its answer may get lost when it closes the connection.
  const refusedOrCut = /^(HTTP\/1\.1 4\d\d |$)/;
  const floods: [flood: string, answer: RegExp][] = [
    [headers(150), refused],
    [headers(10_000), refusedOrCut],
    [`x: ${"y".repeat(4 * MiB)}\r\n`, refusedOrCut],
    [`cookie: ${"a=b; ".repeat(200_000)}\r\n`, refusedOrCut],
  ];
  for (const [flood, expected] of floods) {
    for (let n = 0; n < 25; n++) {
      using socket = await connect(server);
      const request = `GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n`;
      await write(socket, `${request}${flood}\r\n`);
      assertMatch(await new Response(socket.readable).text().catch(() => ""), expected);
    }
  }
  // All of them were 126 MiB.
  assertLess((await residentBytes(server.process.pid) - before) / MiB, 80);
  await eventually(() => assertLess(openFiles(server), files + 5));
  await answers(server);
});

test("1,000 clients that never end their headers keep nobody else from being served", async () => {
  await using server = await startServer();
  const files = openFiles(server);
  const before = await residentBytes(server.process.pid);
  const sockets = await Promise.all(Array.from({ length: 1000 }, () => connect(server)));
  try {
    for (const socket of sockets) await write(socket, "GET /tasks HTTP/1.1\r\nhost: x\r\nx: y");
    const { task_id } = await submit(server.url, "steps", { steps: 5 });
    await using stream = await openStream(`${server.url}/tasks/${task_id}/stream`);
    await stream.all();
    assertEquals(stream.data("complete").length, 1);
    assertLess((await residentBytes(server.process.pid) - before) / MiB, 100);
  } finally {
    for (const socket of sockets) socket.close();
  }
  await eventually(() => assertLess(openFiles(server), files + 10));
});

test("a server without a free file descriptor keeps its streams, and accepts again once it has one", async () => {
  await using server = await startServer();
  const { task_id } = await submit(server.url, "ticker", { interval_ms: 20 });
  await using stream = await openStream(`${server.url}/tasks/${task_id}/stream`);
  await stream.collect(3);
  const limit = openFiles(server) + 60;
  const limited = await new Deno.Command("prlimit", {
    args: ["--pid", String(server.process.pid), `--nofile=${limit}:${limit}`],
  }).output();
  assert(limited.success);
  const sockets: Deno.TcpConn[] = [];
  try {
    await eventually(async () => {
      const more = Array.from({ length: 40 }, () => connect(server).catch(() => null));
      sockets.push(...(await Promise.all(more)).filter((it) => it !== null));
      assert(server.stderr.some((line) => line.includes("Too many open files")));
    }, { interval: 50 });
    const seen = stream.events.length;
    await stream.until((it) => it.events.length > seen + 10);
  } finally {
    for (const socket of sockets) socket.close();
  }
  await eventually(() => answers(server));
  const seen = stream.events.length;
  await stream.until((it) => it.events.length > seen + 10);
  const echo = await submit(server.url, "echo", 7);
  assertEquals((await finished(server.url, echo.task_id)).result, 7);
});
