import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  ARTIFACT_NAME,
  ARTIFACT_TYPE,
  listProblem,
  MAX_ARTIFACT_LIST,
  withArtifact,
} from "../../../lib/task/artifact_list.ts";
import { newTask } from "../../../lib/task/new_task.ts";

const { record: RECORD } = newTask({
  id: "01J0000000000000000000TEST",
  kind: "k",
  maxAttempts: 1,
  priority: 0,
  runAt: 0,
  timeoutMs: null,
}, 0);

const file = (name: string, size = 1) => ({ name, size, type: "text/plain" });

Deno.test("ARTIFACT_NAME accepts only names that any file system takes, without invisible characters", () => {
  for (
    const name of [
      "a",
      "report.pdf",
      "進捗 (1).csv",
      "x'y%.bin",
      "a.b.c",
      "n".repeat(128),
      "👍.png",
    ]
  ) {
    assert(ARTIFACT_NAME.test(name), name);
  }
  for (
    const name of [
      "",
      ".",
      "..",
      ".hidden",
      "a/b",
      "a\\b",
      "c:d",
      "a\nb",
      "a\u0000",
      "a\u202Efdp.exe",
      "a\u2028b",
      "\ud800",
      " a",
      "a ",
      "a.",
      "a?",
      "a*",
      '"a"',
      "<a>",
      "a|b",
      "n".repeat(129),
    ]
  ) assert(!ARTIFACT_NAME.test(name), JSON.stringify(name));
});

Deno.test("ARTIFACT_TYPE accepts only media types that a header can hold", () => {
  for (const type of ["text/csv", "text/plain; charset=utf-8", "image/svg+xml", 'a/b;c="d e"']) {
    assert(ARTIFACT_TYPE.test(type), type);
  }
  for (
    const type of ["", "text", "text/", "text/csv\r\nx: y", "a/b; c", "a/ü", `a/${"b".repeat(127)}`]
  ) {
    assert(!ARTIFACT_TYPE.test(type), type);
  }
});

Deno.test("withArtifact() adds an artifact, or replaces the one of its name in place, and keeps seq last", () => {
  const two = withArtifact(withArtifact(RECORD, file("a")), file("b"));
  const other = withArtifact(two, file("a", 7));
  assertEquals(other.artifacts, [file("a", 7), file("b")]);
  assertEquals(Object.keys(other).at(-1), "seq");
  assertEquals(RECORD.artifacts, undefined);
});

Deno.test("listProblem() refuses one artifact too many, and names that take too many bytes together", () => {
  const two = withArtifact(withArtifact(RECORD, file("a")), file("b"));
  assertEquals(listProblem(two, file("c"), 3), null);
  assertEquals(listProblem(two, file("b", 9), 2), null);
  assertEquals(listProblem(two, file("c"), 2), "a task has at most 2 artifacts");
  let record = RECORD;
  let n = 0;
  for (; listProblem(record, file(`${n}`.padEnd(128, "字"))) === null; n++) {
    record = withArtifact(record, file(`${n}`.padEnd(128, "字")));
  }
  assert(n > 5 && n < 100);
  assert(new TextEncoder().encode(JSON.stringify(record.artifacts)).length <= MAX_ARTIFACT_LIST);
  assertMatch(
    listProblem(record, file("字".repeat(128)))!,
    new RegExp(`take at most 6144 bytes of JSON, which ${n} of them nearly do: have fewer, or`),
  );
});
