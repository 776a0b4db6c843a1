import { assert, assertEquals } from "@std/assert";
import { resolve } from "node:path";
import { serverFiles } from "../../../lib/config/server_files.ts";
import { taskPermissions } from "../../../lib/config/task_permissions.ts";
import { tempDir } from "../../helpers/temp_dir.ts";

const FILES = { secret: ["/srv/app/.headway"], code: ["/srv/app/main.ts"] };

async function flagsOf(given: string): Promise<string[]> {
  return (await taskPermissions(given.split(" "), FILES)).flags;
}

Deno.test("taskPermissions() denies access to the server's files, whatever else is granted", async () => {
  assertEquals(await flagsOf("-A"), [
    "-A",
    "--deny-read=/srv/app/.headway",
    "--deny-write=/srv/app/.headway",
    "--deny-write=/srv/app/main.ts",
  ]);
});

Deno.test("taskPermissions() keeps a flag that denies all paths, as one that denies some would replace it", async () => {
  assertEquals(await flagsOf("-A --deny-read --deny-read=/etc --deny-write"), [
    "-A",
    "--deny-read",
    "--deny-write",
  ]);
});

Deno.test("taskPermissions() denies the whole folder of a path with a comma, which no flag can name", async () => {
  const { flags } = await taskPermissions([], { secret: ["/a/b,c/d,e/f", "/x,y"], code: [] });
  assertEquals(flags.slice(0, 2), ["--deny-read=/a", "--deny-read=/"]);
});

/** The granted flags, and a word of each gap that they leave. */
const GAPS: [string, string[]][] = [
  ["--allow-net --allow-read --allow-env --allow-sys", []],
  ["-A", ["programs", "native", "move"]],
  ["--allow-all --deny-run --deny-ffi --deny-write", []],
  ["--allow-run=cat", ["programs"]],
  ["--allow-ffi", ["native"]],
  ["--allow-write", ["move"]],
  ["--allow-write=/srv", ["move"]],
  ["--allow-write=/srv/app", []],
  ["--allow-write=/srv/app/../app/", []],
  ["-W=/srv/app,/srv/app/data", []],
  ["-W=/srv/app,/srv/other", ["move"]],
  ["-W=/srv/app -W=/srv/other", ["move"]],
  ["-W=/srv/other,/srv/application", []],
];

for (const [given, words] of GAPS) {
  Deno.test(`taskPermissions() finds as gaps of ${given}: ${words.join() || "nothing"}`, async () => {
    const { gaps } = await taskPermissions(given.split(" "), FILES);
    assertEquals(gaps.length, words.length, gaps.join("; "));
    for (const [n, word] of words.entries()) assert(gaps[n]!.includes(word), gaps[n]);
  });
}

Deno.test("serverFiles() names the store's folder, the tokens file and the key, also by their real names", async () => {
  await using folder = await tempDir();
  const path = await Deno.realPath(folder.path);
  await Deno.mkdir(`${path}/real`);
  await Deno.symlink(`${path}/real`, `${path}/link`);
  const { secret, code } = await serverFiles({
    kv: `${path}/link/.headway/headway.db`,
    kinds: ["file:///srv/tasks.ts", "npm:kinds"],
    tokensFile: `${path}/link/tokens`,
    tlsKey: `${path}/key.pem`,
  });
  for (const name of ["link/.headway", "real/.headway", "link/tokens", "real/tokens", "key.pem"]) {
    assert(secret.includes(`${path}/${name}`), name);
  }
  // The default folder of the store.
  assert(secret.includes(resolve(".headway")));
  assert(code.includes("/srv/tasks.ts"));
  for (const entry of ["main.ts", "lib", "routes", "static"]) {
    assert(code.includes(resolve(entry)), entry);
  }
});
