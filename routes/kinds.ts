import { json } from "../lib/http/http.ts";
import type { ModuleOfKinds } from "../lib/runner/kinds.ts";
import type { App } from "./app.ts";

/** `GET /kinds`: each kind, with the JSON Schema of its input, and each module of kinds. */
export function getKinds(app: App): Response {
  const { kinds, config } = app;
  return json({
    kinds: kinds.all().map((kind) => ({
      kind: kind.kind,
      description: kind.description,
      input: kind.schema,
      max_attempts: kind.retry.maxAttempts,
      timeout_ms: kind.timeout,
      concurrency: kind.concurrency,
      isolate: kind.isolate,
      shipped: kinds.moduleOf(kind.kind)!.tasks !== null,
      unavailable: problemOf(kinds.moduleOf(kind.kind)!),
    })),
    modules: kinds.modules.map((module) => ({
      module: module.name,
      state: module.state.type,
      reason: problemOf(module),
    })),
    limits: {
      max_upload: config.maxUpload,
      max_body: config.maxBody,
      lease_ms: config.leaseMs,
    },
  });
}

/** Why the kinds of a module cannot be run; `null` where they can. */
export function problemOf({ state }: ModuleOfKinds): string | null {
  return state.type === "failed" ? state.reason : null;
}
