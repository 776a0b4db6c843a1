import { request, watch } from "../client_process.ts";
import { treeUsage } from "../process_tree.ts";
import { headway } from "../headway.ts";
import { scaled, type Scenario } from "../scenario.ts";
import { summarize } from "../stats.ts";
import { describeFaults, sleepUntil } from "./common.ts";
import { noWorse } from "./targets.ts";

const HZ = 10;

/** How long a person who watches sees nothing when the server is killed and started again. */
export const crash: Scenario = {
  name: "crash",
  asks: "kill -9 while 100 tasks run with checkpoints, and a new start: until their next progress",
  ours: (tree) => [headway(tree)],
  peers: [],
  columns: [
    { key: "start", label: "server answers ms" },
    { key: "first", label: "first task goes on ms" },
    { key: "p50", label: "p50 ms" },
    { key: "max", label: "last task goes on ms" },
    { key: "repeated", label: "ticks made again, most" },
  ],
  targets: [{ key: "max", says: "all go on within 5 s", atMost: 5000 }, noWorse("max", "last")],
  async run(system, run) {
    const tasks = scaled(100, run);
    const ticks = (run.seconds === undefined ? 15 : 5) * HZ;
    const options = { concurrency: 1000, directory: await run.directory() };
    const faults: string[] = [];

    await using crashed = await system.start(options);
    const { port } = crashed;
    const start = Date.now() + 2000;
    const { taskIds } = await request({
      port,
      connections: 10,
      method: "POST",
      path: "/tasks",
      body: JSON.stringify({
        kind: "bench-ticker",
        input: { hz: HZ, ticks, start, yields: ["progress", "save"] },
      }),
      count: tasks,
      deadline: Date.now() + 10_000,
    });
    const paths = taskIds.map((id) => `/tasks/${id}/stream`);
    const deadline = Date.now() + 60_000;
    await using before = watch({ port, paths, open: true, detail: true, deadline });
    await before.ready();
    await sleepUntil(start + 3000);
    const children = treeUsage(crashed.pids).pids.filter((pid) => !crashed.pids.includes(pid));
    await crashed.kill();
    const cut = await before.report();
    faults.push(...describeFaults(cut.faults));

    // The watchers start first, and retry until the server listens, as browsers do.
    const since = Date.now() + 500;
    await using after = watch({ port, paths, ticks, detail: true, since, deadline });
    await sleepUntil(since);
    await using running = await system.start({ ...options, port });
    const report = await after.report();
    faults.push(...describeFaults(report.faults));
    const silent = report.each.filter(({ firstTick }) => firstTick === 0).length;
    if (silent > 0) faults.push(`tasks that did not go on: ${silent}`);
    const repeated = report.each.map(({ firstTick }, i) =>
      (cut.each[i]?.lastTick ?? 0) - firstTick + 1
    );
    // A tick that was stored but not delivered before the kill is what a stream begins with.
    const skipped =
      report.each.filter(({ beforeTick, firstTick }, i) =>
        firstTick > Math.max(beforeTick, cut.each[i]?.lastTick ?? 0) + 1
      ).length;
    if (skipped > 0) faults.push(`tasks that left out ticks: ${skipped}`);
    const left = treeUsage(children).pids.length;
    if (left > 0) faults.push(`task processes that outlived the server: ${left}`);

    const waits = summarize(report.each.map(({ firstAt }) => firstAt - since));
    return {
      faults,
      figures: {
        start: running.startMs,
        first: Math.min(...report.each.map(({ firstAt }) => firstAt - since)),
        p50: waits.p50,
        max: waits.max,
        repeated: Math.max(...repeated),
      },
    };
  },
};
