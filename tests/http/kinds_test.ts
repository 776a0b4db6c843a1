import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { createLogger } from "../../lib/base/log.ts";
import { finished, post, submit } from "../helpers/api.ts";
import { eventually } from "../helpers/eventually.ts";
import { testApp } from "../helpers/server.ts";
import { tempDir } from "../helpers/temp_dir.ts";

const HEADWAY = new URL("../../lib/mod.ts", import.meta.url).pathname;
const LOCK = new URL("../../deno.lock", import.meta.url);
const IMPORT = `import { defineTask } from "headway";`;
const task = (kind: string) =>
  `${IMPORT}
  export const task = defineTask({ kind: "${kind}", async *run() {} });`;

/** The code at the top of a module, and the reason that is given for why it cannot be loaded. */
const BROKEN: Record<string, [source: string, reason: RegExp]> = {
  throws: [`throw new Error("no", { cause: new Error("why") });`, /no, caused by Error: why$/],
  reads_env: [
    `Deno.env.get("SOME_KEY");`,
    /Requires env access to "SOME_KEY".*HEADWAY_TASK_PERMISSIONS="--allow-net .* --allow-env=SOME_KEY"$/,
  ],
  reads_file: [
    `Deno.readTextFileSync("/etc/hostname");`,
    /HEADWAY_TASK_PERMISSIONS="--allow-net .--allow-read=[^"]*,\/etc\/hostname."$/,
  ],
  exits: [`Deno.exit(0);`, /ExitError/],
  imports_nothing: [`import "npm:@headway/no-such-package@1";`, /no-such-package/],
  is_no_code: [`const const`, /SyntaxError/],
};

/** A project with its own deno.json, and a path that needs escaping in URLs and commands. */
const OWN_PROJECT = "项 目/100%#?";

const OWN = `${IMPORT}
  import { z } from "zod/v4";
  setTimeout(() => Promise.reject(new Error("too late to be caught")));
  const schema = z.object({
    id: z.string().default(() => crypto.randomUUID()),
    at: z.coerce.date(),
    name: z.string().transform((name) => {
      if (name === "x") throw new RangeError("a bad name");
      return name.toUpperCase();
    }),
  });
  export const own = defineTask({
    kind: "own",
    input: schema,
    retry: { maxAttempts: 2, baseMs: 1 },
    async *run({ input, attempt }) {
      yield { message: input.id };
      if (attempt === 1) throw new Error(input.id);
      return { ...input, isDate: input.at instanceof Date };
    },
  });
  /** Of a library that writes no JSON Schema. */
  export const bare = defineTask({
    kind: "bare",
    input: { "~standard": { version: 1, vendor: "x", validate: schema["~standard"].validate } },
    async *run() {},
  });`;

Deno.test("a module that cannot be loaded disturbs no other; /readyz, /kinds, submits and the log say why", async () => {
  await using folder = await tempDir();
  const write = async (name: string, source: string) => {
    const path = `${folder.path}/${name}`;
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    await Deno.writeTextFile(path, source);
    return path;
  };
  const broken = await Promise.all(
    Object.entries(BROKEN).map(([name, [source]]) =>
      write(`${name}.ts`, `${source}\n${task(`of-${name}`)}`)
    ),
  );
  await write("unmapped/deno.jsonc", "{}");
  const unmapped = await write("unmapped/src/tasks.ts", task("unmapped"));
  const twice = await write("twice.ts", task("demo"));
  const endless = await write("endless.ts", `await new Promise(() => {});\n${task("endless")}`);
  const locked = await write("locked.ts", `import "npm:zod@4";\n${task("locked")}`);
  const imports = { headway: HEADWAY, "zod/": "npm:/zod@4/" };
  await write(`${OWN_PROJECT}/deno.json`, JSON.stringify({ imports }));
  const own = await write(`${OWN_PROJECT}/src/tasks.ts`, OWN);
  const lock = await Deno.readTextFile(LOCK);
  const lines: string[] = [];

  await using app = await testApp({
    HEADWAY_KINDS: [...broken, unmapped, twice, endless, locked, own].join(),
    HEADWAY_LOAD_MS: "3600000",
  }, { inline: false, log: createLogger({ write: (line) => lines.push(line) }) });
  const readiness = await eventually(async () => {
    const response = await fetch(`${app.url}/readyz`);
    const { status, kinds } = await response.json();
    assertEquals([response.status, status], [200, "ok"]);
    for (const path of ["headway", locked, own]) assertEquals(kinds[path], "ready");
    for (const path of [...broken, unmapped, twice]) assertMatch(kinds[path], /^failed: /);
    assertEquals(kinds[endless], "loading");
    return kinds as Record<string, string>;
  });
  const { kinds, modules } = await (await fetch(`${app.url}/kinds`)).json();
  const { error } = await (await post(`${app.url}/tasks`, { kind: "of-throws" })).json();
  for (const [n, [name, [, reason]]] of Object.entries(BROKEN).entries()) {
    assertMatch(readiness[broken[n]!]!.replace("failed: ", ""), reason, name);
    const told = modules.find(({ module }: { module: string }) => module === broken[n]);
    assertEquals([told.state, `failed: ${told.reason}`], ["failed", readiness[broken[n]!]]);
    // Logged once, however often loading was tried.
    const logged = lines.filter((line) =>
      line.includes("unavailable") && line.includes(`${name}.ts`)
    );
    assert(logged.length === 1, `${name}: ${logged.join("\n")}`);
  }
  assertMatch(error, /There is no kind 'of-throws'.*throws.ts failed: Error: no/);
  assertMatch(
    readiness[unmapped]!,
    /add "headway": ".*lib\/mod.ts" to the "imports" of .*\/unmapped\/deno.jsonc$/,
  );
  assertEquals(readiness[twice], "failed: the kind 'demo' is already defined by headway");
  assertEquals(await Deno.readTextFile(LOCK), lock);

  const described = (name: string) => kinds.find(({ kind }: { kind: string }) => kind === name);
  assertEquals(described("own").input.properties.at, {});
  assertEquals(described("own").input.properties.name, { type: "string" });
  assertEquals(described("bare").input, null);

  const refused = await post(`${app.url}/tasks`, { kind: "own", input: { at: 0, name: "x" } });
  assertEquals([refused.status, (await refused.json()).field], [422, "input.name"]);
  const wrong = await post(`${app.url}/tasks`, { kind: "bare", input: { at: 0, name: 7 } });
  assertEquals([wrong.status, (await wrong.json()).field], [422, "input.name"]);
  // Each attempt gets the input as the schema made it at the submit.
  const one = await submit(app.url, "own", { at: "2026-01-02", name: "Ada" });
  const { result, attempt } = await finished(app.url, one.task_id);
  const { input } = await (await fetch(`${app.url}/tasks/${one.task_id}/details`)).json();
  const rows = await (await fetch(`${app.url}/tasks/${one.task_id}/events`)).json();
  const { id } = input;
  assertEquals(result, { id, at: "2026-01-02T00:00:00.000Z", name: "ADA", isDate: true });
  assertEquals(attempt, 2);
  assertMatch(JSON.stringify(rows), new RegExp(`Attempt 1 of 2 failed: ${id}`));
  const other = await submit(app.url, "own", { at: 0, name: "Ada" });
  assertNotEquals((await finished(app.url, other.task_id)).message, id);
  await eventually(() => {
    const printed = lines.filter((line) => line.includes("uncaught in"));
    assertMatch(printed.join(), /tasks\.ts: Error: too late to be caught/);
  });
});

Deno.test("GET /readyz answers 503 with the reason if each task process ends as it starts", async () => {
  await using app = await testApp(
    { HEADWAY_TASK_PERMISSIONS: "--allow-nets", HEADWAY_LOG: "off", HEADWAY_KINDS: "" },
    { inline: false },
  );
  await app.kinds.loaded;
  const response = await fetch(`${app.url}/readyz`);
  const { status, kinds } = await response.json();
  assertEquals([response.status, status], [503, "no kinds can be run"]);
  assertMatch(kinds.headway, /^failed: its process ended .*unexpected argument '--allow-nets'/);
  const { task_id } = await submitAnyway(app.url, "demo");
  assertEquals(task_id, undefined);
});

async function submitAnyway(url: string, kind: string): Promise<{ task_id?: string }> {
  const response = await post(`${url}/tasks`, { kind });
  assertEquals([response.status, response.headers.get("retry-after")], [503, "5"]);
  return await response.json();
}

/** Starts a server on a store that several servers share. */
function sharing(kv: Deno.Kv, settings: Record<string, string>) {
  return testApp({ HEADWAY_LOG: "off", ...settings }, { kv });
}

async function read(url: string) {
  const response = await fetch(url);
  assertEquals(response.status, 200);
  return await response.json();
}

Deno.test("a server lists and accepts kinds that only other processes run, and says when none runs them", async () => {
  using kv = await Deno.openKv(":memory:");
  await using web = await sharing(kv, { HEADWAY_ROLE: "web", HEADWAY_KINDS: "" });
  const kindOf = async (name: string) => {
    const { kinds } = await read(`${web.url}/kinds`);
    return kinds.find(({ kind }: { kind: string }) => kind === name);
  };
  assertEquals((await post(`${web.url}/tasks`, { kind: "order" })).status, 422);
  const later = await (async () => {
    await using _worker = await sharing(kv, { HEADWAY_ROLE: "worker" });
    const { input, unavailable } = await eventually(async () => {
      const order = await kindOf("order");
      assert(order);
      return order;
    });
    assertEquals([input.required, unavailable], [["name"], null]);
    const { paths } = await read(`${web.url}/openapi.json`);
    assert(JSON.stringify(paths).includes("input.order"));
    // This process cannot check the input: the attempt does, and adds the schema's defaults.
    const good = await submit(web.url, "order", { name: "Ada" });
    const { count } = (await finished(web.url, good.task_id)).result as { count: number };
    assertEquals(count, 1);
    const bad = await submit(web.url, "order", { name: 7 });
    assertMatch((await finished(web.url, bad.task_id)).error!.message, /its input does not fit/);
    return await submit(web.url, "order", { name: "Ada" }, { delay_ms: 3_600_000 });
  })();

  await eventually(async () => {
    const details = await read(`${web.url}/tasks/${later.task_id}/details`);
    const { unavailable, queue_position } = details;
    assertEquals([unavailable, queue_position], ["no process runs this kind", null]);
  });
  assertEquals(await kindOf("order"), undefined);
  const { metrics } = { metrics: await (await fetch(`${web.url}/metrics`)).text() };
  assertMatch(metrics, /^headway_tasks_unavailable\{kind="order"\} 1$/m);
});

Deno.test("if a module fails after a restart, its pending tasks say why until it loads again", async () => {
  using kv = await Deno.openKv(":memory:");
  await using folder = await tempDir();
  const path = `${folder.path}/tasks.ts`;
  await Deno.writeTextFile(path, task("mine"));
  const HEADWAY_KINDS = path;
  const { task_id } = await (async () => {
    await using app = await sharing(kv, { HEADWAY_KINDS });
    return await submit(app.url, "mine", undefined, { delay_ms: 3_600_000 });
  })();
  await Deno.writeTextFile(path, "throw new Error('broken since')");
  // In other processes, since this one has the module in memory.
  await using app = await testApp({ HEADWAY_KINDS, HEADWAY_LOG: "off" }, { kv, inline: false });
  await app.kinds.loaded;
  const reason = `${path} failed: Error: broken since`;
  assertEquals((await read(`${app.url}/tasks/${task_id}/details`)).unavailable, reason);
  const { kinds } = await read(`${app.url}/kinds`);
  const mine = kinds.find(({ kind }: { kind: string }) => kind === "mine");
  assertEquals(mine.unavailable, reason);
  const refused = await post(`${app.url}/tasks`, { kind: "mine" });
  assertEquals(refused.status, 503);
  assertMatch(
    (await refused.json()).error,
    /^'mine' is unavailable as .* failed: Error: broken since/,
  );

  await Deno.writeTextFile(path, task("mine"));
  await eventually(async () => {
    assertEquals((await read(`${app.url}/tasks/${task_id}/details`)).unavailable, null);
  });
});
