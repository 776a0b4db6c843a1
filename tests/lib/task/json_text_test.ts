import { assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  idOf,
  seqOf,
  statusOf,
  withFirst,
  withLast,
  withResult,
  withSeq,
} from "../../../lib/task/json_text.ts";
import { isFinished, STATUSES, type TaskRecord } from "../../../lib/task/record.ts";
import { newTask } from "../../../lib/task/new_task.ts";

/** Text that may look like one of the fields that the functions search for. */
const hostile = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.constantFrom('"result":null', '","status":"failed"', "}", '"seq":7}', "\\", '\\"'),
);

const records = fc.record({
  message: fc.option(hostile),
  stage: fc.option(hostile),
  status: fc.constantFrom(...STATUSES),
  seq: fc.nat(),
}).map((fields): TaskRecord => {
  const spec = { id: "01JD0000000000000000000000", kind: "k-1.x", priority: 0, runAt: 0 };
  const { record } = newTask({ ...spec, maxAttempts: 1, timeoutMs: null }, 0);
  return { ...record, ...fields, seq: fields.seq };
});

Deno.test("idOf(), seqOf() and statusOf() read what JSON.parse() reads, whatever text the record holds", () => {
  fc.assert(fc.property(records, (record) => {
    const { task_id, seq, status } = record;
    const text = JSON.stringify(record);
    assertEquals([idOf(text), seqOf(text), statusOf(text)], [task_id, seq, status]);
    if (!isFinished(status)) return;
    assertEquals(statusOf(JSON.stringify({ task_id, status, error: record.message })), status);
  }));
});

Deno.test("withResult() changes only the result, whatever text the record holds", () => {
  fc.assert(fc.property(records, fc.jsonValue(), (record, result) => {
    const text = withResult(JSON.stringify(record), JSON.stringify(result));
    assertEquals(text, JSON.stringify({ ...record, result }));
  }));
});

Deno.test("withSeq() changes only the seq, and returns the same text for the seq that it has", () => {
  fc.assert(fc.property(records, fc.nat(), (record, seq) => {
    const json = JSON.stringify(record);
    assertEquals(JSON.parse(withSeq(json, seq)), { ...record, seq });
    assertEquals(withSeq(json, record.seq), json);
  }));
});

Deno.test("withFirst() and withLast() put a field before and after the others of any object", () => {
  const objects = fc.dictionary(fc.string(), fc.jsonValue()).map((it) => JSON.stringify(it));
  fc.assert(fc.property(objects, fc.jsonValue(), (object, value) => {
    const json = JSON.stringify(value);
    const inner = object.slice(1, -1);
    const comma = inner === "" ? "" : ",";
    assertEquals(withFirst(object, "a", json), `{"a":${json}${comma}${inner}}`);
    assertEquals(withLast(object, "a", json), `{${inner}${comma}"a":${json}}`);
    JSON.parse(withFirst(object, "a", json));
    JSON.parse(withLast(object, "a", json));
  }));
});
