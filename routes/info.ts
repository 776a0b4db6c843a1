import { json } from "../lib/http/http.ts";
import type { App } from "./app.ts";
import { inTime } from "./metrics.ts";

/** `GET /info`: how large the store is, and how long it keeps finished tasks. */
export async function getInfo(app: App): Promise<Response> {
  const { config, engine: { uploads, artifacts }, version } = app;
  const [storage, uploadsSize, artifactsSize] = await Promise.all([
    app.storage?.() ?? null,
    inTime(app, "uploads could not be counted", uploads.size()),
    inTime(app, "artifacts could not be counted", artifacts.size()),
  ]);
  return json({
    version,
    store: storage && {
      used_bytes: storage.used,
      free_bytes: storage.free,
      log_bytes: storage.log,
      disk_free_bytes: storage.disk,
    },
    uploads_bytes: uploadsSize,
    artifacts_bytes: artifactsSize,
    retention_ms: {
      completed: config.retentionCompletedMs,
      failed: config.retentionFailedMs,
      canceled: config.retentionCanceledMs,
    },
    max_keep_ms: config.maxKeepMs,
  });
}
