/**
 * A program that embeds Headway, and submits a task within a span of its own.
 *
 * @module
 */

import { trace } from "@opentelemetry/api";
import { defineTask, headway } from "headway";

const once = defineTask({
  kind: "once",
  async *run() {
    yield 50;
  },
});

await using jobs = await headway({ kinds: [once], kv: ":memory:", log: "off" });
await trace.getTracer("own").startActiveSpan("own", async (span) => {
  const { task_id } = await jobs.submit("once");
  for await (const { type } of jobs.watch(task_id)) if (type === "complete") break;
  span.end();
});
