import { json } from "../lib/http.ts";
import type { Route } from "./mod.ts";

/** `GET /healthz`: this process answers. */
export const getHealth: Route = () => json({ status: "ok" });

/** `GET /readyz`: it can do its work: the store answers, and it is not about to stop. */
export const getReady: Route = async (app) => {
  if (app.stopping) return json({ status: "stopping" }, 503);
  await app.engine.store.kv.get(["meta", "epoch"]);
  return json({ status: "ready" });
};
