import { assert, assertEquals } from "@std/assert";
import {
  apiQuery,
  bulkFilter,
  formatFilters,
  hiddenCount,
  isUnfiltered,
  matcher,
  NO_FILTERS,
  parseFilters,
} from "../../../static/list/filters.ts";
import { record } from "../records.ts";

const NOW = Date.parse("2030-01-01T12:00:00.000Z");

Deno.test("parseFilters() ignores values that are not valid", () => {
  const query = new URLSearchParams("status=failed,owned,,running&since=9y&from=2030-01-01&kind=a");
  assertEquals(parseFilters(query), { ...NO_FILTERS, statuses: ["running", "failed"], kind: "a" });
  const custom = new URLSearchParams(
    "since=custom&from=2029-02-29T00:00:00Z&to=2030-01-01T00:00:00Z",
  );
  assertEquals(parseFilters(custom), {
    ...NO_FILTERS,
    since: "custom",
    to: "2030-01-01T00:00:00.000Z",
  });
  assert(isUnfiltered(parseFilters(new URLSearchParams("since=toString&task_id=1"))));
});

Deno.test("formatFilters() leaves out filters that are not set, and parseFilters() reads the others", () => {
  assertEquals(formatFilters(NO_FILTERS).toString(), "");
  assertEquals(formatFilters({ ...NO_FILTERS, text: "x" }).toString(), "q=x");
  const labels = { ...NO_FILTERS, owner: "a,b & c", tags: ["租户", "a b"] };
  assertEquals(parseFilters(formatFilters(labels)), labels);
  assertEquals(parseFilters(new URLSearchParams("tag=a&tag=b,a,")).tags, ["a", "b"]);
});

Deno.test("apiQuery() sends only the start of a range that ends now", () => {
  assertEquals(apiQuery({ ...NO_FILTERS, since: "1h", text: " a " }, NOW), {
    q: "a",
    created_after: "2030-01-01T11:00:00.000Z",
  });
});

Deno.test("matcher() and apiQuery() hide children unless a filter asks for them", () => {
  const shown = (filters: Partial<typeof NO_FILTERS>) => {
    const all = { ...NO_FILTERS, ...filters };
    const child = record({ kind: "demo", parent_id: "01JPARENT" });
    assertEquals(matcher(all, NOW)(child), apiQuery(all, NOW).parent !== "none");
    assert(matcher(all, NOW)(record({ kind: "demo" })) || all.parent !== "");
    return matcher(all, NOW)(child);
  };
  assert(!shown({}) && !shown({ since: "7d" }) && !shown({ text: " " }));
  assert(shown({ children: true }) && shown({ kind: "demo" }) && shown({ text: "demo" }));
  assert(shown({ parent: "01JPARENT" }));
  const all = { ...NO_FILTERS, children: true };
  assertEquals(parseFilters(formatFilters(all)), all);
});

Deno.test("hiddenCount() counts the hidden children in the selected states", () => {
  const none = { pending: 0, running: 0, waiting: 0, completed: 0, failed: 0, canceled: 0 };
  const shown = { ...none, failed: 2, completed: 5, limit: 100 };
  const all = { ...shown, failed: 42, completed: 100 };
  assertEquals(hiddenCount(shown, all, ["failed"]), { count: 40, more: false });
  assertEquals(hiddenCount(shown, all, ["failed", "completed"]), { count: 135, more: true });
  assertEquals(hiddenCount(shown, all, ["running"]), null);
  // The two counts may be of different moments.
  assertEquals(hiddenCount(all, shown, ["failed"]), null);
  assertEquals(hiddenCount({ ...shown, partial: true }, all, ["failed"])?.more, true);
});

Deno.test("matcher() tests a task by each of the filters", () => {
  const demo = record({
    kind: "demo",
    status: "failed",
    created_at: "2030-01-01T11:30:00.000Z",
    error: { name: "Error", message: "No such HOST" },
    owner: "acme",
    tags: ["eu", "a b"],
    parent_id: "01JPARENT",
  });
  const matches = (filters: Partial<typeof NO_FILTERS>) =>
    matcher({ ...NO_FILTERS, children: true, ...filters }, NOW)(demo);
  assert(matches({}));
  assert(matches({ statuses: ["running", "failed"], kind: "demo", text: " such host " }));
  assert(matches({ since: "1h" }));
  assert(!matches({ statuses: ["running"] }));
  assert(!matches({ kind: "other" }));
  assert(matches({ owner: "acme", tags: ["a b", "eu"] }));
  assert(matches({ parent: "01JPARENT" }) && !matches({ parent: "01J" }));
  assert(!matches({ owner: "acm" }) && !matches({ owner: "acme", tags: ["eu", "us"] }));
  assert(!matches({ text: "absent" }));
  assert(!matches({ since: "custom", to: "2030-01-01T11:30:00.000Z" }));
  assert(!matches({ since: "custom", from: "2030-01-01T11:31:00.000Z" }));
});

Deno.test("bulkFilter() has the fields of apiQuery(), with lists for states, kinds and tags", () => {
  const filters = parseFilters(
    new URLSearchParams("status=failed,running&kind=a&tag=x,y&owner=o&q=text&since=1h"),
  );
  const now = Date.parse("2026-11-27T12:00:00Z");
  assertEquals(bulkFilter(filters, now), {
    ...{ status: ["running", "failed"], kind: ["a"], owner: "o", tag: ["x", "y"], q: "text" },
    created_after: "2026-11-27T11:00:00.000Z",
  });
  assertEquals(bulkFilter(NO_FILTERS, now), { parent: "none" });
});
