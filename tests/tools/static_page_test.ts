import { assertEquals, assertStringIncludes } from "@std/assert";
import { startServer } from "../helpers/server.ts";

const EXAMPLE = new URL("../../examples/static-page/", import.meta.url);

/** The address of Headway in the README. */
const ADDRESS = "http://localhost:8000";

// tests/e2e/examples_test.ts opens the page in a browser.
Deno.test("examples/static-page starts as its README says, and its page may read the submitted task", async () => {
  const text = await Deno.readTextFile(new URL("README.md", EXAMPLE));
  const blocks = [...text.matchAll(/^```sh\n(.*?)\n```/gms)].map(([, block]) => block!);
  const [start = "", files = "", submit = ""] = blocks;
  const [, origin = "", args = ""] = /^HEADWAY_ORIGINS=(\S+) deno (.+)$/.exec(start) ?? [];
  assertStringIncludes(files, new URL(origin).port);
  await using server = await startServer({
    cwd: EXAMPLE.pathname,
    args: args.split(" "),
    env: { HEADWAY_ORIGINS: origin },
  });
  const { stdout } = await new Deno.Command("sh", {
    args: ["-e", "-c", submit.replace(ADDRESS, server.url)],
  }).output();
  const { task_id } = JSON.parse(new TextDecoder().decode(stdout));

  const page = await Deno.readTextFile(new URL("index.html", EXAMPLE));
  const [, script = ""] = /src="(\S+)"/.exec(page) ?? [];
  const loaded = await fetch(script.replace(ADDRESS, server.url));
  assertStringIncludes(await loaded.text(), "headway-progress");
  assertEquals(loaded.headers.get("cross-origin-resource-policy"), "cross-origin");
  const readBy = async (origin: string) => {
    const headers = { origin, "sec-fetch-site": "cross-site", "sec-fetch-mode": "cors" };
    const response = await fetch(`${server.url}/tasks/${task_id}/stream`, { headers });
    await response.body?.cancel();
    return [response.status, response.headers.get("access-control-allow-origin")];
  };
  assertEquals(await readBy(origin), [200, origin]);
  assertEquals(await readBy("http://localhost:8081"), [403, null]);
});
