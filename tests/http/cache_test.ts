import { assert, assertEquals, assertMatch } from "@std/assert";
import { ROUTES } from "../../routes/mod.ts";
import { post } from "../helpers/api.ts";
import { testApp } from "../helpers/server.ts";

const ADMIN = "admin-secret-0123456789";
const HEADWAY_TOKENS = `boss:admin:${ADMIN}`;

Deno.test("no shared cache may keep an answer that only some may see, and the browser does not keep the page", async () => {
  await using app = await testApp({ HEADWAY_TOKENS });
  const authorization = `Bearer ${ADMIN}`;
  const login = await post(`${app.url}/login`, { token: ADMIN });
  await login.body?.cancel();
  const cookie = login.headers.get("set-cookie")!.split(";")[0]!;
  const body = { kind: "files", input: { files: [{ name: "a", size: 1 }] } };
  const submitted = await post(`${app.url}/tasks`, body, { authorization });
  const { task_id: id } = await submitted.json();
  // When the stream has ended, the artifact exists.
  await (await fetch(`${app.url}/tasks/${id}/stream`, { headers: { authorization } })).text();
  const schedule = { schedule_id: "s", kind: "files", cron: "0 0 1 1 *", input: body.input };
  const scheduled = await post(`${app.url}/schedules`, schedule, { authorization });
  assertEquals(scheduled.status, 201, await scheduled.text());
  let asked = 0;
  for (const [path, { GET: [need] = [] }] of ROUTES) {
    // Public answers are the same for everybody, except those of the page and of GET /login.
    if (need === undefined || need === "public" && path !== "/" && path !== "/login") continue;
    const address = app.url + path.replace("schedules/:id", "schedules/s").replace(":id", id)
      .replace(":name", "a").replace(":kind", "files");
    const response = await fetch(address, { headers: { cookie } });
    await response.body?.cancel();
    assertEquals(response.status, 200, path);
    const kept = response.headers.get("cache-control")!;
    // Clients ask for a record again and again with its ETag, and an artifact may be large.
    const withEtag = ["/tasks/:id", "/tasks/:id/artifacts/:name"].includes(path);
    assertMatch(kept, withEtag ? /^private, no-cache$/ : /\bno-store\b/, path);
    asked++;
  }
  assert(asked >= 14, String(asked));
});
