import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import denoJson from "../../deno.json" with { type: "json" };
import { dryRun, published } from "../helpers/published.ts";
import { startServer } from "../helpers/server.ts";
import { finished, submit } from "../helpers/api.ts";

Deno.test("the package can be published: no slow types, no export missing, no tests, docs or examples", async () => {
  const { files, output, success } = await dryRun();
  assert(success, output);
  assert(!output.includes("slow-type"), output);
  for (const path of Object.values(denoJson.exports)) {
    assert(files.includes(path.replace("./", "")), path);
  }
  const kept = files.filter((path) => /^(tests|docs|examples|\.headway)\//.test(path));
  assertEquals(kept, []);
});

Deno.test("the published package runs by itself: program, page, client and shipped kinds", async () => {
  await using copy = await published();
  const args = denoJson.tasks.start.command.split(" ").slice(1, -1);
  await using server = await startServer({
    args: [...args, `${copy.path}/main.ts`],
    cwd: copy.path,
    kinds: "",
  });
  const page = await (await fetch(server.url)).text();
  const named = [...page.matchAll(/(?:href|src)="(static\/[^"]+)"/g)].map(([, path]) => path!);
  assert(named.includes("static/app.js"), page);
  const served = ["client.js", "client.d.ts", "headway-progress.js", "use-task.js", "docs"];
  for (const path of [...named, ...served]) {
    const response = await fetch(`${server.url}/${path}`);
    assertEquals(response.status, 200, path);
    const text = await response.text();
    if (path === "use-task.js") assertMatch(text, /from ?"preact\/hooks"/);
  }
  const { task_id } = await submit(server.url, "demo", { steps: 2, interval_ms: 1 });
  const { status, result } = await finished(server.url, task_id);
  assertEquals([status, result], ["completed", { data: "processed" }]);
  assertStringIncludes(await (await fetch(`${server.url}/openapi.json`)).text(), denoJson.version);
});
