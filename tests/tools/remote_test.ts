import { assertEquals } from "@std/assert";
import "../helpers/built.ts";
import { finished, submit } from "../helpers/api.ts";
import { servePackage } from "../helpers/served_package.ts";
import { startServer } from "../helpers/server.ts";
import { tempDir } from "../helpers/temp_dir.ts";

const TASKS = `import { defineTask, progress } from "headway";
import { z } from "zod";
export const count = defineTask({
  kind: "count",
  input: z.object({ to: z.int().default(2) }),
  async *run({ input: { to } }) {
    yield progress({ done: to, total: to });
    return { counted: to };
  },
});`;

Deno.test("main.ts loaded from a URL runs one file of kinds in an empty folder, and ends when it is killed", async () => {
  await using headway = servePackage();
  await using folder = await tempDir();
  await Deno.writeTextFile(`${folder.path}/tasks.ts`, TASKS);
  await using server = await startServer({
    cwd: folder.path,
    // Neither --unstable-kv nor a deno.json that enables KV.
    args: ["run", "-q", "-A", headway.main, "--kinds", "./tasks.ts"],
    // Deno allows imports from JSR by default, but not from this server.
    env: { HEADWAY_TASK_PERMISSIONS: `--allow-net --allow-read=. --allow-import=${headway.host}` },
    kv: `${folder.path}/kv.db`,
  });
  const { task_id } = await submit(server.url, "count", {});
  assertEquals((await finished(server.url, task_id)).result, { counted: 2 });
  const script = await fetch(`${server.url}/static/app.js`);
  await script.body?.cancel();
  assertEquals(script.status, 200);
  // kill() resolves only once the second process, which has the same output, has ended, too.
  const { signal } = await server.kill("SIGKILL");
  assertEquals(signal, "SIGKILL");
});
