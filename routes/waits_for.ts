import type { TaskRecord } from "../lib/task/record.ts";
import type { App } from "./app.ts";
import { shownPause } from "./paused_kinds.ts";

/** What keeps a pending task from being started, beside those before it; `null` for nothing. */
export function waitsFor({ engine }: App, { kind }: TaskRecord, inside: boolean) {
  const pause = engine.pauses.get(kind);
  return pause ? { type: "pause", ...shownPause(pause, inside) } : null;
}
