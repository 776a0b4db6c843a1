import { Hono } from "hono";
import { headway } from "@headway/server";
import { login, userOf } from "@app/login.ts";
import { page } from "@app/page.ts";
import type { importContacts } from "./tasks.ts";

const jobs = await headway({ kinds: import.meta.resolve("./tasks.ts"), path: "/jobs", authorize: userOf });

const app = new Hono();
app.route("/", login);
app.all("/jobs/*", (c) => jobs.fetch(c.req.raw, c.env));

app.get("/", async (c) => {
  const user = await userOf(c.req.raw);
  return user === null ? c.redirect("/login") : c.html(page(user, c.req.query("done")));
});

app.post("/contacts", async (c) => {
  const user = await userOf(c.req.raw);
  if (user === null) return c.redirect("/login");
  const { file } = await c.req.parseBody();
  const csv = file instanceof File ? await file.text() : "";
  const { task_id: done } = await jobs.submit<typeof importContacts>("import-contacts", { csv }, { owner: user });
  return c.redirect(`/?done=${done}`, 303);
});

Deno.serve({ port: Number(Deno.env.get("PORT") ?? 3000) }, app.fetch);
