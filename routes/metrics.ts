import { deadline } from "../lib/base/deadline.ts";
import type { App } from "./app.ts";

/** Milliseconds that counting tasks may take: figures are wanted most when the store is slow. */
const COUNT_MS = 1000;

/** `GET /metrics`: figures about this process, as Prometheus reads them. */
export async function getMetrics(app: App): Promise<Response> {
  const { engine: { runner, pools, store, uploads }, pulse, metrics } = app;
  const [tasks, uploadsSize, storage] = await Promise.all([
    countWaiting(app),
    inTime(app, "uploads could not be counted", uploads.size()),
    app.storage?.() ?? null,
  ]);
  const text = await metrics.text({
    tasks,
    running: runner?.runningByKind ?? {},
    processes: pools.size,
    stalledMs: store.journal.stalledMs,
    storage,
    uploads: uploadsSize,
    streams: pulse,
  });
  const headers = { "content-type": metrics.contentType, "cache-control": "no-store" };
  return new Response(text, { headers });
}

/** Of the whole store; nothing where it does not say so in time. */
async function countWaiting(app: App): Promise<Record<string, number>> {
  const counting = app.counts.read(undefined, ["pending", "running"]);
  const counted = await inTime(app, "tasks could not be counted", counting);
  return counted === null ? {} : { pending: counted.pending, running: counted.running };
}

/** What the store answers; `null` where it does not in time. */
async function inTime<T>({ log }: App, otherwise: string, reading: Promise<T>): Promise<T | null> {
  try {
    return await deadline(reading, COUNT_MS, () => {
      throw new Error("The store did not answer in time");
    });
  } catch (error) {
    log.warn(otherwise, { error });
    return null;
  }
}
