import { assertEquals, assertStringIncludes } from "@std/assert";
import { LAYERS } from "../../tools/layers.ts";
import plugin from "../../tools/lint_boundaries.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

function lint(path: string, source: string): Deno.lint.Diagnostic[] {
  return Deno.lint.runPlugin(plugin, `${ROOT}${path}`, source);
}

/** [importing file, statement] */
const ALLOWED: [string, string][] = [
  ["main.ts", `import { app } from "./routes/mod.ts";`],
  ["embed/open.ts", `import { app } from "../routes/mod.ts";`],
  ["lib/headway.ts", `import type { TaskEvent } from "../static/client/client.d.ts";`],
  ["lib/feed/hub.ts", `import { log } from "./log.ts";`],
  ["lib/engine.ts", `import { Hub } from "./feed/hub.ts";`],
  ["lib/server.ts", `import { Engine } from "./engine.ts";`],
  ["lib/mod.ts", `export { pause } from "./task/delay.ts";`],
  ["lib/feed/hub.ts", `import { eTag } from "@std/http";`],
  ["lib/child/main.ts", `import { Socket } from "node:net";`],
  ["lib/base/metrics.ts", `import { Counter } from "prom-client";`],
  ["lib/kinds/demo.ts", `import { progress } from "headway";`],
  ["lib/kinds/demo.ts", `import { parse } from "csv-parse";`],
  ["lib/kinds/demo.ts", `import { createHash } from "node:crypto";`],
  ["lib/kinds/demo.ts", `import { readChunks } from "./read_chunks.ts";`],
  ["routes/tasks.ts", `import { submit } from "../lib/store.ts";`],
  ["routes/mod.ts", `import { tasks } from "./tasks.ts";`],
  ["static/app.tsx", `import { signal } from "@preact/signals";`],
  ["static/app.tsx", `import { watch } from "./client/watch.ts";`],
  ["static/client/watch.ts", `import { EventStream } from "./event_stream.ts";`],
  ["static/client/client.d.ts", `import type { TaskRecord } from "../../lib/task/record.ts";`],
  ["static/client/use_task.ts", `import { useState } from "preact/hooks";`],
  ["examples/watch.ts", `import { watch } from "headway/client";`],
  ["lib/testing/mod.ts", `import { outcomeOf } from "../runner/outcome.ts";`],
  ["static/app.tsx", `import type { TaskRecord } from "../lib/record.ts";`],
  ["static/app.tsx", `import type { TaskRecord } from "headway";`],
  ["static/app.tsx", `export type { TaskRecord } from "../lib/record.ts";`],
  ["static/app.tsx", `type R = import("../lib/record.ts").TaskRecord;`],
  ["tests/main_test.ts", `import { start } from "../main.ts";`],
  ["tools/build.ts", `import { app } from "../static/app.tsx";`],
];

for (const [path, source] of ALLOWED) {
  Deno.test(`boundaries/imports allows in ${path}: ${source}`, () => {
    assertEquals(lint(path, source), []);
  });
}

/** [importing file, statement, a part of the message] */
const FORBIDDEN: [string, string, string][] = [
  ["lib/feed/hub.ts", `import { app } from "../../routes/mod.ts";`, "lib/ imports only lib/"],
  ["lib/feed/hub.ts", `import { start } from "../../main.ts";`, "lib/ imports only lib/"],
  [
    "lib/headway.ts",
    `import { watch } from "../static/client/watch.ts";`,
    "lib/ imports only lib/",
  ],
  ["lib/feed/hub.ts", `export * from "../../static/client.ts";`, "lib/ imports only lib/"],
  [
    "lib/feed/hub.ts",
    `import { eventually } from "../../tests/helpers/eventually.ts";`,
    "outside tests/",
  ],
  ["lib/feed/hub.ts", `export { a } from "../../tools/build.ts";`, "outside tests/"],
  ["lib/child/main.ts", `import { z } from "zod";`, "nothing by a bare name"],
  ["lib/testing/mod.ts", `import { z } from "zod";`, "nothing by a bare name"],
  ["lib/child/main.ts", `import { runTask } from "../testing/mod.ts";`, "lib/child/ imports only"],
  ["lib/kinds/demo.ts", `import { runTask } from "headway/testing";`, 'imports only "headway"'],
  ["lib/task/kind.ts", `const { z } = await import("zod");`, "nothing by a bare name"],
  ["lib/base/bytes.ts", `import { assert } from "@std/assert";`, "nothing by a bare name"],
  ["lib/mod.ts", `export { z } from "zod";`, "nothing by a bare name"],
  ["lib/kinds/demo.ts", `import { Store } from "../store/store.ts";`, "A kind imports only"],
  ["lib/kinds/demo.ts", `import type { Store } from "../store/store.ts";`, "A kind imports only"],
  ["lib/kinds/demo.ts", `const s = await import("../sse/encode.ts");`, "A kind imports only"],
  ["lib/kinds/demo.ts", `import { progress } from "../task/define.ts";`, "A kind imports only"],
  ["lib/kinds/demo.ts", `import { app } from "../../routes/mod.ts";`, "A kind imports only"],
  ["routes/page.ts", `import { App } from "../static/app.tsx";`, "routes/ imports only"],
  ["routes/page.ts", `import { start } from "../main.ts";`, "routes/ imports only"],
  ["static/app.tsx", `import { STATUSES } from "../lib/record.ts";`, "write `import type`"],
  ["static/app.tsx", `import { type Status } from "../lib/record.ts";`, "write `import type`"],
  ["static/app.tsx", `import type { App } from "../routes/mod.ts";`, "runs in browsers"],
  ["static/app.tsx", `import { join } from "node:path";`, "runs in browsers"],
  ["static/app.tsx", `import { ulid } from "@std/ulid";`, "runs in browsers"],
  ["static/client/watch.ts", `import { strings } from "../strings.ts";`, "other people's"],
  ["static/client/watch.ts", `import type { TaskRecord } from "headway";`, "other people's"],
  ["static/client/watch.ts", `import { waits } from "../../lib/task/record.ts";`, "other people's"],
  ["static/client/watch.ts", `import type { App } from "../../lib/engine.ts";`, "other people's"],
  ["static/client/watch.ts", `import { join } from "node:path";`, "other people's"],
  ["lib/feed/hub.ts", `import { watch } from "headway/client";`, "lib/ imports only lib/"],
  ["main.ts", `import { run } from "./tests/run.ts";`, "outside tests/"],
];

for (const [path, source, part] of FORBIDDEN) {
  Deno.test(`boundaries/imports refuses in ${path}: ${source}`, () => {
    const [problem, ...others] = lint(path, source);
    assertEquals(others, []);
    assertEquals(problem?.id, "boundaries/imports");
    assertStringIncludes(problem!.message, part);
  });
}

// Each layer: an import that is allowed, and one that is refused.
const LAYER_CASES: [layer: string, allowed: string, refused: string][] = [
  ["task", "task/record", "base/log"],
  ["base", "task/event", "kv/keys"],
  ["sse", "base/bytes", "kv/keys"],
  ["child", "task/define", "kv/keys"],
  ["kv", "task/record", "store/store"],
  ["store", "kv/keys", "feed/hub"],
  ["feed", "sse/stream", "store/store"],
  ["cluster", "store/store", "runner/runner"],
  ["runner", "cluster/session", "http/auth"],
  ["http", "kv/keys", "store/store"],
  ["config", "http/tokens", "kv/keys"],
  ["std", "std/ulid/mod", "task/record"],
];

for (const [layer, allowed, refused] of LAYER_CASES) {
  Deno.test(`boundaries/imports in lib/${layer}/: allows ${allowed}, refuses ${refused}`, () => {
    const path = `lib/${layer}/x.ts`;
    for (const what of ["import", "import type", "export"]) {
      assertEquals(lint(path, `${what} { x } from "../${allowed}.ts";`), []);
      const [problem, ...others] = lint(path, `${what} { x } from "../${refused}.ts";`);
      assertEquals(others, []);
      assertStringIncludes(problem!.message, `lib/${layer}/ imports only itself`);
    }
    for (const top of ["engine", "server", "mod"]) {
      assertEquals(lint(path, `import { x } from "../${top}.ts";`).length, 1);
    }
  });
}

Deno.test("LAYERS has every folder of lib/ except kinds/", () => {
  const folders = [...Deno.readDirSync(new URL("lib", `file://${ROOT}`))]
    .filter(({ isDirectory }) => isDirectory).map(({ name }) => name);
  assertEquals(folders.filter((name) => name !== "kinds").sort(), Object.keys(LAYERS).sort());
});

const PROCESS_USES = [
  `const kv = await Deno.openKv();`,
  `Deno.serve(() => new Response());`,
  `Deno.addSignalListener("SIGTERM", () => {});`,
  `const port = Deno.env.get("HEADWAY_PORT");`,
  `const port = Deno["env"].get("HEADWAY_PORT");`,
  `const port = globalThis.Deno.env.get("HEADWAY_PORT");`,
  `const { env } = Deno;`,
];

for (const source of PROCESS_USES) {
  Deno.test(`boundaries/process allows only in a few files: ${source}`, () => {
    for (const path of ["tests/main_test.ts", "tools/build.ts", "lib/std/assert/x.ts"]) {
      assertEquals(lint(path, source), []);
    }
    for (
      const path of ["lib/feed/hub.ts", "lib/kinds/demo.ts", "routes/tasks.ts", "static/app.tsx"]
    ) {
      assertEquals(lint(path, source).map(({ id }) => id), ["boundaries/process"]);
    }
  });
}

const PROCESS_FILES: [path: string, allowed: string[], refused: string][] = [
  ["embed/program.ts", ["env.get('X')", "addSignalListener('SIGINT', stop)"], "openKv()"],
  ["lib/child/main.ts", ["env.get('X')"], "openKv()"],
  ["lib/http/listener.ts", ["serve(handler)"], "env.get('X')"],
  ["lib/kv/open_store.ts", ["openKv()"], "serve(handler)"],
];

for (const [path, allowed, refused] of PROCESS_FILES) {
  Deno.test(`boundaries/process lets ${path} do ${allowed.join(" and ")}, and no more`, () => {
    for (const use of allowed) assertEquals(lint(path, `Deno.${use};`), []);
    assertEquals(lint(path, `Deno.${refused};`).length, 1);
  });
}

Deno.test("boundaries/process allows types, and other objects and names", () => {
  const source = `const kv: Deno.Kv = app.openKv(); Deno.stat("."); app.env.get("X");`;
  assertEquals(lint("lib/feed/hub.ts", source), []);
});

for (const source of [`engine.store.kv.get(key);`, `const { store: { kv } } = engine;`]) {
  Deno.test(`boundaries/store keeps the store's handle out of routes/: ${source}`, () => {
    for (const path of ["lib/engine.ts", "embed/open.ts", "tests/http/x_test.ts"]) {
      assertEquals(lint(path, source), []);
    }
    assertEquals(lint("routes/tasks.ts", source).map(({ id }) => id), ["boundaries/store"]);
  });
}
