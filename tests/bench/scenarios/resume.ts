import { request, watch } from "../client_process.ts";
import type { StreamReport } from "../client/protocol.ts";
import { headway } from "../headway.ts";
import { scaled, type Scenario } from "../scenario.ts";
import { summarize } from "../stats.ts";
import { allFinished, describeFaults } from "./common.ts";
import { noWorse } from "./targets.ts";

/** How long a client that missed everything waits until it has all rows. */
export const resume: Scenario = {
  name: "resume",
  asks: "a task that stored 10,000 log rows, and a client that has none of them: all, in order",
  ours: (tree) => [headway(tree)],
  peers: [],
  columns: [
    { key: "firstByte", label: "first byte p50 ms", digits: 1 },
    { key: "firstByteMax", label: "max ms", digits: 1 },
    { key: "total", label: "all rows p50 ms", digits: 0 },
    { key: "totalMax", label: "max ms", digits: 0 },
    { key: "rows", label: "rows" },
  ],
  targets: [
    { key: "firstByte", says: "first byte within 50 ms", atMost: 50 },
    { key: "total", says: "all rows within 500 ms", atMost: 500 },
    noWorse("firstByte", "first byte"),
    noWorse("total", "all rows"),
  ],
  async run(system, options) {
    const rows = scaled(10_000, options);
    const directory = await options.directory();
    await using running = await system.start({ concurrency: 1000, directory });
    const { port } = running;
    const { taskIds } = await request({
      port,
      connections: 1,
      method: "POST",
      path: "/tasks",
      body: JSON.stringify({ kind: "bench-logger", input: { rows } }),
      count: 1,
      deadline: Date.now() + 10_000,
    });
    await allFinished(port);
    const faults: string[] = [];
    const streams: StreamReport[] = [];
    for (let i = 0; i < (options.seconds === undefined ? 10 : 3); i++) {
      await using watching = watch({
        port,
        paths: [`/tasks/${taskIds[0]}/stream?last_event_id=0`],
        rows,
        detail: true,
        deadline: Date.now() + 10_000,
      });
      const report = await watching.report();
      faults.push(...describeFaults(report.faults));
      streams.push(...report.each);
    }
    const firstByte = summarize(streams.map(({ firstByteMs }) => firstByteMs));
    const total = summarize(streams.map(({ totalMs }) => totalMs));
    return {
      faults,
      figures: {
        firstByte: firstByte.p50,
        firstByteMax: firstByte.max,
        total: total.p50,
        totalMax: total.max,
        rows: Math.min(...streams.map(({ rows }) => rows)),
      },
    };
  },
};
