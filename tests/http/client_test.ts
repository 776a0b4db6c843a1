import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { CLIENT_ROUTES } from "../../routes/client.ts";
import "../helpers/built.ts";
import { submit } from "../helpers/api.ts";
import { startServer, testApp } from "../helpers/server.ts";
import { tempDir } from "../helpers/temp_dir.ts";

Deno.test("CLIENT_ROUTES: a page of any origin may load the client's files without a token, and cache them", async () => {
  await using app = await testApp({
    HEADWAY_TOKENS: "me:admin:admin-secret-0123456789",
    HEADWAY_ORIGINS: "https://friend.example",
  });
  for (const [path] of CLIENT_ROUTES) {
    const response = await fetch(app.url + path, { headers: { origin: "https://any.example" } });
    assertEquals(response.status, 200, path);
    assert((await response.text()).length > 500, path);
    const { headers } = response;
    assertMatch(
      headers.get("content-type")!,
      path.endsWith(".js") ? /^text\/javascript;/ : /^application\/typescript;/,
    );
    assertEquals(headers.get("access-control-allow-origin"), "*");
    assertEquals(headers.get("cross-origin-resource-policy"), "cross-origin");
    assertEquals(headers.get("cache-control"), "public, max-age=600");
    assertEquals(headers.get("x-content-type-options"), "nosniff");
    assertEquals(
      headers.get("x-typescript-types"),
      path.endsWith(".js") ? `.${path.replace(".js", ".d.ts")}` : null,
    );
    const again = await fetch(app.url + path, {
      headers: { "if-none-match": headers.get("etag")! },
    });
    assertEquals([again.status, await again.text()], [304, ""]);
  }
});

Deno.test("the client's scripts import nothing, except that /use-task.js imports preact/hooks", async () => {
  await using app = await testApp();
  for (const [path] of CLIENT_ROUTES) {
    if (!path.endsWith(".js")) continue;
    const text = await fetch(app.url + path).then((it) => it.text());
    const imported = [...text.matchAll(/\bfrom\s*["']([^"']+)["']|\bimport\(/g)].map((it) => it[1]);
    assertEquals(imported, path === "/use-task.js" ? ["preact/hooks"] : [], path);
  }
});

/** A program whose author has nothing of Headway but the server's address. */
const PROGRAM = (url: string, id: string) => `
import { HeadwayError, submit, watch, type TaskEvent } from "${url}/client.js";
interface Task {
  readonly input: undefined;
  run(context: unknown): AsyncGenerator<number, { steps: number }>;
}
const events: TaskEvent<Task>[] = [];
for await (const event of watch<Task>("${id}")) events.push(event);
const logs = events.filter(({ type }) => type === "log").length;
const { status, result } = await watch<Task>("${id}").finished;
// @ts-expect-error It is a number.
const wrong: string = result?.steps;
const refused = await submit("no-such-kind").catch((error) => error);
console.log(JSON.stringify({ logs, status, result, wrong, field: (refused as HeadwayError).field }));
`;

Deno.test("a program that imports /client.js from the server gets its types and the server's address", async () => {
  await using server = await startServer();
  await using directory = await tempDir();
  const { task_id } = await submit(server.url, "steps", { steps: 3 });
  const path = `${directory.path}/program.ts`;
  await Deno.writeTextFile(path, PROGRAM(server.url, task_id));
  const { host } = new URL(server.url);
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-q",
      "--check=all",
      "--no-prompt",
      `--allow-net=${host}`,
      `--allow-import=${host}`,
      path,
    ],
    cwd: directory.path,
    env: { DENO_DIR: `${directory.path}/cache`, NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  assertEquals(code, 0, decoder.decode(stderr));
  assertStringIncludes(
    decoder.decode(stdout),
    JSON.stringify({ logs: 3, status: "completed", result: { steps: 3 }, wrong: 3, field: "kind" }),
  );
});
