import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { belowBase, parseBasePath } from "../../../lib/http/base_path.ts";

Deno.test("belowBase() gives the rest of a path below the base path, and null for any other path", () => {
  const rests = ["/jobs", "/jobs/", "/jobs/tasks", "/jobsx", "/job", "/", "/JOBS/", "/x/jobs/"]
    .map((path) => belowBase("/jobs", path));
  assertEquals(rests, ["", "/", "/tasks", null, null, null, null, null]);
  assertEquals([belowBase("", "/"), belowBase("", "/jobs")], ["/", "/jobs"]);
});

Deno.test("parseBasePath() accepts only paths that a URL, a cookie and a header leave unchanged", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    const base = parseBasePath(`/${text}`);
    if (base === null) return;
    assertEquals(URL.parse(`http://x${base}/tasks`)?.pathname, `${base}/tasks`);
    assertEquals(belowBase(base, `${base}/tasks`), "/tasks");
    assertEquals(/[;,\s]|\/$/.test(base), false);
  }));
});
