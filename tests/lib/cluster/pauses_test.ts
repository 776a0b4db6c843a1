import { assertEquals } from "@std/assert";
import { defineTask, sleep } from "headway";
import type { Engine } from "../../../lib/engine.ts";
import { Cluster, counted, submit, when } from "../../helpers/cluster.ts";
import { eventually } from "../../helpers/eventually.ts";
import { kvWith } from "../../helpers/kv_with.ts";
import { MovedClock } from "../../helpers/moved_clock.ts";
import { storeThat } from "../../helpers/store_that.ts";

/** In milliseconds: far more than the whole test takes. */
const HOUR = 3_600_000;

const BY_ADA = { by: "ada", reason: "the partner is down" };

Deno.test("Pauses.pause() lets no later claim be committed, even by a process that does not know of it", async () => {
  const kind = counted("k");
  kind.open();
  await using cluster = await Cluster.open(kind.task);
  const web = await cluster.join({ role: "web" });
  const gates: Promise<void>[] = [];
  const slow = storeThat(cluster.kv, async () => void await gates[0]);
  // The watch for pauses never reports anything.
  const deaf = kvWith(slow, {
    watch: ((watched, ...rest) =>
      watched[0]![0] === "paused-head"
        ? new ReadableStream()
        : slow.watch(watched, ...rest)) as Deno.Kv["watch"],
  });
  const worker = await cluster.join({ role: "worker", kv: deaf, leaseMs: 60_000 });
  const { promise, resolve } = Promise.withResolvers<void>();
  gates.push(promise);
  const ids = await Promise.all(Array.from({ length: 10 }, () => submit(web, "k")));
  await eventually(() => assertEquals(worker.runner!.running, 10));
  await web.pauses.pause("k", BY_ADA);
  resolve();
  await eventually(() => assertEquals(worker.runner!.running, 0));
  assertEquals(kind.runs.size, 0);
  // The worker read the pauses when its claims failed.
  assertEquals(worker.pauses.get("k")?.by, "ada");
  for (const id of ids) await when(web, id, "pending");
  await web.pauses.resume("k", "ada");
  await worker.pauses.read();
  for (const id of ids) await when(web, id, "completed");
  assertEquals([...kind.runs.values()], ids.map(() => 1));
});

Deno.test("Pauses lets a running task of a paused kind go on; new tasks and sleepers wait, over a restart too", async () => {
  const kind = counted("k");
  const other = counted("other");
  other.open();
  let runs = 0;
  const fails = defineTask({
    kind: "fails",
    retry: { maxAttempts: 2, baseMs: 1 },
    async *run({ attempt }) {
      runs++;
      if (attempt === 1) throw new Error("no");
      yield* sleep("a while", HOUR);
    },
  });
  using clock = new MovedClock();
  await using cluster = await Cluster.open(kind.task, other.task, fails);
  /** Runs a task of a kind that is not paused: what is ready to run has had its turn by then. */
  const runAnother = async (engine: Engine) =>
    await when(engine, await submit(engine, "other"), "completed");
  const first = await cluster.join({ alone: true });
  const running = await submit(first, "k");
  await when(first, running, "running");
  const paused = await first.pauses.pause("k", BY_ADA);
  const late = await submit(first, "k");
  kind.open();
  await when(first, running, "completed");
  await first.pauses.pause("fails", BY_ADA);
  const failing = await submit(first, "fails", { maxAttempts: 2 });
  await runAnother(first);
  assertEquals([...kind.runs.keys(), runs], [running, 0]);
  await first.pauses.resume("fails", "ada");
  await when(first, failing, "waiting");
  await first.pauses.pause("fails", BY_ADA);
  await first.close(5000);
  clock.ahead += 2 * HOUR;
  const second = await cluster.join();
  assertEquals(second.pauses.get("k"), paused);
  const last = await submit(second, "k");
  await runAnother(second);
  assertEquals([...kind.runs.keys(), runs], [running, 2]);
  const web = await cluster.join({ role: "web" });
  await web.pauses.resume("k", "ada");
  await web.pauses.resume("fails", "ada");
  for (const id of [late, last, failing]) await when(web, id, "completed");
  assertEquals([...kind.runs.values(), runs], [1, 1, 1, 3]);
});

Deno.test("Pauses.pause() keeps the time of an earlier pause; resume() does nothing if there is no pause", async () => {
  await using cluster = await Cluster.open();
  let time = 1000;
  const engine = await cluster.join({ role: "web", now: () => time });
  await engine.pauses.resume("k", "ada");
  assertEquals(engine.pauses.check.versionstamp, null);
  await engine.pauses.pause("k", { by: "ada", reason: null });
  time = 2000;
  assertEquals(await engine.pauses.pause("k", BY_ADA), { ...BY_ADA, since: 1000 });
  await engine.pauses.resume("k", "ada");
  assertEquals(engine.pauses.get("k"), undefined);
});
