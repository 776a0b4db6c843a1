import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Address, post, PostError, type PostOptions } from "../../../lib/webhooks/post.ts";
import { parseAllowed, Reach } from "../../../lib/webhooks/reach.ts";
import { makeCertificate } from "../../helpers/certificate.ts";

const HERE = new Reach(parseAllowed(["127.0.0.1"])!);
const BODY = new TextEncoder().encode('{"type":"task.completed"}');
const never = new AbortController().signal;

interface Listening extends AsyncDisposable {
  readonly port: number;
  /** Connections that were accepted. */
  readonly taken: number;
}

/** Listens for TCP, and calls `talk` with each connection and the start of its request. */
function listen(talk: (connection: Deno.TcpConn, request: string) => Promise<unknown>): Listening {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  let taken = 0;
  const serving = (async () => {
    const talks: Promise<void>[] = [];
    for await (const connection of listener) {
      taken++;
      talks.push(
        (async () => {
          using _ = connection;
          const bytes = new Uint8Array(4096);
          const length = await connection.read(bytes) ?? 0;
          await talk(connection, new TextDecoder().decode(bytes.subarray(0, length)));
          // Stays open until the client closes the connection.
          while (await connection.read(bytes) !== null);
        })().catch(() => {}),
      );
    }
    await Promise.all(talks);
  })();
  return {
    port: listener.addr.port,
    get taken() {
      return taken;
    },
    async [Symbol.asyncDispose]() {
      listener.close();
      await serving;
    },
  };
}

function says(text: string) {
  return (connection: Deno.TcpConn) => write(connection, text);
}

async function write(connection: Deno.TcpConn, text: string): Promise<void> {
  let rest = new TextEncoder().encode(text);
  while (rest.length > 0) rest = rest.subarray(await connection.write(rest));
}

function send(url: string, options: Partial<PostOptions> = {}, signal: AbortSignal = never) {
  return post(new URL(url), BODY, { "x-a": "b" }, { reach: HERE, ...options }, signal);
}

Deno.test("post() sends its body and headers with the host's name, and returns what was answered", async () => {
  const asked = Promise.withResolvers<string>();
  await using server = listen(async (connection, request) => {
    asked.resolve(request);
    await write(
      connection,
      "HTTP/1.1 200 OK\r\nretry-after: 3\r\ncontent-length: 7\r\n\r\nt\u001ba\nke!",
    );
  });
  const resolve = () => Promise.resolve([{ address: "127.0.0.1", family: 4 }]);
  const answer = await send(`http://hooks.example:${server.port}/a?b=c#d`, { resolve });
  assertEquals(answer, { status: 200, text: "t a ke!", retryAfterMs: 3000 });
  const request = await asked.promise;
  assert(request.startsWith("POST /a?b=c HTTP/1.1\r\n"), request);
  assert(request.toLowerCase().includes(`\r\nhost: hooks.example:${server.port}\r\n`), request);
  assert(request.toLowerCase().includes("\r\nx-a: b\r\n"), request);
  assert(request.endsWith(`\r\n\r\n${new TextDecoder().decode(BODY)}`), request);
});

Deno.test("post() resolves a name once, and connects to the addresses that it has checked", async () => {
  await using server = listen(says("HTTP/1.1 204 No Content\r\n\r\n"));
  const answers: Address[][] = [
    [{ address: "127.0.0.1", family: 4 }],
    [{ address: "10.0.0.1", family: 4 }],
  ];
  let asked = 0;
  const resolve = () => Promise.resolve(answers[asked++]!);
  const url = `http://rebinds.example:${server.port}/`;
  assertEquals((await send(url, { resolve })).status, 204);
  assertEquals([asked, server.taken], [1, 1]);
  await assertRejects(() => send(url, { resolve }), PostError, "not a public one");
  assertEquals([asked, server.taken], [2, 1]);
});

Deno.test("post() does not connect to a host with a private address, even among public ones", async () => {
  await using server = listen(says("HTTP/1.1 204 No Content\r\n\r\n"));
  const reach = new Reach();
  const here = { address: "127.0.0.1", family: 4 };
  for (
    const addresses of [
      [here],
      [{ address: "8.8.8.8", family: 4 }, here],
      [
        { address: "::ffff:127.0.0.1", family: 6 },
      ],
      [{ address: "::1", family: 6 }],
      [{ address: "fe80::1%lo", family: 6 }],
    ]
  ) {
    const resolve = () => Promise.resolve(addresses);
    const error = await assertRejects(
      () => send(`http://a.example:${server.port}/`, { reach, resolve }),
      PostError,
      "has an address that is not a public one",
    );
    // The host was not asked, and the message must not show the address.
    assertEquals(error.silent, false);
    assert(!/\d/.test(error.message), error.message);
  }
  for (const host of ["127.0.0.1", "localhost", "127.1", "[::ffff:127.0.0.1]"]) {
    const url = `http://${host}:${server.port}/`;
    await assertRejects(() => send(url, { reach }), PostError, "not a public one", host);
  }
  assertEquals(server.taken, 0);
});

Deno.test("post() follows no redirect", async () => {
  await using to = listen(says("HTTP/1.1 200 OK\r\n\r\n"));
  const location = `http://127.0.0.1:${to.port}/`;
  for (const status of [301, 302, 303, 307, 308]) {
    await using server = listen(
      says(`HTTP/1.1 ${status} X\r\nlocation: ${location}\r\ncontent-length: 0\r\n\r\n`),
    );
    assertEquals((await send(`http://127.0.0.1:${server.port}/`)).status, status);
  }
  assertEquals(to.taken, 0);
});

Deno.test("post() reads the beginning of an endless answer, and closes the connection", async () => {
  const closed = Promise.withResolvers<void>();
  await using server = listen(async (connection) => {
    await write(connection, "HTTP/1.1 200 OK\r\n\r\n");
    try {
      for (;;) await write(connection, "a".repeat(64 * 1024));
    } catch {
      closed.resolve();
    }
  });
  const { status, text } = await send(`http://127.0.0.1:${server.port}/`);
  assertEquals([status, text.length, text.slice(-2)], [200, 300, "a…"]);
  await closed.promise;
});

Deno.test("post() says in general words why there was no answer", async () => {
  const timeoutMs = 50;
  const headers = `x: ${"a".repeat(1000)}\r\n`.repeat(40);
  const cases: [talk: Parameters<typeof listen>[0], sentence: string][] = [
    [() => Promise.resolve(), "There was no answer within 0.05 s"],
    [says("HTTP/1.1 200 OK\r\nx: "), "There was no answer within 0.05 s"],
    [says("HTTP/1.1 100 Continue\r\n\r\n"), "There was no answer within 0.05 s"],
    [says("SSH-2.0-OpenSSH\r\n"), "Its answer is not HTTP"],
    [says(`HTTP/1.1 200 OK\r\n${headers}\r\n`), "Its answer is not HTTP"],
    [
      (connection) => Promise.resolve(connection.close()),
      "The connection broke",
    ],
  ];
  for (const [talk, sentence] of cases) {
    await using server = listen(talk);
    const url = `http://127.0.0.1:${server.port}/`;
    const options = sentence.startsWith("There was") ? { timeoutMs } : {};
    const error = await assertRejects(() => send(url, options), PostError, sentence);
    assertEquals(error.silent, true);
  }
  const free = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  free.close();
  const url = `http://127.0.0.1:${free.addr.port}/`;
  await assertRejects(() => send(url), PostError, "The connection was refused");
  const resolve = () => Promise.reject(new Error("ENOTFOUND"));
  await assertRejects(
    () => send("http://a.example/", { resolve }),
    PostError,
    "has no address",
  );
  const hangs = () => new Promise<never>(() => {});
  await assertRejects(
    () => send("http://a.example/", { resolve: hangs, timeoutMs }),
    PostError,
    "no answer",
  );
});

Deno.test("post() returns the status of an answer whose body stops before its end", async () => {
  await using server = listen(says("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nso far"));
  const { status, text } = await send(`http://127.0.0.1:${server.port}/`);
  assertEquals([status, text], [200, "so far"]);
});

Deno.test("post() rejects with the signal's reason when the signal aborts", async () => {
  const asked = Promise.withResolvers<void>();
  await using server = listen(() => Promise.resolve(asked.resolve()));
  const stop = new AbortController();
  const sending = send(`http://127.0.0.1:${server.port}/`, {}, stop.signal);
  await asked.promise;
  stop.abort(new Error("stops"));
  await assertRejects(() => sending, Error, "stops");
});

Deno.test("post() over TLS requires a certificate for the name, at the address that was checked", async () => {
  const { cert, key } = await makeCertificate();
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, cert, key, onListen: () => {} },
    (request) => new Response(request.headers.get("host")),
  );
  const resolve = () => Promise.resolve([{ address: "127.0.0.1", family: 4 }]);
  const { port } = server.addr;
  const named = await send(`https://localhost:${port}/`, { resolve, ca: cert });
  assertEquals([named.status, named.text], [200, `localhost:${port}`]);
  for (
    const [url, ca] of [[`https://other.example:${port}/`, cert], [
      `https://localhost:${port}/`,
      "",
    ]]
  ) {
    const options = { resolve, ...(ca ? { ca } : {}) };
    await assertRejects(() => send(url!, options), PostError, "certificate is not trusted");
  }
});
