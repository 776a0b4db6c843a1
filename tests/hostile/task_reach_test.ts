import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { TaskRecord } from "headway";
import { eventually } from "../helpers/eventually.ts";
import { type ServerProcess, startServer } from "../helpers/server.ts";
import { type TempDir, tempDir } from "../helpers/temp_dir.ts";

const THIEF = new URL("./thief.ts", import.meta.url);
const SECRET = "a-secret-in-a-file-0123456789";

/** Starts a server with its kinds, store and tokens in a folder that tasks may read by default. */
async function startIn(
  { path }: TempDir,
  env: Record<string, string> = {},
  kv = `${path}/.headway/headway.db`,
): Promise<ServerProcess> {
  await Deno.copyFile(THIEF, `${path}/thief.ts`);
  await Deno.mkdir(`${path}/data`, { recursive: true });
  await Deno.writeTextFile(`${path}/tokens`, `ops:admin:${SECRET}\n`);
  return await startServer({
    kv,
    kinds: `${path}/thief.ts`,
    env: { HEADWAY_TOKENS_FILE: `${path}/tokens`, ...env },
  });
}

/** Runs a task to its end. */
async function run({ url }: ServerProcess, kind: string, input?: unknown): Promise<TaskRecord> {
  const headers = { authorization: `Bearer ${SECRET}`, "content-type": "application/json" };
  const body = JSON.stringify({ kind, input });
  const submitted = await fetch(`${url}/tasks`, { method: "POST", headers, body });
  const { task_id } = await submitted.json();
  return await eventually(async () => {
    const record: TaskRecord = await (await fetch(`${url}/tasks/${task_id}`, { headers })).json();
    assert(record.finished_at !== null);
    return record;
  });
}

/** What the task `thief` was not refused. */
async function stolen(server: ServerProcess, paths: string[], folder?: string): Promise<unknown> {
  const { status, error, result } = await run(server, "thief", { paths, folder });
  assertEquals([status, error], ["completed", null]);
  return result;
}

function storeFiles(kv: string): string[] {
  return [kv, `${kv}-wal`, `${kv}-shm`, `${kv}.lock`];
}

Deno.test("a task reads neither the store nor the tokens by default, though it may read their folder", async () => {
  await using folder = await tempDir();
  await using server = await startIn(folder);
  const paths = [...storeFiles(server.kv), `${folder.path}/.headway`, `${folder.path}/tokens`];
  assertEquals(await stolen(server, paths), []);
});

/** Permissions as an operator may give them; `@` is the user's folder. */
const GRANTS = [
  "--allow-read",
  "-R -N",
  "--allow-read --allow-write=@ --allow-env --allow-sys --allow-net",
  "-R=@ -W=@ -E",
  "-A --deny-run --deny-ffi --deny-write",
  "--allow-all --deny-read=/etc",
];

for (const grant of GRANTS) {
  Deno.test(`a task reads neither the store nor the tokens with ${grant}`, async () => {
    await using folder = await tempDir();
    const flags = grant.replaceAll("@", folder.path);
    const env = { HEADWAY_TASK_PERMISSIONS: flags };
    await using server = await startIn(folder, env);
    const paths = [...storeFiles(server.kv), `${folder.path}/.headway`, `${folder.path}/tokens`];
    const writes = /-W|--allow-write/.test(grant) ? `${folder.path}/data` : undefined;
    assertEquals(await stolen(server, paths, writes), []);
  });
}

Deno.test("a task cannot read a store with another file name, nor the old store that a restore kept beside it", async () => {
  await using folder = await tempDir();
  const kv = `${folder.path}/mine.db`;
  await Deno.writeTextFile(`${kv}.before-20260101T000000`, "an older store");
  await using server = await startIn(folder, {}, kv);
  const paths = [...storeFiles(kv), `${kv}.before-20260101T000000`];
  assertEquals(await stolen(server, paths), []);
});

Deno.test("a task cannot read the store through a symlink to its folder", async () => {
  await using folder = await tempDir();
  const { path } = folder;
  await Deno.mkdir(`${path}/real`);
  await Deno.symlink(`${path}/real`, `${path}/link`);
  const within = { path: `${path}/link` } as TempDir;
  const kv = `${path}/real/.headway/headway.db`;
  const env = { HEADWAY_TASK_PERMISSIONS: `--allow-read=${path}/link,${path}/real` };
  await using server = await startIn(within, env, kv);
  const names = [
    kv,
    `${path}/link/.headway/headway.db`,
    `${path}/real/tokens`,
    `${path}/link/tokens`,
  ];
  assertEquals(await stolen(server, names), []);
});

Deno.test("no secret of the server is in a task's environment, even with --allow-env", async () => {
  await using folder = await tempDir();
  const secrets = {
    HEADWAY_TOKENS: `other:admin:${SECRET}-too`,
    DENO_KV_ACCESS_TOKEN: "a-secret-of-the-store",
    OTEL_EXPORTER_OTLP_HEADERS: "authorization=a-secret-of-the-collector",
    OTEL_EXPORTER_OTLP_TRACES_HEADERS: "authorization=a-secret-of-the-collector",
    DENO_AUTH_TOKENS: "a-secret@registry.example",
  };
  const env = { ...secrets, HEADWAY_TASK_PERMISSIONS: "--allow-read --allow-env", KEPT: "1" };
  await using server = await startIn(folder, env);
  const { result } = await run(server, "looks");
  const names = new Set(result as string[]);
  assert(names.has("KEPT"));
  assertEquals(Object.keys(secrets).filter((name) => names.has(name)), []);
});

Deno.test("the start warns of permissions that would let tasks reach the store", async () => {
  for (
    const [flags, told] of [
      ["-A", "programs"],
      ["--allow-read --allow-run=cat", "programs"],
      ["--allow-read --allow-ffi", "native code"],
      ["--allow-read --allow-write", "move"],
      ["--allow-read --allow-write=@/..", "move"],
      ["--allow-read --allow-write=@", ""],
      ["--allow-read --allow-net --allow-env --allow-sys", ""],
    ] as const
  ) {
    await using folder = await tempDir();
    const env = { HEADWAY_TASK_PERMISSIONS: flags.replaceAll("@", folder.path) };
    await using server = await startIn(folder, env);
    const said = server.stderr.filter((line) => line.includes("HEADWAY_TASK_PERMISSIONS")).join();
    if (told === "") assertEquals(said, "", flags);
    else assertStringIncludes(said, told, flags);
  }
});

Deno.test("kinds are loaded and run although tasks may read nothing", async () => {
  await using folder = await tempDir();
  await using server = await startIn(folder, { HEADWAY_TASK_PERMISSIONS: "--deny-read" });
  const { status } = await run(server, "demo", { steps: 1, interval_ms: 1 });
  assertEquals(status, "completed");
  assertEquals(await stolen(server, storeFiles(server.kv)), []);
});
