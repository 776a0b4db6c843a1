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
  const unit = fc.constantFrom(..."aZ9-._~".repeat(6), ...";, ?#\\:@\0\té😀");
  const parts = fc.array(fc.string({ unit, maxLength: 4 }), { minLength: 1, maxLength: 4 });
  fc.assert(fc.property(parts, (parts) => {
    const base = parseBasePath(`/${parts.join("/")}`);
    // Runs count only if the path is accepted, and the property fails if too few are.
    fc.pre(base !== null);
    const { host, pathname } = new URL(`${base}/tasks`, "http://x");
    assertEquals([host, pathname], ["x", `${base}/tasks`]);
    assertEquals(belowBase(base, `${base}/tasks`), "/tasks");
    assertEquals(/[;,\s]|\/$/.test(base), false);
  }));
});
