import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import { Auth, type AuthOptions, type Credentials } from "../../../lib/http/auth.ts";
import {
  type Act,
  isAmong,
  type Need,
  NOBODY,
  permit,
  type Principal,
  type Tasks,
  tasksOf,
} from "../../../lib/http/principal.ts";
import { HttpError } from "../../../lib/http/errors.ts";
import { createLogger } from "../../../lib/base/log.ts";
import { digestOf, findToken, parseTokens, type Token } from "../../../lib/http/tokens.ts";

const ID = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
const OTHER = "01ARZ3NDEKTSV4RRFFQ69G5FAW";
const TOKENS = parseTokens("me:admin:admin-secret-0123456789");
const NOTHING: Credentials = {
  authorization: null,
  query: null,
  sessions: [],
  request: new Request("http://localhost/"),
};

/** An `Auth` on a store in memory, with a clock that only the test moves. */
async function open(tokens = TOKENS, more: Partial<AuthOptions> = {}) {
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
    ...more,
  };
  return {
    auth: await Auth.open(options),
    another: () => Auth.open(options),
    clock,
    [Symbol.dispose]: () => kv.close(),
  };
}

Deno.test("Auth.authenticate() gives the program's own login limited time, and then says 503", async () => {
  const authorize = () => new Promise<null>(() => {});
  using it = await open([], { authorize, authorizeMs: 1 });
  const error = await assertRejects(() => it.auth.authenticate(NOTHING), HttpError);
  assertEquals(error.status, 503);
});

Deno.test("Auth.authenticate() takes a task's token until the second it expires", async () => {
  using it = await open();
  const authorization = `Bearer ${await it.auth.taskToken(ID)}`;
  const principal = await it.auth.authenticate({ ...NOTHING, authorization });
  const expiresAt = it.clock.now + 60_000;
  assertEquals(principal, { ...NOBODY, taskIds: [ID], can: ["read"], expiresAt });
  it.clock.now += 59_999;
  assert(await it.auth.authenticate({ ...NOTHING, authorization }));
  it.clock.now += 1;
  const late = await assertRejects(() => it.auth.authenticate({ ...NOTHING, authorization }));
  assertEquals([(late as HttpError).status, (late as HttpError).message], [
    401,
    "This token has expired",
  ]);
});

Deno.test("Auth.open() makes one secret for a store, whichever process opens it first", async () => {
  using it = await open();
  const others = await Promise.all(Array.from({ length: 5 }, it.another));
  const query = await others[3]!.taskToken(ID);
  for (const auth of [it.auth, ...others]) {
    assertEquals((await auth.authenticate({ ...NOTHING, query }))?.taskIds, [ID]);
  }
  using elsewhere = await open();
  await assertRejects(() => elsewhere.auth.authenticate({ ...NOTHING, query }), HttpError);
});

Deno.test("Auth.authenticate() uses the first credential of header, query and cookie", async () => {
  using it = await open();
  const { cookie } = await it.auth.signIn("admin-secret-0123456789");
  const sessions = [cookie];
  const of = async (shown: Partial<Credentials>) =>
    (await it.auth.authenticate({ ...NOTHING, ...shown }))?.taskIds?.join() ?? "the operator";
  const [a, b] = [await it.auth.taskToken(ID), await it.auth.taskToken(OTHER)];
  assertEquals(await of({ authorization: `bearer ${a}`, query: b!, sessions }), ID);
  assertEquals(await of({ query: b!, sessions }), OTHER);
  assertEquals(await of({ sessions }), "the operator");
  // A wrong credential is not skipped for a right one after it.
  await assertRejects(() => of({ query: "x", sessions }), HttpError);
});

Deno.test("Auth.authenticate() returns null or throws 401 or 429 for arbitrary text in the credentials", async () => {
  using it = await open();
  const good = (await it.auth.taskToken(ID))!;
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string().map((text) => `Bearer ${text}`),
    // A good token, one part of which is replaced.
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

/** Written by hand: the needs that each principal passes, before the store is asked. */
const PASSES: [who: string, principal: Partial<Principal>, needs: string][] = [
  ["reads", { scopes: ["read"] }, "any task tasks list read"],
  // Whether they submitted the task is checked later, in the store.
  ["submits", { scopes: ["submit"] }, "any task tasks list own submit"],
  ["both", { scopes: ["submit", "read"] }, "any task tasks list own read submit"],
  [
    "the operator",
    { scopes: ["admin", "submit", "read"] },
    "any task tasks list own change bulk read submit admin",
  ],
  ["reads an owner's", { scopes: ["read"], owner: "o" }, "any task tasks list"],
  ["submits an owner's", { scopes: ["submit"], owner: "o" }, "any task tasks list own submit"],
  [
    "an owner's admin",
    { scopes: ["admin", "submit", "read"], owner: "o" },
    "any task tasks list own change bulk submit",
  ],
  ["a task's token", { taskIds: [ID], can: ["read"] }, "task tasks"],
  ["a task's, to cancel", { taskIds: [ID], can: ["cancel"] }, "own"],
  ["a task's, for nothing yet", { taskIds: [ID], can: ["signal"] }, ""],
  ["an owner's token", { owner: "o", can: ["read"] }, "task tasks list"],
  ["an owner's, for both", { owner: "o", can: ["read", "cancel"] }, "task tasks list own"],
  ["an owner's, for nothing yet", { owner: "o", can: [] }, ""],
  ["nobody", {}, ""],
];

Deno.test("permit() lets nobody pass beyond their scopes, their task or their owner", () => {
  const status = (principal: Principal | null, need: Need, taskIds?: string[]) => {
    try {
      permit(principal, need, taskIds);
      return 200;
    } catch (error) {
      return (error as HttpError).status;
    }
  };
  assertEquals(status(null, "public"), 200);
  const needs: Need[] = [
    ...[
      "any",
      "task",
      "tasks",
      "list",
      "own",
      "change",
      "bulk",
      "read",
      "submit",
      "admin",
    ] as const,
  ];
  for (const [who, some, passes] of PASSES) {
    const principal: Principal = { ...NOBODY, ...some };
    for (const need of needs) {
      assertEquals(status(null, need, [ID]), 401);
      const wanted = passes.split(" ").includes(need) ? 200 : 403;
      assertEquals(status(principal, need, [ID]), wanted, `${who}: ${need}`);
      if (!some.taskIds) continue;
      for (const ids of [[], [OTHER], [ID, OTHER]]) {
        assertEquals(status(principal, need, ids), 403, `${who}: ${need} of ${ids}`);
      }
    }
  }
  const two: Principal = { ...NOBODY, taskIds: [ID, OTHER], can: ["read"] };
  assertEquals(status(two, "tasks", [OTHER.toLowerCase(), ID]), 200);
  const error = assertThrows(
    () => permit({ ...NOBODY, scopes: ["read"] }, "own", [ID]),
    HttpError,
  );
  assertEquals(error.options.extra, { scope: "admin" });
});

Deno.test("tasksOf() says which tasks a principal may act on, and isAmong() whether a task is one of them", () => {
  const cases: [principal: Partial<Principal>, act: Act, tasks: Tasks][] = [
    [{ scopes: ["read"] }, "read", "all"],
    [{ scopes: ["read"] }, "cancel", "none"],
    [{ scopes: ["submit"], name: "me" }, "read", { submitter: "me" }],
    [{ scopes: ["submit"], name: "me" }, "cancel", { submitter: "me" }],
    [{ scopes: ["submit"], name: "me" }, "change", "none"],
    [{ scopes: ["submit", "read"], name: "me" }, "read", "all"],
    [{ scopes: ["submit"], name: "me", owner: "o" }, "read", { owner: "o" }],
    [{ scopes: ["read"], owner: "o" }, "cancel", "none"],
    [{ scopes: ["admin", "submit", "read"], owner: "o" }, "change", { owner: "o" }],
    [{ scopes: ["admin", "submit", "read"] }, "change", "all"],
    [{ owner: "o", can: ["cancel"] }, "read", "none"],
    [{ owner: "o", can: ["cancel", "signal"] }, "signal", { owner: "o" }],
    [{ taskIds: [ID], can: ["read"] }, "read", { ids: [ID] }],
    [{ taskIds: [ID], can: ["read"] }, "change", "none"],
  ];
  for (const [some, act, tasks] of cases) {
    assertEquals(tasksOf({ ...NOBODY, ...some }, act), tasks, JSON.stringify([some, act]));
  }
  const mine = { owner: "o", submitter: "me" };
  const among = (tasks: Tasks, task: Parameters<typeof isAmong>[2]) => isAmong(tasks, ID, task);
  assert(among("all", null) && !among("none", mine));
  assert(among({ owner: "o" }, mine) && among({ submitter: "me" }, mine));
  assert(among({ ids: [ID] }, null) && !among({ ids: [OTHER] }, mine));
  for (const other of [null, {}, { owner: "O" }, { submitter: "o" }, { owner: "me" }]) {
    assert(!among({ owner: "o" }, other) && !among({ submitter: "me" }, other));
  }
});

Deno.test("Auth.signFor() makes tokens that open no more than their claims say, and are refused if changed", async () => {
  using it = await open();
  const of = (token: string) =>
    it.auth.authenticate({ ...NOTHING, authorization: `Bearer ${token}` });
  const sign = async (...args: Parameters<Auth["signFor"]>) => (await it.auth.signFor(...args))!;
  const mine = await sign({ owner: "é, o" }, ["read", "cancel"]);
  const expiresAt = it.clock.now + 60_000;
  assertEquals(mine.expiresAt, expiresAt);
  assertEquals(await of(mine.token), {
    ...NOBODY,
    owner: "é, o",
    can: ["read", "cancel"],
    expiresAt,
  });
  // An owner whose name is a task's id does not get that task.
  assertEquals((await of((await sign({ owner: ID }, ["read"])).token))?.taskIds, null);
  const [head, payload, signature] = mine.token.split(".") as [string, string, string];
  const claims = JSON.parse(new TextDecoder().decode(Uint8Array.fromBase64(payload, {
    alphabet: "base64url",
  })));
  const bend = (more: object) => {
    const json = new TextEncoder().encode(JSON.stringify({ ...claims, ...more }));
    return `${head}.${json.toBase64({ alphabet: "base64url", omitPadding: true })}.${signature}`;
  };
  for (const more of [{ sub: "you" }, { aud: "task" }, { can: ["read", "signal"] }, { exp: 9e9 }]) {
    assertEquals((await assertRejects(() => of(bend(more)), HttpError)).status, 401);
  }
  // Several tokens allow only what each of them allows; a token for an owner must be alone.
  const [a, b] = [
    await sign({ task: ID }, ["read", "cancel"]),
    await sign({ task: OTHER }, ["read"]),
  ];
  const query = `${a.token},${b.token}`;
  assertEquals((await it.auth.authenticate({ ...NOTHING, query }))?.can, ["read"]);
  const mixed = `${a.token},${mine.token}`;
  const two = await assertRejects(
    () => it.auth.authenticate({ ...NOTHING, query: mixed }),
    HttpError,
  );
  assertEquals([two.status, two.options.field], [400, "token"]);
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

Deno.test("findToken() compares the digest of every token, whichever of them matches", () => {
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

Deno.test("parseTokens() never shows the secret in an error, whatever is wrong with the text", () => {
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

Deno.test("parseTokens() binds a token to an owner, and refuses what cannot be an owner", () => {
  const secret = "0123456789abcdef@:x";
  const [free, bound] = parseTokens(`a:read:${secret}\nb:read+submit@acme/é:${secret}y`);
  assertEquals([free!.owner, bound!.owner, bound!.scopes], [
    undefined,
    "acme/é",
    ["submit", "read"],
  ]);
  for (const wrong of ["b:read@:", "b:@o:", `b:read@${"o".repeat(129)}:`, "b:read@a b:"]) {
    assertThrows(() => parseTokens(wrong + secret), TypeError);
  }
});
