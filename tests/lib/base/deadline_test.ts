import { assertEquals, assertRejects } from "@std/assert";
import { deadline } from "../../../lib/base/deadline.ts";

const never = new Promise<never>(() => {});

Deno.test("deadline() settles as the promise does, and leaves no timer behind", async () => {
  const late = () => {
    throw new Error("late");
  };
  assertEquals(await deadline(Promise.resolve(1), 3_600_000, late), 1);
  const broken = deadline(Promise.reject(new Error("broken")), 3_600_000, late);
  await assertRejects(() => broken, Error, "broken");
});

Deno.test("deadline() returns what `late` returns after the deadline, or throws what it throws", async () => {
  assertEquals(await deadline(never, 1, () => "late"), "late");
  const late = new Error("late");
  const thrown = await assertRejects(() =>
    deadline(never, 1, () => {
      throw late;
    })
  );
  assertEquals(thrown, late);
});

Deno.test("deadline() calls `late` once, and only if the promise is late", async () => {
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

Deno.test("deadline() leaves no unhandled rejection if the promise fails after the deadline", async () => {
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
    // An unhandled rejection of the promise would be noted before this one, which is unhandled.
    const owned = Promise.withResolvers<void>();
    globalThis.addEventListener("unhandledrejection", () => owned.resolve(), { once: true });
    void Promise.reject("nobody's");
    await owned.promise;
    assertEquals(unhandled, ["nobody's"]);
  } finally {
    globalThis.removeEventListener("unhandledrejection", note);
  }
});
