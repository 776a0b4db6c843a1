import { json } from "../lib/http/http.ts";
import type { App } from "./app.ts";

/** `GET /healthz`: 200 for as long as this process responds at all. */
export function getHealth(): Response {
  return json({ status: "ok" });
}

/**
 * `GET /readyz`: it can do its work: the store answers, it is not about to stop, and not each of its
 * modules of kinds has failed.
 */
export async function getReady(app: App): Promise<Response> {
  if (app.stopping) return json({ status: "stopping" }, 503);
  const { engine } = app;
  const { stalledMs } = engine.store.journal;
  if (stalledMs > 0) return json({ status: "the store takes no writes" }, 503);
  await engine.requireAnswer();
  const { modules } = app.kinds;
  const kinds = Object.fromEntries(
    modules.map(({ name, state }) => [
      name,
      // Anybody may ask: where not everybody is trusted, why is in the log and in GET /kinds.
      state.type === "failed" && !app.auth.required ? `failed: ${state.reason}` : state.type,
    ]),
  );
  if (modules.length > 0 && modules.every(({ state }) => state.type === "failed")) {
    return json({ status: "no kinds can be run", kinds }, 503);
  }
  return json({ status: "ok", kinds });
}
