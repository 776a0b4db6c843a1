/**
 * What the routes work with.
 *
 * @module
 */

import type { Auth } from "../lib/http/auth.ts";
import type { Principal } from "../lib/http/principal.ts";
import type { Config } from "../lib/config/config.ts";
import type { Drain } from "../lib/sse/drain.ts";
import type { Engine } from "../lib/engine.ts";
import type { Logger } from "../lib/base/log.ts";
import type { Metrics } from "../lib/base/metrics.ts";
import type { Reading } from "../lib/base/scraped_metrics.ts";
import type { NewestTasks } from "../lib/feed/newest_tasks.ts";
import type { Pulse } from "../lib/sse/pulse.ts";
import type { StreamPlaces } from "../lib/sse/stream_places.ts";
import type { RateLimit } from "../lib/http/rate_limit.ts";
import type { Kinds } from "../lib/runner/kinds.ts";
import type { TaskCounts } from "../lib/kv/counts.ts";
import type { SlotCounts } from "../lib/kv/slot_counts.ts";

/** A running server, as its routes see it. */
export interface App {
  readonly version: string;
  readonly config: Config;
  readonly auth: Auth;
  /** Writes of each client; `null` for no limit. */
  readonly writes: RateLimit | null;
  /** Tries to log in, of each client. */
  readonly logins: RateLimit;
  /** Store, hub and the rest; another one after this process was taken for dead. */
  readonly engine: Engine;
  readonly kinds: Kinds;
  readonly pulse: Pulse;
  /** Made once for all who watch everything. */
  readonly newest: NewestTasks;
  readonly counts: TaskCounts;
  readonly slots: SlotCounts;
  /** Who has how many streams. */
  readonly places: StreamPlaces;
  /** What the store takes of its disk; `null` where it is not a file of this machine. */
  readonly storage: (() => Promise<Reading["storage"]>) | null;
  readonly metrics: Metrics;
  /** Milliseconds a cancel waits for the generator to end. */
  readonly cancelWaitMs: number;
  /** It is about to stop: no more tasks are begun, and it is not ready. */
  readonly stopping: boolean;
  /** Its streams end, and new ones are sent away; `null` while they do not. */
  readonly drain: Drain | null;
  readonly log: Logger;
}

/** Who sent a request, as `Deno.serve` says. */
export type Sender = Pick<Deno.ServeHandlerInfo, "remoteAddr">;

/** What a route is given beside the app. */
export interface RouteContext {
  request: Request;
  url: URL;
  /** Parts of the path, decoded. */
  params: Record<string, string | undefined>;
  /** The address of who asks. */
  client: string;
  /** Who asks, and may: what the route needs was checked. */
  principal: Principal;
  /** It is this very program that asks: it takes nobody's place, and its streams live on. */
  local?: true;
}
