import { request, watch } from "../client_process.ts";
import { headway } from "../headway.ts";
import { bare } from "../peers/bare.ts";
import { treeUsage } from "../process_tree.ts";
import { scaled, type Scenario } from "../scenario.ts";
import { describeFaults, sleepUntil } from "./common.ts";
import { atMost, noWorse } from "./targets.ts";

const TASKS = 50;
const HOUR = 3_600_000;

/** What an idle stream costs. */
export const idle: Scenario = {
  name: "idle",
  asks: "5,000 idle streams on 50 long tasks, against streams of a server that does nothing else",
  ours: (tree) => [headway(tree)],
  peers: [bare],
  columns: [
    { key: "each", label: "KiB a stream", digits: 1 },
    { key: "before", label: "MiB before" },
    { key: "after", label: "MiB with all" },
    { key: "cores", label: "server cores", digits: 3 },
    { key: "connect", label: "all connected ms" },
  ],
  targets: [
    atMost("each", 1.05, bare, "memory of a stream"),
    noWorse("each", "memory of a stream"),
  ],
  async run(system, options) {
    const streams = scaled(5000, options);
    const { seconds = 20 } = options;
    const directory = await options.directory();
    await using running = await system.start({ concurrency: 1000, directory });
    const { port, pids } = running;
    const { taskIds } = await request({
      port,
      connections: 5,
      method: "POST",
      path: "/tasks",
      body: JSON.stringify({
        kind: "bench-ticker",
        input: { hz: 0.001, ticks: 1, start: Date.now() + HOUR },
      }),
      count: TASKS,
      deadline: Date.now() + 10_000,
    });
    await sleepUntil(Date.now() + 2000);
    const before = treeUsage(pids);
    await using watching = watch({
      port,
      paths: Array.from({ length: streams }, (_, i) => `/tasks/${taskIds[i % TASKS]}/stream`),
      open: true,
      deadline: Date.now() + HOUR,
    });
    const { ms } = await watching.ready();
    const connected = treeUsage(pids);
    await sleepUntil(Date.now() + seconds * 1000);
    const after = treeUsage(pids);
    await watching.callOff();
    const { faults } = await watching.report();
    return {
      faults: describeFaults(faults),
      figures: {
        each: (after.rss - before.rss) / streams / 1024,
        before: before.rss / 2 ** 20,
        after: after.rss / 2 ** 20,
        cores: (after.cpuSeconds - connected.cpuSeconds) / seconds,
        connect: ms,
      },
    };
  },
};
