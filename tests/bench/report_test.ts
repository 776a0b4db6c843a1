import { assertEquals } from "@std/assert";
import { ratio, type Rounds, scenarioTable, verdicts } from "./report.ts";
import type { Scenario, WriteResult } from "./scenario.ts";

const scenario: Scenario = {
  name: "fan",
  asks: "how long",
  peers: true,
  columns: [{ key: "p50", label: "p50 ms", digits: 1 }],
  targets: [{ key: "p50", of: "ratio", says: "at most 0.6", atMost: 0.6 }],
  run: () => Promise.reject(new Error("not run")),
};

function outcome(p50: number, faults: string[] = []): WriteResult {
  return { figures: { p50 }, faults };
}

Deno.test("ratio() compares round by round, so that a machine that drifts does not count", () => {
  const ours = [outcome(1), outcome(10), outcome(100)];
  const theirs = [outcome(2), outcome(20), outcome(100)];
  assertEquals(ratio(ours, theirs, "p50"), 0.5);
});

Deno.test("scenarioTable() prints medians, ratios and faults as Markdown", () => {
  const rounds: Rounds = new Map([
    ["Headway", [outcome(1), outcome(3, ["tick twice: 2"])]],
    ["BullMQ", [outcome(4), outcome(4)]],
  ]);
  assertEquals(
    scenarioTable(scenario, rounds),
    `**fan**: how long, median of 2 rounds

|  | p50 ms |
| --- | ---: |
| Headway | 2.0 |
| BullMQ | 4.0 |
| ratio | 0.50 |

Not exact:

- Headway, round 2: tick twice: 2`,
  );
});

Deno.test("verdicts() says whether each target was met, and when it cannot tell", () => {
  const alone: Rounds = new Map([["Headway", [outcome(1, ["row lost: 1"])]]]);
  assertEquals(verdicts(scenario, alone).map(({ met }) => met), [undefined, false]);
  const beside: Rounds = new Map([["Headway", [outcome(1)]], ["BullMQ", [outcome(2)]]]);
  assertEquals(verdicts(scenario, beside).map(({ measured, met }) => [measured, met]), [
    ["0.50 ×", true],
    ["exact", true],
  ]);
  const slower: Rounds = new Map([["Headway", [outcome(2)]], ["BullMQ", [outcome(2)]]]);
  assertEquals(verdicts(scenario, slower)[0]?.met, false);
});
