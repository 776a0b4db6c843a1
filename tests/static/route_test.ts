import { assertEquals } from "@std/assert";
import { parseRoute, taskHref } from "../../static/route.ts";

Deno.test("parseRoute() reads what taskHref() writes, and the list from anything else", () => {
  for (const taskId of ["01J00000000000000000000000", "a&b=c#d ?ü"]) {
    assertEquals(parseRoute(new URL(taskHref(taskId), "http://h").search), { taskId });
  }
  assertEquals(parseRoute(""), { taskId: null });
  assertEquals(parseRoute("?task_id="), { taskId: null });
  assertEquals(parseRoute("?other=1"), { taskId: null });
});
