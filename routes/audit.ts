import { json, queryNumber } from "../lib/http/http.ts";
import { MAX_AUDIT } from "../lib/kv/audit.ts";
import { requireKind } from "./paused_kinds.ts";
import type { App, RouteContext } from "./app.ts";

/** `GET /kinds/{kind}/audit`: who changed a kind or deleted tasks of it, newest first. */
export async function getAudit(app: App, { url, params }: RouteContext): Promise<Response> {
  const limit = queryNumber(url, "limit", { fallback: 50, min: 1, max: 2 * MAX_AUDIT });
  const entries = await app.engine.kindBook.audit(params.kind ?? "", limit);
  // A kind that is gone may still have its list.
  if (entries.length === 0) await requireKind(app, params.kind);
  return json({ entries });
}
