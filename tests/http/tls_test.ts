import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { ConfigError } from "../../lib/config/config.ts";
import { TestBrowser } from "../helpers/browser.ts";
import { makeCertificate, writeCertificate } from "../helpers/certificate.ts";
import { startServer, testApp } from "../helpers/server.ts";
import { tempDir } from "../helpers/temp_dir.ts";

const SECRET = "admin-secret-0123456789";

Deno.test("HEADWAY_TLS_CERT and _KEY: the server speaks HTTPS, and streams over HTTP/2 and HTTP/1.1", async () => {
  await using folder = await tempDir();
  const { cert, certFile, keyFile } = await writeCertificate(folder.path);
  const env = { HEADWAY_TLS_CERT: certFile, HEADWAY_TLS_KEY: keyFile, HEADWAY_KV: ":memory:" };
  await using server = await startServer({ env });
  assertMatch(server.url, /^https:\/\/127\.0\.0\.1:\d+$/);
  for (const http2 of [true, false]) {
    using client = Deno.createHttpClient({ caCerts: [cert], http1: !http2, http2 });
    const response = await fetch(`${server.url}/tasks`, {
      client,
      method: "POST",
      body: JSON.stringify({ kind: "steps", input: { steps: 5 } }),
    });
    const { task_id } = await response.json();
    const stream = await fetch(`${server.url}/tasks/${task_id}/stream?last_event_id=0`, { client });
    // HTTP/2 forbids these headers [RFC 9113, 8.2.2].
    if (http2) {
      for (const name of ["connection", "transfer-encoding"]) {
        assertEquals(stream.headers.get(name), null);
      }
    }
    const text = await stream.text();
    for (let step = 1; step <= 5; step++) assertStringIncludes(text, `"message":"step ${step}"`);
    assertStringIncludes(text, "event: complete");
  }
  // A client that does not know the certificate does not trust it.
  await assertRejects(() => fetch(`${server.url}/healthz`), TypeError);
});

Deno.test("HEADWAY_TLS_CERT: a browser opens forty streams over HTTP/2, and the session's cookie is Secure", async () => {
  await using folder = await tempDir();
  const { cert, certFile, keyFile } = await writeCertificate(folder.path);
  await using app = await testApp({
    HEADWAY_TLS_CERT: certFile,
    HEADWAY_TLS_KEY: keyFile,
    HEADWAY_TOKENS: `me:admin:${SECRET}`,
  });
  using client = Deno.createHttpClient({ caCerts: [cert] });
  const post = (path: string, body: unknown) =>
    fetch(app.url + path, {
      client,
      method: "POST",
      headers: { authorization: `Bearer ${SECRET}` },
      body: JSON.stringify(body),
    });
  const login = await post("/login", { token: SECRET });
  await login.body?.cancel();
  assertMatch(login.headers.get("set-cookie")!, /; HttpOnly; SameSite=Strict; Secure$/);
  const tasks = [];
  for (let n = 0; n < 40; n++) {
    tasks.push(await (await post("/tasks", { kind: "echo", delay_ms: 3_600_000 })).json());
  }
  await using browser = await TestBrowser.launch({ anyCertificate: true });
  await using opened = await browser.open(`${app.url}/healthz`);
  const urls = tasks.map(({ task_id, token }) => `/tasks/${task_id}/stream?token=${token}`);
  const { open, protocol } = await opened.page.evaluate(async (urls) => {
    const sources = urls.map((url) => new EventSource(url));
    await Promise.all(sources.map((source) =>
      new Promise<void>((resolve, reject) => {
        source.onmessage = () => resolve();
        source.onerror = () => reject(new Error(`${source.url} broke`));
      })
    ));
    // Over HTTP/1.1 a browser has six connections, and the other streams would still wait.
    const open = sources.filter((source) => source.readyState === EventSource.OPEN).length;
    const [entry] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
    for (const source of sources) source.close();
    return { open, protocol: entry!.nextHopProtocol };
  }, urls);
  assertEquals([open, protocol], [40, "h2"]);
});

Deno.test("HEADWAY_TLS_CERT and _KEY: a missing or unusable file stops the start, with an error that names it", async () => {
  await using folder = await tempDir();
  const { certFile, keyFile } = await writeCertificate(folder.path);
  const empty = `${folder.path}/empty.pem`;
  await Deno.writeTextFile(empty, "");
  const wrong: [cert: string, key: string, why: RegExp][] = [
    [certFile, "", /^HEADWAY_TLS_KEY is missing: TLS needs both files$/],
    ["", keyFile, /^HEADWAY_TLS_CERT is missing: TLS needs both files$/],
    [`${folder.path}/none`, keyFile, /^HEADWAY_TLS_CERT cannot be read: .*none/],
    [empty, keyFile, /^HEADWAY_TLS_CERT must be a PEM file with a 'CERTIFICATE'/],
    [certFile, certFile, /^HEADWAY_TLS_KEY must be a PEM file with a 'PRIVATE KEY'/],
  ];
  for (const [HEADWAY_TLS_CERT, HEADWAY_TLS_KEY, why] of wrong) {
    const starting = () => testApp({ HEADWAY_TLS_CERT, HEADWAY_TLS_KEY });
    const { message } = await assertRejects(starting, ConfigError);
    assertMatch(message, why);
  }
  const broken = `${folder.path}/broken.pem`;
  await Deno.writeTextFile(broken, (await Deno.readTextFile(certFile)).slice(0, 200));
  await assertRejects(
    () => testApp({ HEADWAY_TLS_CERT: broken, HEADWAY_TLS_KEY: keyFile }),
    ConfigError,
    "HEADWAY_TLS_",
  );
  // The key of another certificate.
  await Deno.writeTextFile(keyFile, (await makeCertificate()).key);
  const { message } = await assertRejects(
    () => testApp({ HEADWAY_TLS_CERT: certFile, HEADWAY_TLS_KEY: keyFile }),
    ConfigError,
  );
  assertStringIncludes(message, "it belongs to another certificate");
});
