import { assertEquals } from "@std/assert";
import {
  comparisons,
  ratios,
  type Rounds,
  scenarioTable,
  spread,
  type Verdict,
  verdicts,
} from "./report.ts";
import type { Scenario, WriteResult } from "./scenario.ts";
import { median } from "./stats.ts";
import type { System } from "./system.ts";

const scenario: Scenario = {
  name: "fan",
  asks: "how long",
  ours: () => [],
  peers: [],
  columns: [{ key: "p50", label: "p50 ms", digits: 1 }],
  targets: [
    { key: "p50", to: "BullMQ", says: "at most 0.6", atMost: 0.6 },
    { key: "p50", to: "before", says: "no worse", atMost: 1.1 },
    { key: "p50", says: "at most 5 ms", atMost: 5 },
  ],
  run: () => Promise.reject(new Error("not run")),
};

const BULLMQ = { ours: "Headway", theirs: "BullMQ", to: "BullMQ" };

function outcome(p50: number, faults: string[] = []): WriteResult {
  return { figures: { p50 }, faults };
}

function systems(...names: string[]): System[] {
  return names.map((name) => ({ name, start: () => Promise.reject(new Error("not started")) }));
}

Deno.test("ratios() compares round by round, so that a machine's drift cancels out", () => {
  const ours = [outcome(1), outcome(10), outcome(100)];
  const theirs = [outcome(2), outcome(20), outcome(100)];
  assertEquals(ratios(ours, theirs, "p50"), [0.5, 0.5, 1]);
  assertEquals(median(ratios(ours, theirs, "p50")), 0.5);
});

Deno.test("spread() gives the median, and the least and the most if they differ", () => {
  assertEquals(spread([3, 1, 20]), "3 (1–20)");
  assertEquals(spread([1.04, 1.02, 1.01], 1), "1.0");
  assertEquals(spread([7], 2), "7.00");
  assertEquals(spread([NaN, 4, 6], 0), "5 (4–6)", "a round that failed has no figures");
  assertEquals(spread([NaN], 1), "–");
});

Deno.test("comparisons() pairs each of our systems with the same one before, and the first with each peer", () => {
  assertEquals(
    comparisons({
      ours: systems("1 worker", "2 workers"),
      before: systems("1 worker, before", "2 workers, before"),
      peers: systems("BullMQ"),
    }),
    [
      { ours: "1 worker", theirs: "1 worker, before", to: "before" },
      { ours: "2 workers", theirs: "2 workers, before", to: "before" },
      { ours: "1 worker", theirs: "BullMQ", to: "BullMQ" },
    ],
  );
  assertEquals(comparisons({ ours: [], before: [], peers: systems("BullMQ") }), []);
});

Deno.test("scenarioTable() returns medians, spreads, ratios and faults as Markdown", () => {
  const rounds: Rounds = new Map([
    ["Headway", [outcome(1), outcome(3, ["tick twice: 2"])]],
    ["BullMQ", [outcome(4), outcome(4)]],
  ]);
  assertEquals(
    scenarioTable(scenario, rounds, [BULLMQ, { ours: "Headway", theirs: "absent", to: "absent" }]),
    `**fan**: how long, medians of 2 rounds (least–most)

|  | p50 ms |
| --- | ---: |
| Headway | 2.0 (1.0–3.0) |
| BullMQ | 4.0 |
| Headway / BullMQ | 0.50 (0.25–0.75) |

Not exact:

- Headway, round 2: tick twice: 2`,
  );
});

Deno.test("verdicts() says whether each target was met, and when it cannot tell", () => {
  const met = (verdicts: Verdict[]) => verdicts.map(({ met }) => met);
  const alone: Rounds = new Map([["Headway", [outcome(1, ["row lost: 1"])]]]);
  assertEquals(met(verdicts(scenario, alone, ["Headway"], [])), [undefined, true, false]);
  const beside: Rounds = new Map([["Headway", [outcome(1)]], ["BullMQ", [outcome(2)]]]);
  assertEquals(
    verdicts(scenario, beside, ["Headway"], [BULLMQ]).map(({ measured, met }) => [measured, met]),
    [["0.50 ×", true], ["1.00", true], ["exact", true]],
  );
  const slower: Rounds = new Map([["Headway", [outcome(8)]], ["BullMQ", [outcome(8)]]]);
  assertEquals(met(verdicts(scenario, slower, ["Headway"], [BULLMQ])), [false, false, true]);
  const failed: Rounds = new Map([["Headway", [{ figures: {}, faults: ["no answer"] }]]]);
  assertEquals(met(verdicts(scenario, failed, ["Headway"], [])), [undefined, false, false]);
});

Deno.test("verdicts() compares each of our systems with the same one before", () => {
  const rounds: Rounds = new Map([
    ["1 worker", [outcome(2)]],
    ["2 workers", [outcome(2)]],
    ["1 worker, before", [outcome(2)]],
    ["2 workers, before", [outcome(1)]],
  ]);
  const ours = systems("1 worker", "2 workers");
  const before = systems("1 worker, before", "2 workers, before");
  const found = verdicts(
    { ...scenario, targets: [scenario.targets[1]!] },
    rounds,
    ours.map(({ name }) => name),
    comparisons({ ours, before, peers: [] }),
  );
  assertEquals(found.map(({ scenario, measured, met }) => [scenario, measured, met]), [
    ["fan, 1 worker", "1.00 ×", true],
    ["fan, 2 workers", "2.00 ×", false],
    ["fan", "exact", true],
  ]);
});

Deno.test("verdicts() is empty if only peers ran", () => {
  assertEquals(verdicts(scenario, new Map([["BullMQ", [outcome(1)]]]), [], []), []);
});
