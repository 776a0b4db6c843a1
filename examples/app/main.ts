import { Hono } from "hono";
import { headway } from "@headway/server";
import { login, userOf } from "@app/login.ts";
import { page } from "@app/page.ts";
import type { importContacts } from "./tasks.ts";

await using jobs = await headway({
  kinds: new URL("./tasks.ts", import.meta.url),
  path: "/jobs",
  // The page, the API and the streams know who is signed in: each sees what is their own.
  async authorize(request) {
    const user = await userOf(request);
    return user === null ? null : { name: user, owner: user, scope: "submit" };
  },
});

const app = new Hono();
app.route("/", login);
app.all("/jobs/*", (c) => jobs.fetch(c.req.raw, c.env));

app.get("/", async (c) => {
  const user = await userOf(c.req.raw);
  return user === null ? c.redirect("/login") : c.html(page(user, c.req.query("task")));
});

app.post("/contacts", async (c) => {
  const user = await userOf(c.req.raw);
  if (user === null) return c.redirect("/login");
  const { file } = await c.req.parseBody();
  const csv = file instanceof File ? await file.text() : "";
  const task = await jobs.submit<typeof importContacts>("import-contacts", { csv }, {
    owner: user,
  });
  return c.redirect(`/?task=${task.task_id}`, 303);
});

const server = Deno.serve({ port: Number(Deno.env.get("PORT") ?? 3000) }, app.fetch);
Deno.addSignalListener("SIGTERM", async () => {
  await jobs.close();
  await server.shutdown();
});
await server.finished;
