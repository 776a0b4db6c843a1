import { assertEquals, assertLess, assertRejects } from "@std/assert";
import denoJson from "../deno.json" with { type: "json" };
import { assertConsistent } from "./helpers/consistency.ts";
import { eventually } from "./helpers/eventually.ts";
import { closedGate } from "./helpers/gate.ts";
import { childrenOf } from "./helpers/processes.ts";
import { type ServerProcess, startServer } from "./helpers/server.ts";
import { openStream } from "./helpers/sse.ts";
import { tempDir } from "./helpers/temp_dir.ts";

const ROOT = new URL("../", import.meta.url);
const SECRET = "admin-secret-0123456789";
const headers = { authorization: `Bearer ${SECRET}` };

/** Writes a deno.json without unstable features, which only Deno Deploy itself sets. */
async function writeConfig(folder: string): Promise<string> {
  const { imports, links } = denoJson;
  const absolute = (path: string) => path.startsWith("./") ? new URL(path, ROOT).href : path;
  const config = {
    compilerOptions: denoJson.compilerOptions,
    nodeModulesDir: "none",
    imports: Object.fromEntries(
      Object.entries(imports).map(([name, path]) => [name, absolute(path)]),
    ),
    links: links.map((path) => new URL(path, ROOT).pathname),
    lock: false,
  };
  await Deno.writeTextFile(`${folder}/deno.json`, JSON.stringify(config));
  return `${folder}/deno.json`;
}

/** Starts `main.ts` as Deno Deploy might: KV has no path, and files and processes are denied. */
async function startDeployed(folder: string, name: string): Promise<ServerProcess> {
  const config = await writeConfig(folder);
  return await startServer({
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      `--config=${config}`,
      "--unstable-kv",
      "--allow-net",
      "--allow-read",
      "--allow-env",
      // Deno Deploy's KV needs no permission; here it is a file.
      `--allow-write=${folder}/kv.db`,
      denoJson.deploy.runtime.entrypoint,
    ],
    env: {
      DENO_DEPLOYMENT_ID: name,
      DENO_DEPLOY: "true",
      DENO_KV_DEFAULT_PATH: `${folder}/kv.db`,
      HEADWAY_KV: "",
      HEADWAY_TOKENS: `me:admin:${SECRET}`,
    },
  });
}

/** The URL at which this machine reaches a server. */
function urlOf({ url }: ServerProcess): string {
  return url.replace("0.0.0.0", "127.0.0.1");
}

async function submit(base: string, kind: string, input: unknown): Promise<string> {
  const body = JSON.stringify({ kind, input });
  const response = await fetch(`${base}/tasks`, { method: "POST", headers, body });
  assertEquals(response.status, 201);
  return (await response.json()).task_id;
}

async function read(base: string, id: string) {
  return await (await fetch(`${base}/tasks/${id}`, { headers })).json();
}

Deno.test("deno.json has exactly the settings for Deno Deploy that it needs", () => {
  assertEquals(Object.keys(denoJson.deploy), ["install", "build", "runtime"]);
  assertEquals(denoJson.deploy.runtime, { type: "dynamic", entrypoint: "main.ts" });
});

Deno.test("main.ts under the limits of Deno Deploy starts, streams, runs tasks inline and writes no file", async () => {
  await using folder = await tempDir();
  await using server = await startDeployed(folder.path, "a");
  const base = urlOf(server);
  const id = await submit(base, "steps", { steps: 20, interval_ms: 5 });
  await using stream = await openStream(`${base}/tasks/${id}/stream`, {
    headers,
    lastEventId: "0",
  });
  await stream.all();
  assertEquals(stream.data("log").length, 20);
  assertEquals(stream.data("complete")[0].result, { steps: 20 });
  assertEquals(await childrenOf(server.process.pid), []);
  // An upload, and a task that reads it.
  const upload = await (await fetch(`${base}/uploads`, { method: "POST", headers, body: "a\n1\n" }))
    .json();
  const profile = await submit(base, "csv-profile", { upload: upload.upload_id });
  await eventually(async () => assertEquals((await read(base, profile)).status, "completed"));
  // Anybody can reach the server, so it refuses requests without a token.
  const stranger = await fetch(`${base}/tasks`);
  await stranger.body?.cancel();
  assertEquals(stranger.status, 401);
  const files = await Array.fromAsync(Deno.readDir(folder.path), ({ name }) => name);
  assertEquals(files.filter((name) => !name.startsWith("kv.db")), ["deno.json"]);
  assertEquals(server.stderr, []);
});

Deno.test("main.ts on Deno Deploy resumes tasks after an isolate was stopped or killed", async () => {
  await using gate = closedGate();
  await using folder = await tempDir();
  let id: string;
  {
    await using first = await startDeployed(folder.path, "a");
    id = await submit(urlOf(first), "steps", { steps: 400, interval_ms: 20, gate: gate.url });
    await eventually(async () => assertLess(3, (await read(urlOf(first), id)).done ?? 0));
    // Deno Deploy kills an isolate five seconds after this signal.
    assertEquals((await first.kill("SIGINT")).code, 0);
  }
  {
    await using second = await startDeployed(folder.path, "b");
    const { done } = await read(urlOf(second), id);
    const more = Math.min(done + 3, 398);
    await eventually(async () => assertLess(more, (await read(urlOf(second), id)).done));
    await second.kill("SIGKILL");
  }
  await using third = await startDeployed(folder.path, "c");
  const base = urlOf(third);
  gate.open();
  await eventually(async () => assertEquals((await read(base, id)).status, "completed"));
  const events = await openStream(`${base}/tasks/${id}/stream`, { headers, lastEventId: "0" });
  await events.all();
  const steps = events.data("log").map(({ message }) => message)
    .filter((message) => message.startsWith("step "))
    // Steps after the last checkpoint are logged again.
    .filter((message, n, all) => message !== all[n - 1]);
  assertEquals(steps, Array.from({ length: 400 }, (_, n) => `step ${n + 1}`));
  await third.kill("SIGINT");
  using kv = await Deno.openKv(`${folder.path}/kv.db`);
  await assertConsistent(kv);
});

Deno.test("main.ts on Deno Deploy does not start without tokens", async () => {
  await using folder = await tempDir();
  const config = await writeConfig(folder.path);
  const args = [
    "run",
    "-q",
    "--no-prompt",
    `--config=${config}`,
    "--unstable-kv",
    "-R",
    "-E",
    "-N",
  ];
  const env = { DENO_DEPLOYMENT_ID: "a", DENO_KV_DB_MODE: "memory", HEADWAY_KV: "" };
  await assertRejects(
    () => startServer({ args: [...args, "main.ts"], env }),
    Error,
    "set HEADWAY_TOKENS",
  );
});
