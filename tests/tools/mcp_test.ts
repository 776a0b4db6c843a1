import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import {
  type CallToolResult,
  Client,
  InMemoryTransport,
  type Transport,
} from "@modelcontextprotocol/client";
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import type { Server } from "../../lib/server.ts";
import { createMcpServer } from "../../tools/mcp/mcp_server.ts";
import { Toolbox } from "../../tools/mcp/toolbox.ts";
import { Api, ServerError } from "../../tools/run/api.ts";
import { finished, getTask, post, taskWhen } from "../helpers/api.ts";
import { openGate } from "../helpers/gate.ts";
import { readLines, testApp } from "../helpers/server.ts";

const ROOT = new URL("../../", import.meta.url);

/** What a tool answered, as JSON. */
// deno-lint-ignore no-explicit-any -- JSON, whose shape the test asserts
function told({ content }: CallToolResult): any {
  const [first] = content;
  assert(first?.type === "text");
  return JSON.parse(first.text);
}

interface Connected extends AsyncDisposable {
  client: Client;
  toolbox: Toolbox;
  /** Calls a tool, and returns its answer. */
  call(name: string, args?: Record<string, unknown>): Promise<CallToolResult>;
}

/** Connects a new client in this process; with `pin`, by the newest protocol. */
async function connect(
  api: Api,
  { waitMs = 60_000, pin = false, onchange = () => {} }: {
    waitMs?: number;
    pin?: boolean;
    onchange?: () => void;
  } = {},
): Promise<Connected> {
  const toolbox = new Toolbox({ api, waitMs });
  const [ours, theirs] = InMemoryTransport.createLinkedPair();
  const serving = serveStdio(() => createMcpServer(toolbox), { transport: theirs });
  const client = new Client({ name: "test", version: "1" }, {
    ...(pin ? { versionNegotiation: { mode: { pin: "2026-07-28" } } } : {}),
    listChanged: { tools: { autoRefresh: false, debounceMs: 0, onChanged: onchange } },
  });
  await client.connect(ours);
  return {
    client,
    toolbox,
    call: (name, args = {}) => client.callTool({ name, arguments: args }),
    async [Symbol.asyncDispose]() {
      await client.close();
      await serving.close();
    },
  };
}

function apiOf(app: Server): Api {
  return new Api(app.url, undefined);
}

for (const pin of [false, true]) {
  const protocol = pin ? "2026-07-28" : "2025-11-25";
  Deno.test(`mcp submits, reports progress and the result, cancels and sends signals, by ${protocol}`, async () => {
    await using app = await testApp();
    await using mcp = await connect(apiOf(app), { pin });
    const { tools } = await mcp.client.listTools();
    const names = tools.map(({ name }) => name);
    for (const name of ["submit_gated", "list_tasks", "cancel_task", "send_signal", "watch_task"]) {
      assert(names.includes(name), `${names}`);
    }
    for (const name of names) assertMatch(name, /^[A-Za-z0-9_-]{1,64}$/);
    const gated = tools.find(({ name }) => name === "submit_gated")!;
    assertEquals(Object.keys(gated.inputSchema.properties ?? {}), ["gate", "rows"]);
    assertEquals(gated.inputSchema.required, ["gate"]);

    const gate = `mcp-${protocol}`;
    const seen: { progress: number; message?: string | undefined }[] = [];
    const done = await mcp.client.callTool(
      { name: "submit_gated", arguments: { gate } },
      {
        onprogress: (told) => {
          seen.push(told);
          if (told.message?.includes("waits")) openGate(gate);
        },
      },
    );
    assertEquals([told(done).status, told(done).result, done.isError], [
      "completed",
      "let through",
      undefined,
    ]);
    assert(seen.length >= 1);
    for (const [n, { progress }] of seen.entries()) {
      assert(n === 0 || progress > seen[n - 1]!.progress);
    }

    const asks = told(await mcp.call("submit_asks"));
    assertEquals([asks.status, asks.waiting_for.name], ["waiting", "approve"]);
    assertEquals(asks.signal_schema.required, ["ok"]);
    const wrong = await mcp.call("send_signal", { id: asks.task_id, name: "approve", body: {} });
    assertEquals([wrong.isError, told(wrong).field], [true, "signal.ok"]);
    await mcp.call("send_signal", { id: asks.task_id, name: "approve", body: { ok: true } });
    const answered = told(await mcp.call("watch_task", { id: asks.task_id }));
    assertEquals([answered.status, answered.result], ["completed", { answer: { ok: true } }]);

    const later = await (await post(`${app.url}/tasks`, { kind: "waits" })).json();
    const canceled = told(await mcp.call("cancel_task", { id: later.task_id }));
    assertEquals(canceled.status, "canceled");
    const list = told(await mcp.call("list_tasks", { status: ["canceled", "failed"], limit: 5 }));
    assertEquals(list.tasks.map((it: { task_id: string }) => it.task_id), [later.task_id]);
  });
}

Deno.test("mcp tells a model which field of a call was wrong, and why a task failed", async () => {
  await using app = await testApp();
  await using mcp = await connect(apiOf(app));
  const wrong = await mcp.call("submit_gated", { gate: 7 });
  assertEquals([wrong.isError, told(wrong).status, told(wrong).field], [true, 422, "input.gate"]);
  assertStringIncludes(told(wrong).error, "gated");
  const failed = await mcp.call("submit_throws", { final: true });
  assertEquals([failed.isError, told(failed).status], [true, "failed"]);
  assert(told(failed).error.message.length > 0);
  for (
    const [name, args, status] of [
      ["get_task", { id: "01J00000000000000000000000" }, 404],
      ["get_task", {}, 404],
      ["watch_task", { id: "../kinds" }, 404],
      ["list_tasks", { limit: 0 }, 400],
    ] as const
  ) {
    const refused = await mcp.call(name, args);
    assertEquals([refused.isError, told(refused).status], [true, status], name);
  }
  const none = await mcp.call("submit_nothing");
  assertStringIncludes(told(none).error, "There is no tool");
});

Deno.test("mcp leaves a task running when a client gives up its wait or the time for it is over", async () => {
  await using app = await testApp();
  await using mcp = await connect(apiOf(app), { waitMs: 0 });
  const brief = told(await mcp.call("submit_gated", { gate: "mcp-left" }));
  assert(["pending", "running"].includes(brief.status), brief.status);
  assertStringIncludes(brief.next, "watch_task");
  const id = brief.task_id;
  const left = new AbortController();
  const waiting = mcp.client.callTool({
    name: "watch_task",
    arguments: { id, wait_seconds: 3600 },
  }, { signal: left.signal, onprogress: () => left.abort() });
  await waiting.then(() => assert(false), () => {});
  assertEquals((await taskWhen(app.url, id, ({ status }) => status === "running")).by, undefined);
  openGate("mcp-left");
  assertEquals((await finished(app.url, id)).status, "completed");
  assertEquals((await getTask(app.url, id)).cancel_requested, false);
});

Deno.test("mcp tells a client when the kinds change, and cuts answers that are too long", async () => {
  await using app = await testApp();
  const api = apiOf(app);
  const json = api.json.bind(api);
  let extra: unknown[] = [];
  let broken = false;
  api.json = async <T>(path: string, init?: RequestInit): Promise<T> => {
    // deno-lint-ignore no-explicit-any -- JSON of the server
    const answer = await json<any>(path, init);
    if (path === "/kinds" && broken) throw new ServerError(0, "There is no answer");
    if (path === "/kinds") answer.kinds.push(...extra);
    return answer;
  };
  const changed = Promise.withResolvers<void>();
  let changes = 0;
  const onchange = () => {
    changes++;
    changed.resolve();
  };
  await using mcp = await connect(api, { onchange });
  const before = (await mcp.client.listTools()).tools.length;
  // While the server does not answer, the tools stay as they are.
  broken = true;
  await mcp.toolbox.read().then(() => assert(false), () => {});
  assertEquals((await mcp.call("list_tasks")).isError, undefined);
  broken = false;
  await mcp.toolbox.read();
  // What the client was told comes before this answer.
  await mcp.call("list_tasks");
  assertEquals(changes, 0);
  const kind = { description: null, input: null, unavailable: null };
  extra = Array.from({ length: 100 }, (_, n) => ({ kind: `another-${n}`, ...kind }));
  await mcp.toolbox.read();
  await changed.promise;
  assertEquals(changes, 1);
  const { tools } = await mcp.client.listTools();
  assert(tools.length > before && tools.length < 115, `${tools.length}`);
  const names = told(await mcp.call("list_kinds"));
  assert(names.includes("another-99"));
  const input = { texts: ["x".repeat(46_000)] };
  const long = await mcp.call("start_task", { kind: "outputs", input: { values: ["y"] } });
  assertEquals(told(long).status, "completed");
  const { task_id } = await (await post(`${app.url}/tasks`, { kind: "says", input })).json();
  const details = await mcp.call("get_details", { id: task_id });
  assertEquals(details.content.map((it) => it.type === "text" ? it.text.length : 0)[0], 40_000);
  assertMatch(JSON.stringify(details.content[1]), /Cut: these are the first 40000 of \d+/);
});

/** The commands by which clients start the MCP server according to docs/mcp.md. */
async function documentedCommands(): Promise<{ command: string; args: string[]; env: object }[]> {
  const text = await Deno.readTextFile(new URL("docs/mcp.md", ROOT));
  return [...text.matchAll(/```json\n(.*?)```/gs)].map(([, json]) => {
    const { mcpServers, servers = mcpServers } = JSON.parse(json!);
    return servers.headway;
  });
}

Deno.test("main.ts mcp writes nothing but MCP to stdout, and ends with its client", async () => {
  await using app = await testApp();
  const [first, ...others] = await documentedCommands();
  assertEquals(others.map(({ command, args, env }) => ({ command, args, env })), [first!]);
  assertEquals(first!.command, "deno");
  const main = new URL("main.ts", ROOT).pathname;
  const child = new Deno.Command(Deno.execPath(), {
    args: first!.args.map((arg) => arg.replace("/path/to/headway/main.ts", main)),
    env: { ...first!.env, HEADWAY_URL: app.url },
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const stdin = child.stdin.getWriter();
  const transport: Transport = {
    start: () => Promise.resolve(),
    send: (message) => stdin.write(new TextEncoder().encode(`${JSON.stringify(message)}\n`)),
    close: () => stdin.close(),
  };
  const reading = readLines(child.stdout, (line) => transport.onmessage?.(JSON.parse(line)));
  const client = new Client({ name: "test", version: "1" });
  await client.connect(transport);
  const { tools } = await client.listTools();
  assert(tools.length > 10);
  const result = await client.callTool({ name: "submit_says", arguments: { texts: ["a"] } });
  assertEquals(told(result).status, "completed");
  await client.close();
  // A line that is not JSON would have thrown.
  await reading;
  assertEquals((await child.status).code, 0);
});
