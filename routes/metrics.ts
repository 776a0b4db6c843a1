import type { App } from "./app.ts";

/** Milliseconds that counting tasks may take: figures are wanted most when the store is slow. */
const COUNT_MS = 1000;

/** `GET /metrics`: figures about this process, as Prometheus reads them. */
export async function getMetrics(app: App): Promise<Response> {
  const { engine: { runner, store }, pulse, metrics } = app;
  const text = await metrics.text({
    tasks: await countWaiting(app),
    running: runner?.runningByKind ?? {},
    processes: runner?.processes ?? 0,
    stalledMs: store.journal.stalledMs,
    streams: pulse,
  });
  const headers = { "content-type": metrics.contentType, "cache-control": "no-store" };
  return new Response(text, { headers });
}

/** Of the whole store; nothing where it does not say so in time. */
async function countWaiting({ counts, log }: App): Promise<Record<string, number>> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("The store did not answer in time")), COUNT_MS);
  });
  try {
    const counting = counts.read(undefined, ["pending", "running"]);
    const { pending, running } = await Promise.race([counting, late]);
    return { pending, running };
  } catch (error) {
    log.warn("tasks could not be counted", { error });
    return {};
  } finally {
    clearTimeout(timer);
  }
}
