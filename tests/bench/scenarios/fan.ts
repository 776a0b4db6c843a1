import { request, watch } from "../client_process.ts";
import { machineSeconds, treeUsage } from "../process_tree.ts";
import type { RunOptions, Scenario, Target, WriteResult } from "../scenario.ts";
import { clusters } from "../cluster.ts";
import type { System } from "../system.ts";
import { describeFaults, sleepUntil } from "./common.ts";

interface FanOptions {
  name: string;
  asks: string;
  tasks: number;
  /** Streams on each task. */
  streams: number;
  targets: Target[];
  systems?: readonly System[];
}

/** Ticks a second of each task. */
const HZ = 10;

/** Running tasks watched live: what a yield costs until the watcher has it. */
function fan({ name, asks, tasks, streams, targets, systems }: FanOptions): Scenario {
  return {
    name,
    asks,
    peers: true,
    ...(systems ? { systems } : {}),
    targets,
    columns: [
      { key: "p50", label: "p50 ms", digits: 1 },
      { key: "p95", label: "p95 ms", digits: 1 },
      { key: "p99", label: "p99 ms", digits: 1 },
      { key: "max", label: "max ms", digits: 0 },
      { key: "rate", label: "deliveries/s" },
      { key: "exact", label: "exact streams %", digits: 1 },
      { key: "conflated", label: "conflated" },
      { key: "cores", label: "server cores", digits: 2 },
      { key: "rss", label: "server MiB" },
      { key: "client", label: "client cores", digits: 2 },
      { key: "others", label: "other cores", digits: 2 },
    ],
    run: (system, options) => run(system, options, tasks, streams),
  };
}

async function run(
  system: System,
  { quick, directory }: RunOptions,
  tasks: number,
  streamsEach: number,
): Promise<WriteResult> {
  const [warm, measured] = quick ? [2, 3] : [8, 10];
  const ticks = (warm + measured + 1) * HZ;
  const streams = tasks * streamsEach;
  await using running = await system.start({
    concurrency: Math.max(1000, tasks),
    directory: await directory(),
  });
  const { port } = running;
  // Everybody watches before the first tick, so every stream must bring all of them.
  const start = Date.now() + 4000 + streams + tasks;
  const window = { from: start + warm * 1000, to: start + (warm + measured) * 1000 };
  const deadline = window.to + 30_000;
  const { taskIds } = await request({
    port,
    connections: 20,
    method: "POST",
    path: "/tasks",
    body: JSON.stringify({ kind: "bench-ticker", input: { hz: HZ, ticks, start } }),
    count: tasks,
    deadline,
  });
  const paths = Array.from({ length: streams }, (_, i) => `/tasks/${taskIds[i % tasks]}/stream`);
  await using watching = watch({ port, paths, ticks, window, deadline });
  const ready = watching.ready().then(() => Date.now());
  await sleepUntil(window.from);
  const before = { ...treeUsage(running.pids), machine: machineSeconds() };
  await sleepUntil(window.to);
  const after = { ...treeUsage(running.pids), machine: machineSeconds() };
  const faults = await ready > start ? ["not all streams were open when the tasks began"] : [];
  const { latency, deliveries, exact, conflated, cpuSeconds, ...report } = await watching.report();
  faults.push(...describeFaults(report.faults));
  const cores = (after.cpuSeconds - before.cpuSeconds) / measured;
  const client = cpuSeconds / measured;
  return {
    faults,
    figures: {
      ...latency,
      rate: deliveries / measured,
      exact: 100 * exact / streams,
      conflated,
      cores,
      rss: after.rss / 2 ** 20,
      client,
      others: (after.machine - before.machine) / measured - cores - client,
    },
  };
}

const SIX_TENTHS: Target[] = ["p50", "p99"].map((key) => ({
  key,
  of: "ratio",
  says: `${key} at most 0.6 of BullMQ's`,
  atMost: 0.6,
}));

/** 1,000 tasks, one stream each. */
export const fan1: Scenario = fan({
  name: "fan1",
  asks: "1,000 running tasks × 10 progress a second, one stream each: from yield to client socket",
  tasks: 1000,
  streams: 1,
  targets: SIX_TENTHS,
});

/** 200 tasks, 20 streams each. */
export const fan20: Scenario = fan({
  name: "fan20",
  asks: "200 running tasks × 10 progress a second, 20 streams each: from yield to client socket",
  tasks: 200,
  streams: 20,
  targets: SIX_TENTHS,
});

/** 2,000 tasks, one stream each. */
export const heavy: Scenario = fan({
  name: "heavy",
  asks: "2,000 running tasks × 10 progress a second, one stream each: nothing falls behind",
  tasks: 2000,
  streams: 1,
  targets: [
    { key: "p99", of: "figure", says: "p99 at most 50 ms", atMost: 50 },
    { key: "exact", of: "figure", says: "every stream exact", atLeast: 100 },
  ],
});

/** 300 tasks on a cluster, one stream each. */
export const clusterFan: Scenario = fan({
  name: "cluster-fan",
  asks: "300 running tasks × 10 progress a second on a denokv, a web process and workers",
  tasks: 300,
  streams: 1,
  targets: [],
  systems: clusters,
});
