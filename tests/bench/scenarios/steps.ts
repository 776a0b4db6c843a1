/**
 * Steps that store something: rows and checkpoints.
 *
 * @module
 */

import { redisStreams, redisStreamsAlways } from "../peers/redis_streams.ts";
import type { Scenario, Target } from "../scenario.ts";
import { live } from "./live.ts";
import { atMost } from "./targets.ts";

/** Milliseconds by which a task may be late before it counts as behind. */
const BEHIND_MS = 500;

/** Targets that show that the system keeps up with the load. */
const KEEPS_UP: Target[] = [
  { key: "delivered", says: "at least 99 % of what is due delivered", atLeast: 99 },
  { key: "behind", says: `no task more than ${BEHIND_MS} ms behind`, atMost: BEHIND_MS },
];

/** Steps of progress and a checkpoint. */
export const saves: Scenario = live({
  name: "saves",
  asks: "1,000 running tasks × 10 a second, progress and save in each step, one stream each",
  tasks: 1000,
  streams: 1,
  yields: ["progress", "save"],
  peers: [],
  targets: [...KEEPS_UP, { key: "p99", says: "p99 at most 25 ms", atMost: 25 }],
});

/** Steps of progress, a row and a checkpoint. */
export const step: Scenario = live({
  name: "step",
  asks: "1,000 running tasks × 5 a second, progress, log and save in each step, one stream each",
  tasks: 1000,
  streams: 1,
  hz: 5,
  yields: ["progress", "log", "save"],
  peers: [],
  targets: [
    ...KEEPS_UP,
    { key: "p50", says: "p50 at most 5 ms", atMost: 5 },
    { key: "p99", says: "p99 at most 50 ms", atMost: 50 },
    { key: "row_p50", says: "rows: p50 at most 5 ms", atMost: 5 },
    { key: "row_p99", says: "rows: p99 at most 50 ms", atMost: 50 },
  ],
});

/** Steps of a row alone. */
export const rows: Scenario = live({
  name: "rows",
  asks: "1,000 running tasks × 10 log rows a second, stored before shown, one stream each",
  tasks: 1000,
  streams: 1,
  yields: ["log"],
  peers: [redisStreams, redisStreamsAlways],
  targets: [
    ...KEEPS_UP,
    atMost("row_p50", 1, redisStreamsAlways, "p50"),
    atMost("row_p99", 1, redisStreamsAlways, "p99"),
    atMost("row_p50", 3, redisStreams, "p50"),
    atMost("row_p99", 3, redisStreams, "p99"),
  ],
});
