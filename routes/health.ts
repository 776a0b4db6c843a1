import { json } from "../lib/http/http.ts";
import type { App } from "./app.ts";

/** `GET /healthz`: this process answers. */
export function getHealth(): Response {
  return json({ status: "ok" });
}

/** `GET /readyz`: it can do its work: the store answers, and it is not about to stop. */
export async function getReady(app: App): Promise<Response> {
  if (app.stopping) return json({ status: "stopping" }, 503);
  const { engine } = app;
  const { stalledMs } = engine.store.journal;
  if (stalledMs > 0) return json({ status: "the store takes no writes" }, 503);
  await engine.requireAnswer();
  return json({ status: "ready" });
}
