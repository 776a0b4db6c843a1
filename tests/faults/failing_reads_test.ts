import { assertEquals, assertGreater } from "@std/assert";
import {
  children,
  defineTask,
  log,
  output,
  save,
  sleep,
  type TaskDefinition,
  waitFor,
} from "headway";
import { Cluster, recordOf, submit } from "../helpers/cluster.ts";
import { eventually } from "../helpers/eventually.ts";
import { kvWith } from "../helpers/kv_with.ts";
import { seededRandom } from "../helpers/random.ts";

/** A handle of which two thirds of the reads fail while `state.poor` is set. */
function poorReads(kv: Deno.Kv, random: () => number) {
  let failures = 0;
  const state = { poor: false, failures: () => failures };
  const mayFail = () => {
    if (!state.poor || random() >= 2 / 3) return;
    failures++;
    throw new TypeError("disk I/O error");
  };
  const poor = kvWith(kv, {
    get: (async (...args: Parameters<Deno.Kv["get"]>) => {
      mayFail();
      return await kv.get(...args);
    }) as Deno.Kv["get"],
    getMany: (async (...args: Parameters<Deno.Kv["getMany"]>) => {
      mayFail();
      return await kv.getMany(...args);
    }) as Deno.Kv["getMany"],
    list: ((...args: Parameters<Deno.Kv["list"]>) =>
      async function* () {
        mayFail();
        yield* kv.list(...args);
      }()) as unknown as Deno.Kv["list"],
  });
  return { kv: poor, state };
}

/** Has a large input and checkpoint, which are stored apart from the head, and resumes from it. */
const works = defineTask({
  kind: "works",
  retry: { maxAttempts: 1 },
  async *run({ input, checkpoint }) {
    yield log("begun");
    if (!checkpoint) yield save({ half: "x".repeat(5000) });
    yield* sleep("moment", 5);
    yield output({ of: String(input).length });
    return "done";
  },
});

const parent = defineTask({
  kind: "parent",
  retry: { maxAttempts: 1 },
  async *run() {
    const ended = yield* children(
      "parts",
      [1, 2, 3, 4].map((input) => ({ kind: "works", input })),
      {
        concurrency: 2,
      },
    );
    return ended;
  },
});

const asks = defineTask({
  kind: "asks",
  retry: { maxAttempts: 1 },
  async *run() {
    return yield* waitFor("go");
  },
});

Deno.test("a store that fails two of three reads for a while costs no task and no attempt", async () => {
  await using cluster = await Cluster.open(
    works as TaskDefinition,
    parent as TaskDefinition,
    asks as TaskDefinition,
  );
  const random = seededRandom(11);
  const { kv, state } = poorReads(cluster.kv, random);
  const web = await cluster.join({ role: "web" });
  const input = JSON.stringify("x".repeat(9000));
  const ids: string[] = [];
  for (let n = 0; n < 60; n++) {
    const waits = n % 3 === 1 ? { runAt: Date.now() + 20 * n } : {};
    ids.push(
      await submit(web, n % 10 === 0 ? "asks" : n % 10 === 5 ? "parent" : "works", {
        input,
        maxAttempts: 1,
        ...waits,
      }),
    );
  }
  const worker = await cluster.join({ kv });
  state.poor = true;
  await eventually(() => assertGreater(state.failures(), 100));
  state.poor = false;
  for (const [n, id] of ids.entries()) {
    if (n % 10 === 0) {
      await eventually(async () =>
        assertEquals((await recordOf(worker, id)).waiting_for?.name, "go")
      );
      await web.store.signal(id, "go", '"yes"');
    }
  }
  for (const id of ids) {
    const record = await eventually(async () => {
      const record = await recordOf(worker, id);
      assertEquals(["completed", "failed"].includes(record.status), true, JSON.stringify(record));
      return record;
    });
    assertEquals([record.status, record.attempt, record.error], ["completed", 1, null]);
  }
});
