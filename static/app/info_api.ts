/**
 * The store, as the server tells of it.
 *
 * @module
 */

import { call } from "./api.ts";

/** How large the store is, and how long it keeps what is over. */
export interface Info {
  /** `null` where it is no file. */
  store: { used_bytes: number; free_bytes: number; disk_free_bytes: number | null } | null;
  uploads_bytes: number | null;
  artifacts_bytes: number | null;
  retention_ms: { completed: number; failed: number; canceled: number };
  /** The longest that a task may be kept; 0 for as long as it likes. */
  max_keep_ms: number;
}

export async function getInfo(): Promise<Info> {
  return await call("GET", "/info");
}
