import { assert, assertEquals, assertLess, assertStringIncludes } from "@std/assert";
import { createContext, runInContext } from "node:vm";
import fc from "fast-check";
import { byteLength } from "../../../lib/task/byte_length.ts";
import { errorOf, MAX_ERROR, MAX_MORE } from "../../../lib/task/task_error.ts";
import { FinalError, isFinal } from "../../../lib/task/final_error.ts";
import { hostileValues } from "../../helpers/hostile_values.ts";

function errorFrom(value: unknown) {
  return errorOf(value).error;
}

/** Checks what must hold for the error of any thrown value. */
function assertBounded(value: unknown): void {
  const { error, stack } = errorOf(value);
  assert(error.name.trim() !== "" && error.message.trim() !== "", JSON.stringify(error));
  assert(error.name.length <= MAX_ERROR.name && error.message.length <= MAX_ERROR.message);
  assert(stack.length <= MAX_ERROR.stack);
  const { code, cause, errors } = error;
  assertLess(byteLength(JSON.stringify({ code, cause, errors })), MAX_MORE + 1);
  assertEquals(JSON.parse(JSON.stringify(error)), error);
}

Deno.test("errorOf() keeps name, message, code, the chain of causes and the parts of an AggregateError", () => {
  const row = Object.assign(new RangeError("row 7"), { code: "E_ROW" });
  assertEquals(errorFrom(new Error("import failed", { cause: row })), {
    name: "Error",
    message: "import failed",
    cause: { name: "RangeError", message: "row 7", code: "E_ROW" },
  });
  const parts = [new Error("a", { cause: "b" }), new TypeError("c")];
  assertEquals(errorFrom(new AggregateError(parts, "two failed")), {
    name: "AggregateError",
    message: "two failed",
    errors: [
      { name: "Error", message: "a", cause: { name: "Error", message: "b" } },
      { name: "TypeError", message: "c" },
    ],
  });
  assertEquals(errorFrom({ code: "E_LIMIT", message: "slow" }), {
    name: "Error",
    message: "slow",
    code: "E_LIMIT",
  });
  assertEquals(errorFrom(new DOMException("gone", "NotFoundError")), {
    name: "NotFoundError",
    message: "gone",
  });
});

Deno.test("errorOf() says in the message what was thrown if that has no message of its own", () => {
  const said: [unknown, string][] = [
    ["boom", "boom"],
    ["", "An empty text was thrown"],
    [" \n", "An empty text was thrown"],
    [undefined, "undefined was thrown"],
    [null, "null was thrown"],
    [7, "7"],
    [7n, "7"],
    [Symbol("s"), "Symbol(s)"],
    [{ status: 404 }, '{"status":404}'],
    [new Error(), "Error without a message"],
    [RangeError, "A function was thrown"],
  ];
  for (const [value, message] of said) assertEquals(errorFrom(value).message, message);
});

Deno.test("errorOf() reads an error of another realm, and one whose fields throw", () => {
  const realm = createContext({});
  assertEquals(
    errorFrom(runInContext("new TypeError('there', {cause: new Error('why')})", realm)),
    {
      name: "TypeError",
      message: "there",
      cause: { name: "Error", message: "why" },
    },
  );
  const lazy = Object.defineProperty(new Error("lazy"), "stack", {
    get() {
      throw new Error("no");
    },
  });
  assertEquals(errorFrom(lazy), { name: "Error", message: "lazy" });
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  assert(errorFrom(proxy).message !== "");
});

Deno.test("errorOf() appends the stacks of the causes to the error's own stack", () => {
  const { stack } = errorOf(new Error("top", { cause: new RangeError("below") }));
  assertStringIncludes(stack, "Error: top\n");
  assertStringIncludes(stack, "\nCaused by: RangeError: below\n");
});

Deno.test("errorOf() cuts endless chains of causes, and says how many parts it leaves out", () => {
  const cyclic: Error = new Error("round");
  cyclic.cause = cyclic;
  assertEquals(errorFrom(cyclic), { name: "Error", message: "round" });
  const endless = (): object =>
    new Proxy({}, { get: (_, name) => name === "cause" ? endless() : 1 });
  assertBounded(endless());
  let deep = new Error("0");
  for (let n = 1; n < 100; n++) deep = new Error(`${n}`, { cause: deep });
  assertBounded(deep);
  const many = new AggregateError(Array.from({ length: 10_000 }, (_, n) => new Error(`${n}`)));
  assertBounded(many);
  assertEquals(errorFrom(many).errors?.at(-1)?.message, "… and 9990 more");
});

Deno.test("errorOf() always gives a name and a message, and never exceeds its bounds", () => {
  fc.assert(fc.property(hostileValues(), (make) => assertBounded(make())), { numRuns: 300 });
  for (const unit of ["x", "進", "\0", "\ud800", "😀"]) {
    const text = unit.repeat(100_000);
    const error = Object.assign(new Error(text), { name: text, code: text, stack: text });
    assertBounded(error);
    assertBounded(
      new AggregateError(Array(100).fill(error).map((e) => new Error(text, { cause: e }))),
    );
  }
});

Deno.test("isFinal() is true for a FinalError of any copy or realm, but not for an error that it caused", () => {
  class NoCustomer extends FinalError {}
  const other = runInContext(
    "class F extends Error { get [Symbol.for('headway.final')]() { return true; } }; new F('x')",
    createContext({}),
  );
  for (const thrown of [new FinalError("x"), new NoCustomer("x"), other]) assert(isFinal(thrown));
  const holds = new Error("x", { cause: new FinalError("y") });
  for (const thrown of [holds, new Error("x"), undefined, null, "headway.final"]) {
    assert(!isFinal(thrown));
  }
  fc.assert(fc.property(hostileValues(), (make) => typeof isFinal(make()) === "boolean"));
});
