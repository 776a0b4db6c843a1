import { assert, assertEquals } from "@std/assert";
import { ulid } from "@std/ulid";
import { idBehind, ULID } from "../../../lib/task/ulid.ts";

Deno.test("idBehind() is a valid id, and the next one", () => {
  assertEquals(idBehind("01J00000000000000000000000"), "01J00000000000000000000001");
  assertEquals(idBehind("01J0000000000000000000009H"), "01J0000000000000000000009J");
  assertEquals(idBehind("01J00000000000000000000YZZ"), "01J00000000000000000000Z00");
  for (let n = 0; n < 100; n++) {
    const id = ulid();
    assert(idBehind(id) > id && ULID.test(idBehind(id)), id);
  }
});
