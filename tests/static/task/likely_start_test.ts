import { assertEquals } from "@std/assert";
import { likelyStart } from "../../../static/task/likely_start.ts";
import { record } from "../records.ts";

Deno.test("likelyStart() counts down for a queued task, and is null for any other", () => {
  const at = Date.parse("2030-01-01T00:00:00.000Z");
  const waiting = record({ status: "pending", run_at: "2029-12-31T23:59:00.000Z" });
  const expected = "2030-01-01T00:03:00.000Z";
  assertEquals(likelyStart(waiting, expected, at), "likely to start in 3m");
  assertEquals(likelyStart(waiting, expected, at + 200_000), "likely to start any moment");
  assertEquals(likelyStart(waiting, null, at), null);
  assertEquals(likelyStart(record({ ...waiting, status: "running" }), expected, at), null);
  const delayed = record({ ...waiting, run_at: expected });
  assertEquals(likelyStart(delayed, expected, at), null);
});
