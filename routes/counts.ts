import { json } from "../lib/http/http.ts";
import { COUNT_LIMIT } from "../lib/kv/counts.ts";
import { NO_PARENT } from "../lib/task/labels.ts";
import type { App, RouteContext } from "./app.ts";
import { readKinds, readLabels } from "./filter.ts";
import { ofTheirs } from "./theirs.ts";

/**
 * `GET /tasks/counts`: how many tasks are in each state. A count that equals `limit` may be more.
 * With another filter than kinds, or for a client that may read only some tasks, a bounded number
 * of tasks is read: `partial` if there are more.
 */
export async function getCounts(app: App, { url, principal }: RouteContext): Promise<Response> {
  const kinds = readKinds(url);
  const ofKinds = kinds ? { kinds } : {};
  const filter = ofTheirs({ ...ofKinds, ...readLabels(url) }, principal, "read");
  const { parent_id, ...others } = filter;
  const known = Object.keys(others).every((name) => name === "kinds");
  if (known && parent_id === undefined) {
    return json({ ...await app.counts.read(kinds), limit: COUNT_LIMIT });
  }
  const { counts, partial } = known && parent_id === NO_PARENT
    ? await app.counts.readParentless(kinds)
    : await app.counts.readPicked(filter);
  return json({ ...counts, limit: COUNT_LIMIT, ...(partial ? { partial } : {}) });
}
