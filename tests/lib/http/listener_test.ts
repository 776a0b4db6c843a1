import { assertEquals, assertThrows } from "@std/assert";
import { Listener } from "../../../lib/http/listener.ts";
import { createLogger } from "../../../lib/base/log.ts";
import { makeCertificate } from "../../helpers/certificate.ts";
import { eventually } from "../../helpers/eventually.ts";

/** Replaces `Deno.serve` by servers that do not listen, and that fail when a test says so. */
function fakeServe() {
  const { serve } = Deno;
  const servers: { port: number; fail(error: Error): void; shutdowns: number }[] = [];
  const refused: Error[] = [];
  Object.assign(Deno, {
    serve({ port }: { port: number }) {
      const error = refused.pop();
      if (error) throw error;
      const { promise: finished, reject } = Promise.withResolvers<void>();
      const server = { port, fail: reject, shutdowns: 0 };
      servers.push(server);
      return {
        addr: { transport: "tcp", hostname: "::1", port: port || 4711 },
        finished,
        shutdown: () => Promise.resolve(void server.shutdowns++),
      };
    },
  });
  return { servers, refused, [Symbol.dispose]: () => void Object.assign(Deno, { serve }) };
}

const options = {
  hostname: "::1",
  port: 0,
  handler: () => new Response(),
  log: createLogger({ level: "off" }),
};

Deno.test("Listener listens on the same port again after a connection could not be accepted", async () => {
  using fake = fakeServe();
  const listener = new Listener(options);
  assertEquals(listener.url, "http://[::1]:4711");
  for (let round = 1; round <= 2; round++) {
    // Even if the port is not free at once.
    fake.refused.push(new Deno.errors.AddrInUse("not yet"));
    fake.servers.at(-1)!.fail(new Error("Too many open files"));
    await eventually(() => assertEquals(fake.servers.length, 1 + round));
    assertEquals(fake.servers.at(-1)!.port, 4711);
  }
  await listener.shutdown();
  assertEquals(fake.servers.map(({ shutdowns }) => shutdowns), [0, 0, 1]);
});

Deno.test("Listener does not listen again after shutdown()", async () => {
  using fake = fakeServe();
  const listener = new Listener(options);
  fake.servers[0]!.fail(new Error("Too many open files"));
  await Promise.resolve();
  // The sanitizers would report a timer that is left.
  await listener.shutdown();
  assertEquals(fake.servers.length, 1);
});

Deno.test("Listener throws at once when its port is taken", () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr;
  assertThrows(
    () => new Listener({ ...options, hostname: "127.0.0.1", port }),
    Deno.errors.AddrInUse,
  );
});

Deno.test("Listener.renew() gives new connections another certificate, and keeps open ones", async () => {
  const [first, second] = [await makeCertificate(), await makeCertificate()];
  const { promise: rest, resolve: finish } = Promise.withResolvers<void>();
  const handler = () =>
    new Response(ReadableStream.from((async function* () {
      yield new TextEncoder().encode("a");
      await rest;
      yield new TextEncoder().encode("b");
    })()));
  const hostname = "127.0.0.1";
  const listener = new Listener({ ...options, hostname, certificate: first, handler });
  using old = Deno.createHttpClient({ caCerts: [first.cert] });
  using renewed = Deno.createHttpClient({ caCerts: [second.cert] });
  const open = (client: Deno.HttpClient) => fetch(listener.url, { client });
  const stream = await open(old);
  listener.renew(second);
  const other = await eventually(() => open(renewed));
  // A renewal while another one is under way counts as well.
  listener.renew(first);
  listener.renew(second);
  using fresh = Deno.createHttpClient({ caCerts: [second.cert] });
  const last = await eventually(() => open(fresh));
  const closing = listener.shutdown();
  finish();
  for (const response of [stream, other, last]) assertEquals(await response.text(), "ab");
  await closing;
});
