import { z } from "zod";
import { json } from "../lib/http/http.ts";
import type { AnyTask } from "../lib/task/define.ts";
import * as shippedKinds from "../lib/kinds/mod.ts";
import type { App } from "./app.ts";

const SHIPPED = new Set(Object.values(shippedKinds).map(({ kind }) => kind));

/** `GET /kinds`: each kind, with the JSON Schema of its input. */
export function getKinds(app: App): Response {
  return json({
    kinds: [...app.kinds.values()].map((task) => ({
      kind: task.kind,
      description: task.description ?? null,
      input: inputSchema(task),
      max_attempts: task.retry.maxAttempts,
      timeout_ms: task.timeout ?? null,
      concurrency: task.concurrency ?? null,
      isolate: task.isolate,
      shipped: SHIPPED.has(task.kind),
    })),
    limits: {
      max_upload: app.config.maxUpload,
      max_body: app.config.maxBody,
      lease_ms: app.config.leaseMs,
    },
  });
}

/** A JSON Schema where the schema's library can make one; `null` (anything goes) where not. */
export function inputSchema({ input }: AnyTask): unknown {
  if (!input) return null;
  const own =
    (input["~standard"] as { jsonSchema?: { input(options: { target: string }): unknown } })
      .jsonSchema;
  try {
    if (own) return own.input({ target: "draft-2020-12" });
    if (input instanceof z.ZodType) {
      return z.toJSONSchema(input, { io: "input", unrepresentable: "any" });
    }
  } catch {
    // A schema that cannot be written down still validates.
  }
  return null;
}
