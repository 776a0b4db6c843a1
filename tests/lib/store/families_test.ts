import { assertEquals } from "@std/assert";
import { createLogger } from "../../../lib/base/log.ts";
import { Families } from "../../../lib/store/families.ts";
import type { LiveTask } from "../../../lib/store/live_task.ts";
import { FakeTimers } from "../../helpers/fake_timers.ts";

/** A task with the fields that `Families.moved()` reads. */
function moved(record: object, task: object): LiveTask {
  return { id: "me", record, task } as unknown as LiveTask;
}

/** Families whose looks wait until the test settles them. */
function looking(): {
  families: Families;
  looks: PromiseWithResolvers<boolean>[];
  next(): Promise<void>;
} {
  const looks: PromiseWithResolvers<boolean>[] = [];
  let came = Promise.withResolvers<void>();
  const families = new Families({
    log: createLogger({ level: "off" }),
    look(parent) {
      assertEquals(parent, "me");
      const look = Promise.withResolvers<boolean>();
      looks.push(look);
      came.resolve();
      return look.promise;
    },
  });
  const next = () => {
    came = Promise.withResolvers();
    return came.promise;
  };
  return { families, looks, next };
}

Deno.test("Families.moved() looks after a task that waits for its children, even if this run made none", async () => {
  const { families, looks, next } = looking();
  const came = next();
  families.moved(moved({ status: "waiting", waiting_for: { type: "children" } }, {}));
  await came;
  looks[0]!.resolve(false);
  await families.stop();
});

Deno.test("Families.moved() looks after a parent that ended, and after the parent of a child that moved", async () => {
  for (
    const [record, task] of [
      [{ status: "canceled" }, { children: 0 }],
      [{ status: "running" }, { child: { parent: "me" } }],
    ] as const
  ) {
    const { families, looks, next } = looking();
    const came = next();
    families.moved(moved(record, task));
    await came;
    looks[0]!.resolve(false);
    await families.stop();
  }
});

Deno.test("Families.moved() ignores a task that ended without children or that waits for a signal", async () => {
  using timers = new FakeTimers();
  const { families, looks } = looking();
  families.moved(moved({ status: "completed" }, {}));
  families.moved(moved({ status: "waiting", waiting_for: { type: "signal" } }, { children: 3 }));
  await timers.pass(60_000);
  assertEquals(looks, []);
  await families.stop();
});

Deno.test("Families looks again after a change during a look, and after a look that failed", async () => {
  const { families, looks, next } = looking();
  let came = next();
  families.touch("me");
  await came;
  came = next();
  // One more look sees both changes.
  families.touch("me");
  families.touch("me");
  looks[0]!.resolve(false);
  await came;
  came = next();
  looks[1]!.reject(new Error("The store is away"));
  await came;
  assertEquals(looks.length, 3);
  looks[2]!.resolve(false);
  await families.stop();
});
