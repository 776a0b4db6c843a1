import { request, watch } from "../client_process.ts";
import { headway, type Tree } from "../headway.ts";
import { machineSeconds, treeUsage } from "../process_tree.ts";
import {
  type Column,
  type RunOptions,
  scaled,
  type Scenario,
  type Target,
  timing,
  type WriteResult,
} from "../scenario.ts";
import type { System } from "../system.ts";
import { describeFaults, sleepUntil } from "./common.ts";

/** Options of a scenario of running tasks whose streams are followed. */
export interface LiveOptions {
  name: string;
  asks: string;
  tasks: number;
  /** Streams on each task. */
  streams: number;
  /** Steps a second of each task. @default {10} */
  hz?: number;
  /** What each step yields. @default {["progress"]} */
  yields?: readonly ("progress" | "log" | "save")[];
  /** @default {Headway alone on its file} */
  ours?: (tree: Tree) => readonly System[];
  peers: readonly System[];
  targets: Target[];
}

/** Measures the latency from a yield to the client's socket. */
export function live(options: LiveOptions): Scenario {
  const { name, asks, yields = ["progress"], peers, targets } = options;
  const latency = (of: string, label: string): Column[] => [
    { key: `${of}p50`, label: `${label}p50 ms`, digits: 1 },
    { key: `${of}p95`, label: `${label}p95 ms`, digits: 1 },
    { key: `${of}p99`, label: `${label}p99 ms`, digits: 1 },
    { key: `${of}max`, label: `${label}max ms` },
  ];
  const [progress, rows] = [yields.includes("progress"), yields.includes("log")];
  return {
    name,
    asks,
    ours: options.ours ?? ((tree) => [headway(tree)]),
    peers,
    targets,
    columns: [
      ...(progress ? latency("", "") : []),
      ...(rows ? latency("row_", progress ? "row " : "") : []),
      { key: "rate", label: "deliveries/s" },
      { key: "delivered", label: "of those due %", digits: 1 },
      { key: "behind", label: "furthest behind ms" },
      { key: "exact", label: "exact streams %", digits: 1 },
      ...(progress ? [{ key: "conflated", label: "conflated %", digits: 2 }] : []),
      { key: "cores", label: "server cores", digits: 2 },
      { key: "cost", label: "CPU µs a delivery", digits: 1 },
      { key: "rss", label: "server MiB" },
      { key: "client", label: "client cores", digits: 2 },
      { key: "others", label: "other cores", digits: 2 },
    ],
    run: (system, run) => measure(system, run, options),
  };
}

async function measure(
  system: System,
  options: RunOptions,
  { tasks: fullTasks, streams: fullStreams, hz = 10, yields = ["progress"] }: LiveOptions,
): Promise<WriteResult> {
  // A scenario of one task scales the number of streams instead.
  const tasks = fullTasks === 1 ? 1 : scaled(fullTasks, options);
  const streams = fullTasks === 1 ? scaled(fullStreams, options) : tasks * fullStreams;
  const { warm, measured } = timing(options, 10);
  const ticks = (warm + measured + 1) * hz;
  await using running = await system.start({
    concurrency: Math.max(1000, tasks),
    directory: await options.directory(),
  });
  const { port } = running;
  // All streams are open before the first tick, so that each must bring every tick.
  const start = Date.now() + 4000 + streams + tasks;
  const window = { from: start + warm * 1000, to: start + (warm + measured) * 1000 };
  const deadline = window.to + 30_000;
  const { taskIds } = await request({
    port,
    connections: 20,
    method: "POST",
    path: "/tasks",
    body: JSON.stringify({ kind: "bench-ticker", input: { hz, ticks, start, yields } }),
    count: tasks,
    deadline,
  });
  const seen = {
    ...(yields.includes("progress") ? { ticks } : {}),
    ...(yields.includes("log") ? { rows: ticks } : {}),
  };
  const paths = Array.from({ length: streams }, (_, i) => `/tasks/${taskIds[i % tasks]}/stream`);
  await using watching = watch({ port, paths, ...seen, hz, window, deadline });
  const ready = watching.ready().then(() => Date.now());
  await sleepUntil(window.from);
  const before = { ...treeUsage(running.pids), machine: machineSeconds() };
  await sleepUntil(window.to);
  const after = { ...treeUsage(running.pids), machine: machineSeconds() };
  const faults = await ready > start ? ["not all streams were open when the tasks began"] : [];
  const { latency, rowLatency, arrived, behindMs, exact, conflated, cpuSeconds, ...report } =
    await watching.report();
  faults.push(...describeFaults(report.faults));
  const cores = (after.cpuSeconds - before.cpuSeconds) / measured;
  const client = cpuSeconds / measured;
  const each = streams * Object.keys(seen).length;
  return {
    faults,
    figures: {
      ...latency,
      ...Object.fromEntries(
        Object.entries(rowLatency).map(([key, value]) => [`row_${key}`, value]),
      ),
      rate: arrived / measured,
      delivered: 100 * (latency.count + rowLatency.count) / (each * hz * measured),
      behind: behindMs,
      exact: 100 * exact / streams,
      conflated: 100 * conflated / (streams * ticks),
      cores,
      cost: 1e6 * cores * measured / arrived,
      rss: after.rss / 2 ** 20,
      client,
      others: (after.machine - before.machine) / measured - cores - client,
    },
  };
}
