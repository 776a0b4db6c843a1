import { deadline } from "../lib/base/deadline.ts";
import { whyNobodyRuns } from "../lib/kv/told_kinds.ts";
import type { App } from "./app.ts";

/** Milliseconds that counting tasks may take: metrics are needed most when the store is slow. */
const COUNT_MS = 1000;

/** Kinds that no process runs, in the figures, at most. */
const MAX_KINDS = 100;

/** `GET /metrics`: figures about this process, as Prometheus reads them. */
export async function getMetrics(app: App): Promise<Response> {
  const { engine, engine: { runner, pools, store, uploads, artifacts, deliveries } } = app;
  const { pulse, metrics } = app;
  const [tasks, unavailable, uploadsSize, artifactsSize, told, storage] = await Promise.all([
    countWaiting(app),
    inTime(app, "tasks of no process could not be counted", countUnavailable(app)),
    inTime(app, "uploads could not be counted", uploads.size()),
    inTime(app, "artifacts could not be counted", artifacts.size()),
    inTime(app, "webhooks could not be counted", deliveries.waiting()),
    app.storage?.() ?? null,
  ]);
  const text = await metrics.text({
    tasks,
    unavailable: unavailable ?? {},
    paused: engine.pauses.kinds,
    running: runner?.runningByKind ?? {},
    processes: pools.size,
    stalledMs: store.journal.stalledMs,
    storage,
    uploads: uploadsSize,
    artifacts: artifactsSize,
    webhooks: told && {
      count: told.count,
      oldestMs: Math.max(0, store.now() - (told.oldest ?? store.now())),
    },
    streams: pulse,
  });
  const headers = { "content-type": metrics.contentType, "cache-control": "no-store" };
  return new Response(text, { headers });
}

/** Of the whole store; nothing where it does not say so in time. */
async function countWaiting(app: App): Promise<Record<string, number>> {
  const counting = app.counts.read(undefined, ["pending", "running", "waiting"]);
  const counted = await inTime(app, "tasks could not be counted", counting);
  if (counted === null) return {};
  const { pending, running, waiting } = counted;
  return { pending, running, waiting };
}

/** Pending tasks of each kind that no process runs. */
async function countUnavailable({ engine, counts }: App): Promise<Record<string, number>> {
  const modules = await engine.modules();
  const kinds = await engine.kindBook.all(10_000);
  const orphans = kinds.filter((kind) => whyNobodyRuns(kind, modules) !== null).slice(0, MAX_KINDS);
  const pending = await Promise.all(
    orphans.map(async (kind) => [kind, (await counts.read([kind], ["pending"])).pending] as const),
  );
  return Object.fromEntries(pending.filter(([, count]) => count > 0));
}

/** What the store answers; `null` where it does not in time. */
export async function inTime<T>(
  { log }: App,
  otherwise: string,
  reading: Promise<T>,
): Promise<T | null> {
  try {
    return await deadline(reading, COUNT_MS, () => {
      throw new Error("The store did not answer in time");
    });
  } catch (error) {
    log.warn(otherwise, { error });
    return null;
  }
}
