import { request } from "../client_process.ts";
import { headway } from "../headway.ts";
import { scaled, type Scenario } from "../scenario.ts";
import type { Running } from "../system.ts";
import { allFinished, SHORT } from "./common.ts";
import { noWorse } from "./targets.ts";

/** Measures whether a large store is as fast as an empty one. */
export const restart: Scenario = {
  name: "restart",
  asks:
    "100,000 finished tasks stored: the next start, and requests against those of an empty store",
  ours: (tree) => [headway(tree)],
  peers: [],
  columns: [
    { key: "empty", label: "start, empty ms" },
    { key: "start", label: "start, full ms" },
    { key: "killed", label: "after kill -9 ms" },
    { key: "listEmpty", label: "list p50, empty ms", digits: 2 },
    { key: "list", label: "list p50, full ms", digits: 2 },
    { key: "submitEmpty", label: "submit p50, empty ms", digits: 2 },
    { key: "submit", label: "submit p50, full ms", digits: 2 },
    { key: "filled", label: "filled at tasks/s" },
  ],
  targets: [
    { key: "start", says: "answers within 1,000 ms of its start", atMost: 1000 },
    { key: "killed", says: "also after kill -9", atMost: 1000 },
    { key: "listRatio", says: "list at most 2 × an empty store's", atMost: 2 },
    { key: "submitRatio", says: "submit at most 2 × an empty store's", atMost: 2 },
    noWorse("start"),
    noWorse("killed", "start after kill -9"),
    noWorse("list"),
    noWorse("submit"),
  ],
  async run(system, run) {
    const count = scaled(100_000, run);
    const options = { concurrency: 1000, directory: await run.directory() };
    const figures: Record<string, number> = {};
    {
      await using running = await system.start(options);
      figures.empty = running.startMs;
      await submit(running, 50, 100);
      [figures.listEmpty, figures.submitEmpty] = await latencies(running);
      const startedAt = Date.now();
      await submit(running, 50, count);
      figures.filled = count * 1000 / (await allFinished(running.port, 100) - startedAt);
    }
    {
      await using running = await system.start(options);
      figures.start = running.startMs;
      [figures.list, figures.submit] = await latencies(running);
      await running.kill();
    }
    {
      await using running = await system.start(options);
      figures.killed = running.startMs;
    }
    figures.listRatio = figures.list / figures.listEmpty;
    figures.submitRatio = figures.submit / figures.submitEmpty;
    return { figures, faults: [] };
  },
};

async function submit({ port }: Running, connections: number, count: number): Promise<number> {
  const { latency, statuses } = await request({
    port,
    connections,
    method: "POST",
    path: "/tasks",
    body: SHORT,
    count,
    deadline: Date.now() + 300_000,
  });
  if (statuses["201"] !== count) throw new Error(`Cannot submit: ${JSON.stringify(statuses)}`);
  return latency.p50;
}

/** The median milliseconds of a list of 100 tasks and of a submit, sent one after the other. */
async function latencies(running: Running): Promise<[list: number, submit: number]> {
  await allFinished(running.port);
  const { latency } = await request({
    port: running.port,
    connections: 1,
    method: "GET",
    path: "/tasks?limit=100",
    body: "",
    count: 200,
    deadline: Date.now() + 60_000,
  });
  return [latency.p50, await submit(running, 1, 300)];
}
