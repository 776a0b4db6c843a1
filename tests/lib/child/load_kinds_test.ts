import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { loadFailure, MAX_LOAD_STACK, MAX_REASON } from "../../../lib/child/load_kinds.ts";
import { hostileValues } from "../../helpers/hostile_values.ts";

Deno.test("loadFailure() names an error and its causes", () => {
  const error = new TypeError("no rows", { cause: new Error("no file") });
  const { reason, stack } = loadFailure(error);
  assertEquals(reason, "TypeError: no rows, caused by Error: no file");
  assert(stack.startsWith("TypeError: no rows\n"));
});

Deno.test("loadFailure() leaves out places in Deno's own code, which would make equal reasons differ", () => {
  const where = "SyntaxError: Expected ident\n    at file:///tmp/no_code.ts:1:7";
  const { reason } = loadFailure(new TypeError(`${where} at ext:core/01_core.js:405:7`));
  assertEquals(reason, `TypeError: ${where}`);
});

Deno.test("loadFailure() gives a reason of bounded length, whatever a module throws", () => {
  fc.assert(fc.property(hostileValues(), (make) => {
    const { reason, stack } = loadFailure(make());
    assert(reason !== "" && reason.length <= MAX_REASON && stack.length <= MAX_LOAD_STACK);
  }));
});
