import { assertEquals, assertMatch } from "@std/assert";
import { post } from "../helpers/api.ts";
import { testApp } from "../helpers/server.ts";

const ADMIN = "admin-secret-0123456789";
const HEADWAY_TOKENS = `boss:admin:${ADMIN}`;

Deno.test("what only some may see is kept by no cache that others share, and not by the page's history", async () => {
  await using app = await testApp({ HEADWAY_TOKENS });
  const authorization = `Bearer ${ADMIN}`;
  const login = await post(`${app.url}/login`, { token: ADMIN });
  await login.body?.cancel();
  const cookie = login.headers.get("set-cookie")!.split(";")[0]!;
  const body = { kind: "echo", delay_ms: 3_600_000 };
  const submitted = await post(`${app.url}/tasks`, body, { authorization });
  const { task_id: id } = await submitted.json();
  const kept = async (path: string) => {
    const response = await fetch(app.url + path, { headers: { cookie } });
    await response.body?.cancel();
    assertEquals(response.status, 200, path);
    return response.headers.get("cache-control")!;
  };
  const paths = [
    "/",
    `/?task_id=${id}`,
    "/login",
    "/tasks",
    "/tasks/counts",
    `/tasks/${id}/details`,
    `/tasks/${id}/events`,
    "/kinds",
    "/openapi.json",
    "/docs",
    "/metrics",
  ];
  for (const path of paths) assertEquals(await kept(path), "no-store", path);
  // Asked for again and again with an ETag.
  assertEquals(await kept(`/tasks/${id}`), "private, no-cache");
  for (const path of ["/tasks/stream", `/tasks/${id}/stream`, "/tasks/stream-all"]) {
    assertMatch(await kept(path), /no-store/, path);
  }
});
