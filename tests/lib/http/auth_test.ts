import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import { Auth, type Credentials } from "../../../lib/http/auth.ts";
import {
  type Need,
  needsOwn,
  permit,
  type Principal,
  seesOwn,
} from "../../../lib/http/principal.ts";
import { HttpError } from "../../../lib/http/errors.ts";
import { createLogger } from "../../../lib/base/log.ts";
import {
  digestOf,
  findToken,
  parseTokens,
  type Scope,
  type Token,
} from "../../../lib/http/tokens.ts";

const ID = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
const OTHER = "01ARZ3NDEKTSV4RRFFQ69G5FAW";
const TOKENS = parseTokens("me:admin:admin-secret-0123456789");
const NOTHING: Credentials = {
  authorization: null,
  query: null,
  sessions: [],
  request: new Request("http://localhost/"),
};

/** An `Auth` on a store in memory, whose time stands still unless it is moved. */
async function open(tokens = TOKENS) {
  const kv = await Deno.openKv(":memory:");
  const clock = { now: 1_800_000_000_000 };
  const options = {
    kv,
    alone: true,
    tokens,
    taskTokenMs: 60_000,
    sessionMs: 600_000,
    log: createLogger({ level: "off" }),
    now: () => clock.now,
  };
  return {
    auth: await Auth.open(options),
    another: () => Auth.open(options),
    clock,
    [Symbol.dispose]: () => kv.close(),
  };
}

Deno.test("Auth.authenticate() takes a task's token until the second it expires", async () => {
  using it = await open();
  const authorization = `Bearer ${await it.auth.taskToken(ID)}`;
  const principal = await it.auth.authenticate({ ...NOTHING, authorization });
  const expiresAt = it.clock.now + 60_000;
  assertEquals(principal, { name: "", scopes: [], taskIds: [ID], expiresAt, session: null });
  it.clock.now += 59_999;
  assert(await it.auth.authenticate({ ...NOTHING, authorization }));
  it.clock.now += 1;
  const late = await assertRejects(() => it.auth.authenticate({ ...NOTHING, authorization }));
  assertEquals([(late as HttpError).status, (late as HttpError).message], [
    401,
    "This token has expired",
  ]);
});

Deno.test("Auth.open() makes one secret a store, whoever comes first", async () => {
  using it = await open();
  const others = await Promise.all(Array.from({ length: 5 }, it.another));
  const query = await others[3]!.taskToken(ID);
  for (const auth of [it.auth, ...others]) {
    assertEquals((await auth.authenticate({ ...NOTHING, query }))?.taskIds, [ID]);
  }
  using elsewhere = await open();
  await assertRejects(() => elsewhere.auth.authenticate({ ...NOTHING, query }), HttpError);
});

Deno.test("Auth.authenticate() goes by what is shown first: header, query, cookie", async () => {
  using it = await open();
  const { cookie } = await it.auth.signIn("admin-secret-0123456789");
  const sessions = [cookie];
  const of = async (shown: Partial<Credentials>) =>
    (await it.auth.authenticate({ ...NOTHING, ...shown }))?.taskIds?.join() ?? "the operator";
  const [a, b] = [await it.auth.taskToken(ID), await it.auth.taskToken(OTHER)];
  assertEquals(await of({ authorization: `bearer ${a}`, query: b!, sessions }), ID);
  assertEquals(await of({ query: b!, sessions }), OTHER);
  assertEquals(await of({ sessions }), "the operator");
  // A wrong one is not overlooked for the sake of a right one.
  await assertRejects(() => of({ query: "x", sessions }), HttpError);
});

Deno.test("Auth.authenticate() promises a principal, null, a 401 or a 429, whatever is shown", async () => {
  using it = await open();
  const good = (await it.auth.taskToken(ID))!;
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string().map((text) => `Bearer ${text}`),
    // Its parts, one of them bent.
    fc.tuple(fc.nat(2), fc.base64String()).map(([n, part]) =>
      `Bearer ${good.split(".").with(n, part.replaceAll("=", "")).join(".")}`
    ),
  );
  const maybe = fc.option(text);
  await fc.assert(
    fc.asyncProperty(maybe, maybe, fc.array(text), async (authorization, query, sessions) => {
      try {
        const principal = await it.auth.authenticate({
          ...NOTHING,
          authorization,
          query,
          sessions,
        });
        assertEquals(principal, null);
      } catch (error) {
        assert(error instanceof HttpError && [401, 429].includes(error.status), String(error));
      }
    }),
    { numRuns: 300 },
  );
});

Deno.test("permit() lets nobody pass beyond their scopes", () => {
  const of = (scopes: Scope[], taskIds: string[] | null = null): Principal => ({
    name: "x",
    scopes,
    taskIds,
    expiresAt: null,
    session: null,
  });
  const status = (principal: Principal | null, need: Need, taskIds?: string[]) => {
    try {
      permit(principal, need, taskIds);
      return 200;
    } catch (error) {
      return (error as HttpError).status;
    }
  };
  assertEquals(status(null, "public"), 200);
  const needs = ["any", "task", "tasks", "list", "own", "read", "submit", "admin"] as const;
  for (const need of needs) {
    const reads = need === "task" || need === "tasks";
    assertEquals(status(null, need, [ID]), 401);
    assertEquals(status(of([], [ID]), need, [OTHER]), 403);
    assertEquals(status(of([], [ID]), need, [ID]), reads ? 200 : 403);
    assertEquals(status(of([], [ID]), need, [ID, OTHER]), 403);
    assertEquals(status(of([], [ID, OTHER]), need, [OTHER, ID]), reads ? 200 : 403);
    assertEquals(status(of([], [ID]), need), 403);
    const writes = ["submit", "own", "admin"].includes(need);
    assertEquals(status(of(["read"]), need, [ID]), writes ? 403 : 200, need);
    // Of a task they submitted themselves, whoever asks the store knows.
    const lists = ["any", "submit", "list", "tasks"].includes(need);
    assertEquals(status(of(["submit"]), need, [ID]), lists ? 200 : 403, need);
    assertEquals(seesOwn(of(["submit"]), need), need === "list" || need === "tasks");
    assertEquals(needsOwn(of(["submit"]), need), need === "task" || need === "own");
    assertEquals(seesOwn(of(["submit", "read"]), need), false);
    assertEquals(needsOwn(of(["submit", "read"]), need), need === "own");
    for (const other of [of(["read"]), of([]), of([], [ID]), of(["admin", "submit", "read"])]) {
      assertEquals([seesOwn(other, need), needsOwn(other, need)], [false, false], need);
    }
  }
  const error = assertThrows(() => permit(of(["read"]), "own", [ID]), HttpError);
  assertEquals(error.options.extra, { scope: "admin" });
});

Deno.test("Auth.authenticate() takes tokens of several tasks, as long as each is valid", async () => {
  using it = await open();
  const [a, b] = [await it.auth.taskToken(ID), await it.auth.taskToken(OTHER)];
  const of = async (query: string) => await it.auth.authenticate({ ...NOTHING, query });
  assertEquals((await of(`${a},${b}`))?.taskIds, [ID, OTHER]);
  it.clock.now += 30_000;
  const later = await it.auth.taskToken(OTHER);
  assertEquals((await of(`${later},${a}`))?.expiresAt, it.clock.now + 30_000);
  for (const query of [`${a},`, `${a},x`, `${a},${b}x`, ",", `${a}${b}`]) {
    assertEquals((await assertRejects(() => of(query), HttpError)).status, 401, query);
  }
  it.clock.now += 30_000;
  await assertRejects(() => of(`${later},${a}`), HttpError, "expired");
  const many = await assertRejects(() => of(`${a},`.repeat(200)), HttpError);
  assertEquals([many.status, many.options.field], [400, "token"]);
});

Deno.test("findToken() looks at every token, whichever it is, and at none less", () => {
  const names = ["a", "b", "c", "d"];
  const digests = names.map((name) => digestOf(name.repeat(16)));
  for (const wanted of [...digests, digestOf("none of them")]) {
    const looked: string[] = [];
    const tokens = names.map((name, n): Token => ({
      name,
      scopes: ["read"],
      guessable: false,
      get digest(): Uint8Array {
        looked.push(name);
        return digests[n]!;
      },
    }));
    const found = findToken(tokens, wanted);
    assertEquals(found?.name, names[digests.indexOf(wanted)]);
    assertEquals(looked, names);
  }
});

Deno.test("parseTokens() never tells a secret, whatever is wrong", () => {
  fc.assert(
    fc.property(
      fc.string({ minLength: 8, maxLength: 40, unit: "grapheme-ascii" }).map((text) =>
        text.replace(/[,\n#\s]/g, "x")
      ),
      fc.constantFrom("a:read:", "a:nope:", "a", "a:", "a:read+read:", ":::", "a b:read:"),
      (secret, before) => {
        try {
          for (const token of parseTokens(`${before}${secret}`)) {
            assertEquals(token.digest.length, 32);
          }
        } catch (error) {
          assert(error instanceof TypeError && !error.message.includes(secret), String(error));
        }
      },
    ),
  );
});
