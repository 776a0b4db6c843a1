import { assertEquals } from "@std/assert";
import { errorText, framesOf, type WholeError } from "../../../static/task/error_text.ts";

const ERROR: WholeError = {
  name: "Error",
  message: "import failed",
  stack: "Error: import failed\n    at run (tasks.ts:7:9)\n    at next (tasks.ts:2:1)",
  cause: {
    name: "TypeError",
    message: "row 7\nhas no price",
    code: "E_COLUMN",
    stack: "TypeError: row 7\nhas no price\n    at parse (tasks.ts:3:3)",
  },
  errors: [{ name: "RangeError", message: "beyond" }],
};

Deno.test("framesOf() returns the frames of a stack without the message above them", () => {
  assertEquals(framesOf(ERROR), "at run (tasks.ts:7:9)\nat next (tasks.ts:2:1)");
  assertEquals(framesOf(ERROR.cause!), "at parse (tasks.ts:3:3)");
  assertEquals(framesOf({ name: "E", message: "m", stack: "odd text" }), "odd text");
  assertEquals(framesOf({ name: "E", message: "m" }), "");
});

Deno.test("errorText() contains the causes, the parts and, if they are asked for, the stacks", () => {
  assertEquals(
    errorText(ERROR, true),
    `Error: import failed
    at run (tasks.ts:7:9)
    at next (tasks.ts:2:1)
Caused by: TypeError [E_COLUMN]: row 7
has no price
    at parse (tasks.ts:3:3)
    1. RangeError: beyond`,
  );
  assertEquals(
    errorText({ name: "Error", message: "plain", stack: "at x" }, false),
    "Error: plain",
  );
});
