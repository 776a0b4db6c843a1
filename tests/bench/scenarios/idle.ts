import { request, watch } from "../client_process.ts";
import { treeUsage } from "../process_tree.ts";
import type { Scenario } from "../scenario.ts";
import { describeFaults, sleepUntil } from "./common.ts";

const TASKS = 50;
const HOUR = 3_600_000;

/** What a stream costs that only waits. */
export const idle: Scenario = {
  name: "idle",
  asks: "5,000 idle streams on 50 long tasks: server memory",
  peers: false,
  columns: [
    { key: "each", label: "KiB a stream", digits: 1 },
    { key: "before", label: "MiB before" },
    { key: "after", label: "MiB with all" },
    { key: "cores", label: "server cores", digits: 3 },
    { key: "connect", label: "all connected ms" },
  ],
  targets: [],
  async run(system, { quick, directory }) {
    const streams = quick ? 1000 : 5000;
    const seconds = quick ? 3 : 20;
    await using running = await system.start({ concurrency: 1000, directory: await directory() });
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
