import type { Heads } from "../kv/heads.ts";
import type { Hub } from "./hub.ts";
import { Snapshots } from "./snapshots.ts";

/** What a stream is fed from. */
export interface Feed {
  readonly kv: Deno.Kv;
  readonly hub: Hub;
  readonly heads: Heads;
  /** Reads them for all clients together. */
  readonly snapshots: Snapshots;
}

export function createFeed(kv: Deno.Kv, hub: Hub, heads: Heads): Feed {
  return { kv, hub, heads, snapshots: new Snapshots(kv, hub, heads) };
}
