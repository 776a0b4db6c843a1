import { json } from "../lib/http/http.ts";
import { COUNT_LIMIT } from "../lib/kv/counts.ts";
import type { App, RouteContext } from "./app.ts";
import { readKinds } from "./tasks.ts";

/** `GET /tasks/counts`: how many tasks there are in each state; `limit` of them may be more. */
export async function getCounts(app: App, { url }: RouteContext): Promise<Response> {
  return json({ ...await app.counts.read(readKinds(url)), limit: COUNT_LIMIT });
}
