import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  haveLabels,
  labelsOf,
  onlyLabels,
  OWNER_PATTERN,
  TAG_PATTERN,
} from "../../../lib/task/labels.ts";
import { newTask } from "../../../lib/task/new_task.ts";

const ID = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 });
/** Text that looks like the fields around it in a record. */
const bent = fc.constantFrom('","tags":["x"],"progress":0', '\\"', "\\", '"],"owner":"me"', "},{");
const label = fc.oneof(text, bent);
const labels = fc.record({ owner: label, tags: fc.uniqueArray(label, { maxLength: 20 }) }, {
  requiredKeys: [],
});

Deno.test("labelsOf() reads the labels of records, complete events and deleted events, and of nothing else", () => {
  const spec = { id: ID, kind: "a.b-c", maxAttempts: 1, priority: 0, runAt: 0, timeoutMs: null };
  fc.assert(fc.property(labels, fc.boolean(), bent, (given, staged, message) => {
    const { record } = newTask({ ...spec, ...given }, 0);
    const { owner, tags } = onlyLabels(given);
    const wanted = onlyLabels(given);
    const stages = staged ? { stages: [] } : {};
    assertEquals(labelsOf(JSON.stringify({ ...record, message, ...stages })), wanted);
    const ended = { task_id: ID, status: "completed", ...wanted, result: { owner: "x" } };
    assertEquals(labelsOf(JSON.stringify(ended)), wanted);
    assertEquals(labelsOf(JSON.stringify({ task_id: ID, ...wanted })), wanted);
    assert(haveLabels(wanted, given));
    assert(!haveLabels(wanted, { owner: `${owner}x` }));
    assert(!haveLabels(wanted, { tags: [...tags ?? [], "none of these, since it is longer"] }));
  }));
  assertEquals(labelsOf('{"seq":3,"owner":"me","tags":["a"]}'), {});
  assertEquals(labelsOf(`{"task_id":"${ID}","result":1,"owner":"me"}`), {});
});

Deno.test("OWNER_PATTERN and TAG_PATTERN count code points, and refuse text that could make two keys alike", () => {
  for (const pattern of [OWNER_PATTERN, TAG_PATTERN]) {
    const good = ["a", "auth0|5f", "a b", "租户", "🦆", '"\\', "é", "<b>"];
    for (const text of good) assert(pattern.test(text), text);
    for (const text of ["", "a\n", "\u0000", "\ud800", "a\udc00b", "\u0085"]) {
      assert(!pattern.test(text), JSON.stringify(text));
    }
  }
  assert(OWNER_PATTERN.test("🦆".repeat(128)) && !OWNER_PATTERN.test("x".repeat(129)));
  assert(TAG_PATTERN.test("🦆".repeat(64)) && !TAG_PATTERN.test("x".repeat(65)));
  assert(OWNER_PATTERN.test("a,b") && !TAG_PATTERN.test("a,b"));
});
