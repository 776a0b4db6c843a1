/**
 * Reads from the server how large the store is, and how long it keeps tasks.
 *
 * @module
 */

import { call } from "./api.ts";

/** The size of the store, and how long it keeps finished tasks. */
export interface Info {
  /** `null` if the store is not a file. */
  store: { used_bytes: number; free_bytes: number; disk_free_bytes: number | null } | null;
  uploads_bytes: number | null;
  artifacts_bytes: number | null;
  retention_ms: { completed: number; failed: number; canceled: number };
  /** The longest `keep` that a task may ask for; 0 for no limit. */
  max_keep_ms: number;
}

export async function getInfo(): Promise<Info> {
  return await call("GET", "/info");
}
