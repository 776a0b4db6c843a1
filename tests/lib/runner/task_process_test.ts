import { pathToFileURL } from "node:url";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { createLogger } from "../../../lib/base/log.ts";
import type { FromTasks } from "../../../lib/child/protocol.ts";
import { taskEnvironment } from "../../../lib/child/task_environment.ts";
import { eventually } from "../../helpers/eventually.ts";
import { isAlive } from "../../helpers/processes.ts";
import { tempDir } from "../../helpers/temp_dir.ts";
import { startTaskProcess } from "../../../lib/runner/task_process.ts";

const MODULE = { name: "./tasks.ts", flags: ["--no-config"], config: null };

Deno.test("startTaskProcess() reports a process that cannot be started as one that ended", async () => {
  const { promise, resolve } = Promise.withResolvers<string>();
  const process = startTaskProcess({
    // A longer argument than the system takes.
    module: { ...MODULE, url: "x".repeat(16 * 1024 * 1024) },
    permissions: [],
    env: {},
    log: createLogger({ level: "off" }),
  }, { onmessage() {}, onprinted() {}, onexit: resolve });
  process.send({ type: "ack" });
  const status = await promise;
  assert(status.startsWith("it could not be started: "), status);
  await process.close();
});

/** The first message of a task process that loads a module, and what it printed. */
async function said(source: string): Promise<{ message: FromTasks; printed: string }> {
  const { promise, resolve } = Promise.withResolvers<FromTasks>();
  const lines: string[] = [];
  const process = startTaskProcess({
    module: { ...MODULE, url: `data:text/javascript,${encodeURIComponent(source)}` },
    permissions: [],
    env: taskEnvironment(Deno.env.toObject()),
    log: createLogger({ level: "off" }),
  }, { onmessage: resolve, onprinted() {}, onexit: (...how) => lines.push(...how) });
  const message = await promise;
  await process.kill();
  return { message, printed: lines.join("\n") };
}

Deno.test("startTaskProcess() says why a module cannot be loaded", async () => {
  const modules = [
    ["throw new Error('not like this', { cause: 'that' })", "not like this, caused by that"],
    ["export const nothing = 1", "exports no task: export what defineTask() returns"],
    ["Deno.exit(0)", "ExitError"],
    ["}", "Expression expected"],
    ["throw { toString() { throw 1 } }", "object"],
    ["Deno.env.get('X')", 'Requires env access to "X"'],
  ] as const;
  await Promise.all(modules.map(async ([source, why]) => {
    const { message, printed } = await said(source);
    assert(message.type === "failed", `${source}: ${JSON.stringify(message)} ${printed}`);
    assertStringIncludes(message.reason, why);
  }));
});

Deno.test("startTaskProcess() starts a process whatever the folders of project and module are called", async () => {
  await using folder = await tempDir();
  const root = `${folder.path}/my 项目 100%25 #?a,b`;
  for (const layer of ["base", "child", "task", "runner"]) {
    const from = new URL(`../../../lib/${layer}/`, import.meta.url);
    await Deno.mkdir(`${root}/lib/${layer}`, { recursive: true });
    for await (const { name } of Deno.readDir(from)) {
      await Deno.copyFile(new URL(name, from), `${root}/lib/${layer}/${name}`);
    }
  }
  const source = `import { defineTask } from "../lib/task/define.ts";
    export const task = defineTask({ kind: "k", async *run() {} });`;
  await Deno.mkdir(`${root}/%2F?`);
  await Deno.writeTextFile(`${root}/%2F?/kinds.ts`, source);
  await Deno.writeTextFile(`${root}/deno.json`, "{}");
  const copy: typeof import("../../../lib/runner/task_process.ts") = await import(
    pathToFileURL(`${root}/lib/runner/task_process.ts`).href
  );
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const process = copy.startTaskProcess({
    module: {
      name: "kinds",
      url: pathToFileURL(`${root}/%2F?/kinds.ts`).href,
      flags: [`--config=${root}/deno.json`],
      config: `${root}/deno.json`,
    },
    permissions: [],
    env: taskEnvironment(Deno.env.toObject()),
    log: createLogger({ level: "off" }),
  }, { onmessage: resolve, onprinted() {}, onexit: (...how) => resolve(how) });
  assertMatch(JSON.stringify(await promise), /^{"type":"ready","kinds":\[{"kind":"k",/);
  await process.kill();
});

Deno.test({
  name: "a task process ends when its server is killed, even if its module loops forever",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await using folder = await tempDir();
    const file = `${folder.path}/loaded`;
    const source = `Deno.writeTextFileSync(${JSON.stringify(file)}, ""); while (true);`;
    const module = { ...MODULE, url: `data:text/javascript,${encodeURIComponent(source)}` };
    const permissions = [`--allow-write=${folder.path}`];
    const program = `
      import { startTaskProcess } from "${new URL(
      "../../../lib/runner/",
      import.meta.url,
    )}task_process.ts";
      const options = { ...${JSON.stringify({ module, permissions })}, env: {}, log: {} };
      console.log(startTaskProcess(options, { onmessage() {}, onprinted() {}, onexit() {} }).pid);`;
    await using server = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-config", `data:text/javascript,${encodeURIComponent(program)}`],
      stdout: "piped",
    }).spawn();
    const lines = server.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const pid = Number((await lines.read()).value);
    await eventually(() => Deno.stat(file));
    server.kill("SIGKILL");
    await eventually(async () => assertEquals(await isAlive(pid), false));
    await lines.cancel();
  },
});
