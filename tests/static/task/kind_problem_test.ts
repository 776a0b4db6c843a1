import { assertEquals } from "@std/assert";
import type { TaskDetails } from "../../../static/task/task_api.ts";
import { kinds } from "../../../static/app/store.ts";
import { kindProblem } from "../../../static/task/kind_problem.ts";
import { details } from "../../../static/task/task_details.ts";
import { record } from "../records.ts";

Deno.test("kindProblem() says why a task cannot start: no process runs its kind, or the kind is unavailable", () => {
  const waiting = record({ kind: "mail", status: "pending", attempt: 0 });
  assertEquals(kindProblem(waiting), null);
  kinds.value = [{ kind: "demo", description: null, input: null }];
  assertEquals(
    kindProblem(waiting),
    "No process runs the kind mail. The task starts once one does.",
  );
  assertEquals(kindProblem(record({ ...waiting, status: "completed" })), null);
  kinds.value = [{ kind: "mail", description: null, input: null, unavailable: "no such file" }];
  assertEquals(kindProblem(waiting), "The kind mail is unavailable: no such file");
  kinds.value = [{ kind: "mail", description: null, input: null, unavailable: null }];
  assertEquals(kindProblem(waiting), null);
  // The details of the task override the list of kinds.
  const data = { task_id: waiting.task_id, unavailable: "./tasks.ts failed" } as TaskDetails;
  details.value = { data, at: 0 };
  assertEquals(kindProblem(waiting), "The kind mail is unavailable: ./tasks.ts failed");
  details.value = null;
  kinds.value = null;
});
