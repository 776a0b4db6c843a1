import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { checkpointText, readCheckpointText } from "../../../lib/task/checkpoint_text.ts";

Deno.test("a checkpoint without a version is stored as in 0.1", () => {
  assertEquals(checkpointText('{"offset":3}', 0), '{"offset":3}');
  assertEquals(readCheckpointText('{"offset":3}'), { version: 0, data: { offset: 3 } });
});

Deno.test("a checkpoint promises to come back with its version, whatever it looks like", () => {
  const looksStored = fc.tuple(fc.json(), fc.nat(2)).map(([json, n]) => checkpointText(json, n));
  fc.assert(fc.property(fc.oneof(fc.json(), looksStored), fc.nat(2), (json, version) => {
    const read = readCheckpointText(checkpointText(json, version));
    assertEquals(read, { version, data: JSON.parse(json) });
  }));
});
