import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { SignJWT } from "jose";
import { keys } from "../../lib/kv/keys.ts";
import type { Server } from "../../lib/server.ts";
import { post } from "../helpers/api.ts";
import { assertProblem } from "../helpers/problem.ts";
import { testApp } from "../helpers/server.ts";
import { openStream } from "../helpers/sse.ts";
import { tempDir } from "../helpers/temp_dir.ts";

const ADMIN = "admin-secret-0123456789";
const READ = "read-secret-0123456789";
const HEADWAY_TOKENS = `boss:admin:${ADMIN},eye:read:${READ}`;

/** Signs in, and returns the cookie as a browser sends it back: `name=value`. */
async function signIn(app: Server, token = ADMIN, headers = {}): Promise<string> {
  const response = await post(`${app.url}/login`, { token }, headers);
  await response.body?.cancel();
  assertEquals(response.status, 200);
  return response.headers.get("set-cookie")!.split(";")[0]!;
}

async function status(app: Server, cookie: string, path = "/tasks"): Promise<number> {
  const response = await fetch(app.url + path, { headers: { cookie } });
  await response.body?.cancel();
  return response.status;
}

function signOut(app: Server, cookie: string): Promise<Response> {
  return post(`${app.url}/logout`, undefined, { cookie });
}

async function submitWaiting(app: Server): Promise<string> {
  const body = { kind: "echo", delay_ms: 3_600_000 };
  const response = await post(`${app.url}/tasks`, body, { authorization: `Bearer ${ADMIN}` });
  return (await response.json()).task_id;
}

Deno.test("POST /logout ends the session on the server, over restarts too, and no other session", async () => {
  await using directory = await tempDir();
  const settings = { HEADWAY_KV: `${directory.path}/x.db`, HEADWAY_TOKENS };
  let out: string;
  let other: string;
  {
    await using app = await testApp(settings);
    [out, other] = [await signIn(app), await signIn(app)];
    assertEquals((await signOut(app, out)).status, 204);
    assertEquals([await status(app, out), await status(app, other)], [401, 200]);
    const { error } = await assertProblem(
      await fetch(`${app.url}/tasks`, { headers: { cookie: out } }),
      401,
    );
    assertEquals(error, "This session was ended: sign in again");
    // Signing out twice, or without a session, is not an error.
    for (const cookie of [out, "", "x=y"]) assertEquals((await signOut(app, cookie)).status, 204);
    const seen = await (await fetch(`${app.url}/login`, { headers: { cookie: out } })).json();
    assertEquals(seen, { required: true, scopes: [] });
  }
  for (let n = 0; n < 2; n++) {
    await using app = await testApp(settings);
    assertEquals([await status(app, out), await status(app, other)], [401, 200]);
  }
});

Deno.test("POST /logout ends the session's open streams, and those of nobody else", async () => {
  await using app = await testApp({ HEADWAY_TOKENS });
  const id = await submitWaiting(app);
  const [out, other] = [await signIn(app), await signIn(app)];
  const paths = [
    "/tasks/stream",
    "/tasks/stream-all",
    `/tasks/${id}/stream`,
    `/tasks/${id}/stream-with-id`,
    `/tasks/${id}/stream-with-heartbeat`,
  ];
  const open = (headers: Record<string, string>) =>
    Promise.all(paths.map((path) => openStream(app.url + path, { headers })));
  const ending = await open({ cookie: out });
  const staying = [
    ...await open({ cookie: other }),
    ...await open({ authorization: `Bearer ${ADMIN}` }),
  ];
  for (const stream of [...ending, ...staying]) await stream.collect(1);
  assertEquals((await signOut(app, out)).status, 204);
  for (const stream of ending) {
    await stream.all();
    assertEquals(stream.broken, undefined, "It ends between two events");
  }
  assertEquals(app.pulse.size, staying.length);
  for (const stream of staying) {
    assert(!stream.ended);
    await stream.close();
  }
  assertEquals(await status(app, out, "/tasks/stream"), 401);
});

Deno.test("a stream that is opening when its session ends sends no event, and leaves nothing behind", async () => {
  await using app = await testApp({ HEADWAY_TOKENS });
  const id = await submitWaiting(app);
  const cookie = await signIn(app);
  const { heads, hub } = app.engine;
  const [reading, ended] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const get = heads.get.bind(heads);
  heads.get = async (id) => {
    reading.resolve();
    await ended.promise;
    return await get(id);
  };
  const opening = openStream(`${app.url}/tasks/${id}/stream`, { headers: { cookie } });
  await reading.promise;
  assertEquals((await signOut(app, cookie)).status, 204);
  const before = hub.listeners;
  ended.resolve();
  await using stream = await opening;
  assertEquals(await stream.all(), []);
  assertEquals([app.pulse.size, app.places.clients.length, hub.listeners], [0, 0, before]);
});

Deno.test("POST /logout ends the session on every process of the store", async () => {
  using kv = await Deno.openKv(":memory:");
  await using here = await testApp({ HEADWAY_TOKENS }, { kv });
  await using there = await testApp({ HEADWAY_TOKENS }, { kv });
  const [out, other] = [await signIn(here), await signIn(here)];
  await using stream = await openStream(`${there.url}/tasks/stream`, { headers: { cookie: out } });
  await using staying = await openStream(`${there.url}/tasks/stream`, {
    headers: { cookie: other },
  });
  await stream.collect(1);
  await staying.collect(1);
  assertEquals((await signOut(here, out)).status, 204);
  await stream.all();
  assertEquals([await status(there, out), await status(there, other)], [401, 200]);
  assert(!staying.ended);
  // A process that starts later knows of it, too.
  await using late = await testApp({ HEADWAY_TOKENS }, { kv });
  assertEquals([await status(late, out), await status(late, other)], [401, 200]);
});

Deno.test("POST /login makes a new session, and ends the session whose cookie it replaces", async () => {
  await using app = await testApp({ HEADWAY_TOKENS });
  const first = await signIn(app, ADMIN);
  const second = await signIn(app, READ, { cookie: first });
  assertNotEquals(first, second);
  assertEquals([await status(app, first), await status(app, second)], [401, 200]);
  // A sign-in that fails ends no session.
  const wrong = await post(`${app.url}/login`, { token: "wrong-wrong-wrong-wrong" }, {
    cookie: second,
  });
  await assertProblem(wrong, 401);
  assertEquals(await status(app, second), 200);
});

/** A session's cookie, signed with a token's key, but with some claims changed. */
async function bentSession(
  app: Server,
  claims: Record<string, unknown>,
  secret = ADMIN,
): Promise<string> {
  const { value } = await app.engine.store.kv.get<Uint8Array<ArrayBuffer>>(keys.secret);
  const digest = new Uint8Array(
    await crypto.subtle.digest("SHA-256", new TextEncoder().encode(secret)),
  ).toHex();
  const master = await crypto.subtle.importKey("raw", value!, "HKDF", false, ["deriveKey"]);
  const info = new TextEncoder().encode(`headway session ${digest}`);
  const key = await crypto.subtle.deriveKey(
    { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info },
    master,
    { name: "HMAC", hash: "SHA-256", length: 256 },
    false,
    ["sign"],
  );
  const whole = {
    aud: "session",
    sub: "boss",
    exp: Math.ceil(Date.now() / 1000) + 3600,
    jti: "01ARZ3NDEKTSV4RRFFQ69G5FAV",
    ...claims,
  };
  return await new SignJWT(whole).setProtectedHeader({ alg: "HS256" }).sign(key);
}

Deno.test("a stale, foreign or planted cookie of the same name does not lock out the valid session", async () => {
  await using app = await testApp({ HEADWAY_TOKENS });
  const [name, good] = (await signIn(app)).split(/=(.*)/) as [string, string];
  const [, ended] = (await signIn(app)).split(/=(.*)/) as [string, string];
  assertEquals((await signOut(app, `${name}=${ended}`)).status, 204);
  await using elsewhere = await testApp({ HEADWAY_TOKENS });
  const [, foreign] = (await signIn(elsewhere)).split(/=(.*)/) as [string, string];
  const expired = await bentSession(app, { exp: Math.floor(Date.now() / 1000) - 1 });
  const bad = { ended, foreign, expired, nonsense: "x", empty: "", token: ADMIN };
  for (const [what, value] of Object.entries(bad)) {
    for (
      const cookie of [`${name}=${value}; ${name}=${good}`, `${name}=${good}; ${name}=${value}`]
    ) {
      assertEquals(await status(app, cookie), 200, what);
      assertEquals(await status(app, cookie, "/tasks/stream"), 200, what);
    }
    assertEquals(await status(app, `${name}=${value}`), 401, what);
  }
  // The cookie's name in version 0.1 is unknown.
  assertEquals(await status(app, `headway=${expired}`), 401);
  assertEquals(await status(app, `headway=${expired}`, "/"), 200);
  // Signing out ends every valid session that the cookies hold.
  const second = (await signIn(app)).split(/=(.*)/)[1]!;
  await signOut(app, `${name}=${good}; ${name}=x; ${name}=${second}`);
  assertEquals(await status(app, `${name}=${good}`), 401);
  assertEquals(await status(app, `${name}=${second}`), 401);
});

Deno.test("a session's cookie with a missing or changed claim, or signed with another key, is refused", async () => {
  await using app = await testApp({ HEADWAY_TOKENS });
  const name = (await signIn(app)).split("=")[0]!;
  assertEquals(await status(app, `${name}=${await bentSession(app, {})}`), 200);
  const bent: Record<string, unknown>[] = [
    { exp: undefined },
    { jti: undefined },
    { jti: 1 },
    { jti: "" },
    { sub: undefined },
    { sub: "eye" },
    { sub: "nobody" },
    { sub: ["boss"] },
    { aud: undefined },
    { aud: "task" },
    { nbf: Math.ceil(Date.now() / 1000) + 3600 },
  ];
  for (const claims of bent) {
    const cookie = `${name}=${await bentSession(app, claims)}`;
    assertEquals(await status(app, cookie), 401, JSON.stringify(claims));
    assertEquals(await status(app, cookie, "/"), 200, JSON.stringify(claims));
  }
  // Whoever can read the store, but knows no token, can sign no session.
  const guessed = await bentSession(app, {}, "what-is-in-the-store");
  assertEquals(await status(app, `${name}=${guessed}`), 401);
  // A session is not valid as a Bearer token or in a URL, either.
  const id = await submitWaiting(app);
  const session = (await signIn(app)).split(/=(.*)/)[1]!;
  const bearer = await fetch(`${app.url}/tasks`, {
    headers: { authorization: `Bearer ${session}` },
  });
  await assertProblem(bearer, 401);
  await assertProblem(await fetch(`${app.url}/tasks/${id}?token=${session}`), 401);
});

Deno.test("at most eight different cookies of the session's name are tried, however many a request has", async () => {
  await using app = await testApp({ HEADWAY_TOKENS });
  const cookie = await signIn(app);
  const name = cookie.split("=")[0]!;
  const planted = (count: number) => Array.from({ length: count }, (_, n) => `${name}=x${n}`);
  assertEquals(await status(app, [...planted(7), cookie].join("; ")), 200);
  assertEquals(await status(app, [...planted(1000), cookie].join("; ")), 401);
  // A repeated cookie is tried once.
  assertEquals(await status(app, [...Array(1000).fill(`${name}=x`), cookie].join("; ")), 200);
});

Deno.test("two Headways on one host keep a session each in one browser", async () => {
  await using one = await testApp({ HEADWAY_TOKENS });
  await using other = await testApp({ HEADWAY_TOKENS });
  // A browser keeps cookies by host and name, whatever the port.
  const jar = new Map<string, string>();
  const sent = () => [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
  for (const app of [one, other]) {
    const [name, value] = (await signIn(app, ADMIN, { cookie: sent() })).split(/=(.*)/);
    jar.set(name!, value!);
  }
  assertEquals(jar.size, 2);
  assertEquals([await status(one, sent()), await status(other, sent())], [200, 200]);
  assertEquals((await signOut(one, sent())).status, 204);
  assertEquals([await status(one, sent()), await status(other, sent())], [401, 200]);
});

Deno.test("processes of one store share their sessions, on whatever ports they listen", async () => {
  using kv = await Deno.openKv(":memory:");
  await using here = await testApp({ HEADWAY_TOKENS }, { kv });
  await using there = await testApp({ HEADWAY_TOKENS }, { kv });
  const cookie = await signIn(here);
  assertEquals([await status(here, cookie), await status(there, cookie)], [200, 200]);
});

Deno.test("behind a proxy that ends TLS the session's cookie is one that only this host can set", async () => {
  await using app = await testApp({ HEADWAY_TOKENS, HEADWAY_TRUST_PROXY: "1" });
  const tls = { "x-forwarded-proto": "https" };
  const set = async (path: string, body: unknown, headers: Record<string, string>) => {
    const response = await post(app.url + path, body, headers);
    await response.body?.cancel();
    return response.headers.get("set-cookie")!;
  };
  const secure = await set("/login", { token: ADMIN }, tls);
  assertMatch(
    secure,
    /^__Host-headway-[0-9a-f]{8}=[\w.-]+; Path=\/; Max-Age=43200; HttpOnly; SameSite=Strict; Secure$/,
  );
  const plain = await set("/login", { token: ADMIN }, {});
  assertMatch(
    plain,
    /^headway-[0-9a-f]{8}=[\w.-]+; Path=\/; Max-Age=43200; HttpOnly; SameSite=Strict$/,
  );
  const [secureCookie, plainCookie] = [secure, plain].map((text) => text.split(";")[0]!);
  const asked = async (cookie: string, headers: Record<string, string>) => {
    const response = await fetch(`${app.url}/tasks`, { headers: { cookie, ...headers } });
    await response.body?.cancel();
    return response.status;
  };
  assertEquals(await asked(secureCookie!, tls), 200);
  assertEquals(await asked(plainCookie!, {}), 200);
  // A page without TLS, or of another host, could have planted a cookie without the prefix.
  assertEquals(await asked(plainCookie!, tls), 401);
  assertEquals(await asked(plainCookie!.replace(/^headway/, "__host-headway"), tls), 401);
  assertMatch(
    await set("/logout", undefined, { ...tls, cookie: secureCookie! }),
    /^__Host-headway-[0-9a-f]{8}=; Path=\/; Max-Age=0; HttpOnly; SameSite=Strict; Secure$/,
  );
  assertEquals(await asked(secureCookie!, tls), 401);
});

Deno.test("no page of another origin signs anybody in or out, unless HEADWAY_ORIGINS names it", async () => {
  const foreign = "http://localhost:1";
  for (const [origins, expected] of [["", 403], ["*", 403], [foreign, 200]] as const) {
    await using app = await testApp({ HEADWAY_TOKENS, HEADWAY_ORIGINS: origins });
    for (const site of ["cross-site", "same-site", null]) {
      const headers = { origin: foreign, ...(site === null ? {} : { "sec-fetch-site": site }) };
      const response = await post(`${app.url}/login`, { token: ADMIN }, headers);
      await response.body?.cancel();
      const about = JSON.stringify([origins, site]);
      assertEquals(response.status, expected, about);
      assertEquals(response.headers.has("set-cookie"), expected === 200, about);
      const out = await post(`${app.url}/logout`, undefined, headers);
      await out.body?.cancel();
      assertEquals(out.status, expected === 200 ? 204 : 403, about);
      assertEquals(out.headers.has("set-cookie"), expected === 200, about);
    }
  }
});

Deno.test("POST /logout answers 503 if the store takes no write, and still ends the session in this process", async () => {
  await using app = await testApp({ HEADWAY_TOKENS, HEADWAY_LOG: "off" });
  const cookie = await signIn(app);
  const { kv } = app.engine.store;
  const atomic = kv.atomic.bind(kv);
  kv.atomic = () => {
    throw new Error("The disk is full");
  };
  const response = await signOut(app, cookie);
  kv.atomic = atomic;
  assertMatch(response.headers.get("set-cookie")!, /Max-Age=0/);
  await assertProblem(response, 503);
  assertEquals(await status(app, cookie), 401);
});
