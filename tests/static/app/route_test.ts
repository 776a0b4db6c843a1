import { assertEquals } from "@std/assert";
import { NO_FILTERS } from "../../../static/list/filters.ts";
import { listHref, parseRoute, SCHEDULES, taskHref } from "../../../static/app/route.ts";

Deno.test("parseRoute() reads the addresses of a task and of the schedules, and takes any other for the list", () => {
  for (const taskId of ["01J00000000000000000000000", "a&b=c#d ?ü"]) {
    const { search } = new URL(taskHref(taskId), "http://h");
    assertEquals(parseRoute(search), { taskId, filters: NO_FILTERS });
  }
  const { search } = new URL(SCHEDULES, "http://h");
  assertEquals(parseRoute(search), { taskId: null, view: "schedules", filters: NO_FILTERS });
  for (const search of ["", "?task_id=", "?other=1"]) {
    assertEquals(parseRoute(search), { taskId: null, filters: NO_FILTERS });
  }
});

Deno.test("parseRoute() reads the filters that listHref() writes", () => {
  const filters = {
    statuses: ["running", "failed"] as const,
    kind: "csv-profile",
    owner: "acme & co",
    tags: ["eu", "a+b"],
    parent: "01J",
    children: true,
    text: "a&b=c#d ,?ü",
    since: "custom" as const,
    from: "2030-01-01T00:00:00.000Z",
    to: "",
  };
  const { search } = new URL(listHref(filters), "http://h");
  assertEquals(parseRoute(search), { taskId: null, filters });
  assertEquals(listHref(NO_FILTERS), "/");
  assertEquals(
    listHref({ ...NO_FILTERS, statuses: ["running", "failed"] }),
    "/?status=running,failed",
  );
});
