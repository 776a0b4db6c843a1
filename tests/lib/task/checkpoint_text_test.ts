import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { MAX_VALUE } from "../../../lib/task/json_value.ts";
import { MAX_JSON } from "../../../lib/task/limits.ts";
import { checkpointText, readCheckpointText } from "../../../lib/task/checkpoint_text.ts";

Deno.test("checkpointText() stores a checkpoint without a version as Headway 0.1 did", () => {
  assertEquals(checkpointText('{"offset":3}', 0), '{"offset":3}');
  assertEquals(readCheckpointText('{"offset":3}'), { version: 0, data: { offset: 3 } });
});

Deno.test("readCheckpointText() returns the data and version given to checkpointText(), for any JSON", () => {
  const looksStored = fc.tuple(fc.json(), fc.nat(2)).map(([json, n]) => checkpointText(json, n));
  fc.assert(fc.property(fc.oneof(fc.json(), looksStored), fc.nat(2), (json, version) => {
    const read = readCheckpointText(checkpointText(json, version));
    assertEquals(read, { version, data: JSON.parse(json) });
  }));
});

Deno.test("checkpointText() of the largest checkpoint fits, with its version, into MAX_JSON", () => {
  const largest = JSON.stringify("x".repeat(MAX_VALUE - 2));
  assert(checkpointText(largest, Number.MAX_SAFE_INTEGER).length <= MAX_JSON);
});

Deno.test("readCheckpointText() takes text that only begins like an envelope for data of version 0", () => {
  for (const rest of ['"1","data":1}', "1}", '-1,"data":1}', '1.5,"data":1}', 'null,"data":1}']) {
    const text = `{"~headway":"checkpoint","version":${rest}`;
    assertEquals(readCheckpointText(text), { version: 0, data: JSON.parse(text) });
  }
});
