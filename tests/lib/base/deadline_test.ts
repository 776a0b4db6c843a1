import { assertEquals, assertRejects } from "@std/assert";
import { deadline } from "../../../lib/base/deadline.ts";

const never = new Promise<never>(() => {});

Deno.test("deadline() gives what the promise gives, and leaves no timer", async () => {
  const late = () => {
    throw new Error("late");
  };
  assertEquals(await deadline(Promise.resolve(1), 3_600_000, late), 1);
  const broken = deadline(Promise.reject(new Error("broken")), 3_600_000, late);
  await assertRejects(() => broken, Error, "broken");
});

Deno.test("deadline() gives what `late` returns, or throws what it throws", async () => {
  assertEquals(await deadline(never, 1, () => "late"), "late");
  const late = new Error("late");
  const thrown = await assertRejects(() =>
    deadline(never, 1, () => {
      throw late;
    })
  );
  assertEquals(thrown, late);
});

Deno.test("deadline() calls `late` once, and only when it is late", async () => {
  let calls = 0;
  const late = () => ++calls;
  await deadline(Promise.resolve(), 0, late);
  assertEquals(calls, 0);
  const { promise, resolve } = Promise.withResolvers<number>();
  assertEquals(await deadline(promise, 1, late), 1);
  resolve(100);
  await promise;
  assertEquals(calls, 1);
});

Deno.test("deadline() takes care of a promise that fails after it", async () => {
  const unhandled: unknown[] = [];
  const note = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    unhandled.push(event.reason);
  };
  globalThis.addEventListener("unhandledrejection", note);
  try {
    const { promise, reject } = Promise.withResolvers<void>();
    assertEquals(await deadline(promise, 1, () => "late"), "late");
    reject(new Error("later still"));
    // One that nobody owns shows that an unhandled one would have been noted by now.
    const owned = Promise.withResolvers<void>();
    globalThis.addEventListener("unhandledrejection", () => owned.resolve(), { once: true });
    void Promise.reject("nobody's");
    await owned.promise;
    assertEquals(unhandled, ["nobody's"]);
  } finally {
    globalThis.removeEventListener("unhandledrejection", note);
  }
});
