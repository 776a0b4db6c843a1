/**
 * Progress of running tasks, with few and with many streams.
 *
 * @module
 */

import { clusters } from "../cluster.ts";
import { bullmq, bullmqAlways } from "../peers/bullmq.ts";
import { nchan } from "../peers/nchan.ts";
import type { Scenario } from "../scenario.ts";
import { live } from "./live.ts";
import { atMost, noWorse } from "./targets.ts";

const peers = [bullmq, bullmqAlways];

/** 1,000 tasks, one stream each. */
export const fan1: Scenario = live({
  name: "fan1",
  asks: "1,000 running tasks × 10 progress a second, one stream each: from yield to client socket",
  tasks: 1000,
  streams: 1,
  peers,
  targets: [
    atMost("p50", 0.8, bullmq),
    atMost("p99", 1, bullmq),
    atMost("cores", 0.55, bullmq),
  ],
});

/** 200 tasks, 20 streams each. */
export const fan20: Scenario = live({
  name: "fan20",
  asks: "200 running tasks × 10 progress a second, 20 streams each: from yield to client socket",
  tasks: 200,
  streams: 20,
  peers,
  targets: [
    atMost("p50", 1, bullmq),
    atMost("p99", 0.8, bullmq),
    atMost("cores", 0.8, bullmq),
  ],
});

/** 2,000 tasks, one stream each. */
export const heavy: Scenario = live({
  name: "heavy",
  asks: "2,000 running tasks × 10 progress a second, one stream each: nothing falls behind",
  tasks: 2000,
  streams: 1,
  peers,
  targets: [
    atMost("p50", 0.3, bullmq),
    atMost("p99", 0.3, bullmq),
    { key: "conflated", says: "under 1 % conflated", atMost: 1 },
  ],
});

/** One task, 4,000 streams. */
export const fan4000: Scenario = live({
  name: "fan4000",
  asks: "one running task × 20 progress a second, 4,000 streams: from yield to client socket",
  tasks: 1,
  streams: 4000,
  hz: 20,
  peers: [nchan],
  targets: [
    { key: "rate", to: nchan.name, says: "deliveries at least 1.2 × nchan's", atLeast: 1.2 },
    atMost("p50", 1.5, nchan),
  ],
});

/** 300 tasks on a cluster, one stream each. */
export const clusterFan: Scenario = live({
  name: "cluster-fan",
  asks: "300 running tasks × 10 progress a second on a denokv, a web process and workers",
  tasks: 300,
  streams: 1,
  ours: clusters,
  peers: [],
  targets: [noWorse("p50"), noWorse("p99")],
});
