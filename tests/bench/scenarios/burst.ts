import { clusters } from "../cluster.ts";
import { request } from "../client_process.ts";
import { machineSeconds, treeUsage } from "../process_tree.ts";
import { headway } from "../headway.ts";
import { bullmq } from "../peers/bullmq.ts";
import { scaled, type Scenario } from "../scenario.ts";
import { allFinished, countCompleted, SHORT } from "./common.ts";
import { atMost, noWorse } from "./targets.ts";

/** How fast many short tasks go through: submitted over HTTP, run, stored as completed. */
export const burst: Scenario = {
  name: "burst",
  asks: "10,000 tasks without steps, submitted over 50 connections: all completed",
  ours: (tree) => [headway(tree)],
  peers: [bullmq],
  columns: [
    { key: "rate", label: "tasks/s" },
    { key: "submits", label: "submits/s" },
    { key: "p50", label: "submit p50 ms", digits: 1 },
    { key: "p99", label: "submit p99 ms", digits: 1 },
    { key: "cpu", label: "server CPU s", digits: 1 },
    { key: "rss", label: "server MiB" },
    { key: "others", label: "other cores", digits: 2 },
  ],
  targets: [
    { key: "rate", to: bullmq.name, says: "tasks/s at least 1.3 × BullMQ's", atLeast: 1.3 },
    atMost("cpu", 0.7, bullmq, "CPU"),
  ],
  async run(system, options) {
    const count = scaled(10_000, options);
    const directory = await options.directory();
    await using running = await system.start({ concurrency: 1000, directory });
    const { port, pids } = running;
    const warm = await countCompleted(port);
    const before = { ...treeUsage(pids), machine: machineSeconds() };
    const submits = await request({
      port,
      connections: 50,
      method: "POST",
      path: "/tasks",
      body: SHORT,
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

/** The same on clusters. */
export const clusterBurst: Scenario = {
  ...burst,
  name: "cluster-burst",
  asks: "2,000 tasks without steps on a denokv, a web process and workers: all completed",
  targets: [noWorse("cpu", "CPU"), noWorse("p50", "submit p50")],
  ours: clusters,
  peers: [],
  // A fifth of the tasks is enough: each commit to a KV Connect server is a request.
  run: (system, options) => burst.run(system, { ...options, scale: options.scale / 5 }),
};
