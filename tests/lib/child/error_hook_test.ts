import { assert, assertEquals, assertThrows } from "@std/assert";
import { errorFrom, ErrorHook } from "../../../lib/child/error_hook.ts";
import { errorHookIn } from "../../../lib/child/load_kinds.ts";
import { errorOf } from "../../../lib/task/task_error.ts";

const failed = { taskId: "1", kind: "t", attempt: 1, maxAttempts: 1, willRetry: false };

Deno.test("ErrorHook.tell() bounds the wait for each call of the hook, and waits for at most 100 at once", async () => {
  const held = Promise.withResolvers<void>();
  let calls = 0;
  const hook = new ErrorHook(() => {
    calls++;
    return held.promise;
  }, 1);
  const tell = () => hook.tell(1, failed);
  const all = Array.from({ length: 100 }, tell);
  assertEquals(await tell(), "onError was not called: 100 calls of it have not returned");
  const late = "onError took longer than 1 ms";
  assertEquals(new Set(await Promise.all(all)), new Set([late]));
  // None of the calls has returned: later failures are passed to the hook all the same.
  assertEquals(await Promise.all([tell(), tell()]), [late, late]);
  assertEquals(calls, 102);
  held.reject(new Error("nobody hears of it"));
  assertEquals(await tell(), "onError threw Error: nobody hears of it");
});

Deno.test("ErrorHook.tell() never rejects: it turns whatever the hook throws into a short text", async () => {
  const throwing = (value: unknown) =>
    new ErrorHook(() => {
      throw value;
    });
  assertEquals(await throwing(null).tell(1, failed), "onError threw Error: null was thrown");
  const said = await throwing(new Error("x".repeat(1e6))).tell(1, failed);
  assert(said!.length <= 1024);
});

Deno.test("errorFrom() rebuilds an error of another process, with its cause and parts", () => {
  const cause = Object.assign(new RangeError("inner"), { code: "EINNER" });
  const parts = new AggregateError([new TypeError("part")], "all", { cause });
  const { error, stack } = errorOf(parts);
  const made = errorFrom(error, stack);
  assertEquals([made.name, made.message, made.stack], ["AggregateError", "all", stack]);
  assertEquals(errorOf(made).error, error);
});

Deno.test("errorHookIn() takes a function or nothing, and refuses anything else", () => {
  const onError = () => {};
  assertEquals([errorHookIn({ onError }), errorHookIn({})], [onError, undefined]);
  assertThrows(() => errorHookIn({ onError: 1 }), TypeError, "'onError' must be a function");
});
