import { assertEquals } from "@std/assert";
import type { Status } from "../../../lib/task/record.ts";
import { bulkPlan } from "../../../static/list/bulk_plan.ts";
import { record } from "../records.ts";

function tasks(counts: Partial<Record<Status, number>>) {
  return (Object.entries(counts) as [Status, number][]).flatMap(([status, count]) =>
    Array.from({ length: count }, (_, n) => record({ task_id: `${status}-${n}`, status }))
  );
}

Deno.test("bulkPlan() retries failed and canceled tasks, and leaves completed ones alone", () => {
  const plan = bulkPlan("retry", tasks({ completed: 4951, canceled: 12, failed: 37, running: 1 }));
  assertEquals(plan.ids.length, 49);
  assertEquals(plan.taken, [["failed", 37], ["canceled", 12]]);
  assertEquals(plan.left, [["running", 1], ["completed", 4951]]);
});

Deno.test("bulkPlan() cancels tasks that have not ended, and deletes those that have", () => {
  const all = tasks({ pending: 1, running: 2, completed: 3, failed: 4, canceled: 5 });
  assertEquals(bulkPlan("cancel", all).taken, [["running", 2], ["pending", 1]]);
  assertEquals(bulkPlan("delete", all).taken, [["failed", 4], ["canceled", 5], ["completed", 3]]);
  assertEquals(bulkPlan("delete", []), { ids: [], taken: [], left: [] });
});
