import type { Heads } from "../kv/heads.ts";
import type { Hub } from "./hub.ts";
import { OwnTasks } from "./own_tasks.ts";
import { Snapshots } from "./snapshots.ts";

/** What a stream is fed from. */
export interface Feed {
  readonly kv: Deno.Kv;
  readonly hub: Hub;
  readonly heads: Heads;
  /** Shared by all clients. */
  readonly snapshots: Snapshots;
  readonly ownTasks: OwnTasks;
}

export function createFeed(kv: Deno.Kv, hub: Hub, heads: Heads): Feed {
  const snapshots = new Snapshots(kv, hub, heads);
  return { kv, hub, heads, snapshots, ownTasks: new OwnTasks(kv, hub) };
}
