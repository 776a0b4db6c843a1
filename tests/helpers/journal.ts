/**
 * A hub on a store in memory, and a way to write events into its journal.
 *
 * @module
 */

import { assert } from "@std/assert";
import { Hub } from "../../lib/feed/hub.ts";
import { Journal } from "../../lib/store/journal.ts";
import type { TaskEvent } from "../../lib/task/event.ts";
import { createLogger } from "../../lib/base/log.ts";

const log = createLogger({ level: "off" });

export const EPOCH = "epoch00001";

export interface OpenedHub extends AsyncDisposable {
  kv: Deno.Kv;
  /** Passes on the events that are written. */
  hub: Hub;
  /** Writes each array of events as one commit of the session `sid`, by default another process's. */
  write(commits: readonly TaskEvent[][], sid?: string): Promise<void>;
}

export async function openHub(): Promise<OpenedHub> {
  await using resources = new AsyncDisposableStack();
  const kv = resources.adopt(await Deno.openKv(":memory:"), (kv) => kv.close());
  const hub = resources.use(await Hub.open({ kv, sid: "me", epoch: EPOCH, log }));
  const owned = resources.move();
  return {
    kv,
    hub,
    async write(commits, sid = "other") {
      const journal = new Journal({ kv, sid, log });
      for (const events of commits) assert((await journal.write({ events })).ok);
      await journal.close();
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** An event of the task `t1`. */
export function testEvent(n: number, more: Partial<TaskEvent> = {}): TaskEvent {
  return { type: "log", id: "t1", kind: "k1", seq: n, json: `{"n":${n}}`, ...more };
}

/** Events numbered from 1, in commits of the given sizes. */
export function inCommits(sizes: readonly number[], more: Partial<TaskEvent> = {}): TaskEvent[][] {
  let n = 0;
  return sizes.map((size) => Array.from({ length: size }, () => testEvent(++n, more)));
}
