import { clusters } from "../cluster.ts";
import { request } from "../client_process.ts";
import { machineSeconds, treeUsage } from "../process_tree.ts";
import type { Scenario } from "../scenario.ts";
import { allFinished, countCompleted } from "./common.ts";

/** How fast many short tasks go through: submitted over HTTP, run, stored as completed. */
export const burst: Scenario = {
  name: "burst",
  asks: "10,000 tasks without steps, submitted over 50 connections: all completed",
  peers: true,
  columns: [
    { key: "rate", label: "tasks/s" },
    { key: "submits", label: "submits/s" },
    { key: "p50", label: "submit p50 ms", digits: 1 },
    { key: "p99", label: "submit p99 ms", digits: 1 },
    { key: "cpu", label: "server CPU s", digits: 1 },
    { key: "rss", label: "server MiB" },
    { key: "others", label: "other cores", digits: 2 },
  ],
  targets: [{ key: "rate", of: "ratio", says: "at least 1.5 times BullMQ's", atLeast: 1.5 }],
  async run(system, { quick, directory }) {
    const count = quick ? 2000 : 10_000;
    await using running = await system.start({ concurrency: 1000, directory: await directory() });
    const { port, pids } = running;
    const warm = await countCompleted(port);
    const before = { ...treeUsage(pids), machine: machineSeconds() };
    const submits = await request({
      port,
      connections: 50,
      method: "POST",
      path: "/tasks",
      body: JSON.stringify({ kind: "demo", input: { steps: 0 } }),
      count,
      deadline: Date.now() + 120_000,
    });
    const endedAt = await allFinished(port);
    const after = { ...treeUsage(pids), machine: machineSeconds() };
    const { startedAt, latency, statuses, taskIds, cpuSeconds } = submits;
    const seconds = (endedAt - startedAt) / 1000;
    const cpu = after.cpuSeconds - before.cpuSeconds;
    const faults: string[] = [];
    if (statuses["201"] !== count) faults.push(`answers: ${JSON.stringify(statuses)}`);
    if (new Set(taskIds).size !== count) faults.push("not every task has an id of its own");
    const completed = await countCompleted(port) - warm;
    if (completed !== count) faults.push(`completed: ${completed} of ${count}`);
    return {
      faults,
      figures: {
        rate: count / seconds,
        submits: count * 1000 / (submits.endedAt - startedAt),
        p50: latency.p50,
        p99: latency.p99,
        cpu,
        rss: after.rss / 2 ** 20,
        others: (after.machine - before.machine - cpu - cpuSeconds) / seconds,
      },
    };
  },
};

/** The same on a cluster. */
export const clusterBurst: Scenario = {
  ...burst,
  name: "cluster-burst",
  asks: "2,000 tasks without steps on a denokv, a web process and workers: all completed",
  targets: [],
  systems: clusters,
  // A commit there costs a request: fewer are enough.
  run: (system, options) => burst.run(system, { ...options, quick: true }),
};
