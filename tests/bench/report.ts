/**
 * Turns outcomes into Markdown.
 *
 * @module
 */

import type { Column, Scenario, Target, WriteResult } from "./scenario.ts";
import { median } from "./stats.ts";

/** The rounds of one scenario, by the name of the system. Round `i` of each ran side by side. */
export type Rounds = Map<string, WriteResult[]>;

/** The median over the rounds, of each figure. */
export function medians(outcomes: readonly WriteResult[], columns: readonly Column[]): number[] {
  return columns.map(({ key }) => median(outcomes.map(({ figures }) => figures[key] ?? NaN)));
}

/** The median over the rounds of one system's figure by the other's of the same round. */
export function ratio(
  ours: readonly WriteResult[],
  theirs: readonly WriteResult[],
  key: string,
): number {
  return median(
    ours.map(({ figures }, i) => (figures[key] ?? NaN) / (theirs[i]?.figures[key] ?? NaN)),
  );
}

/** A scenario's table: a row a system, medians over the rounds, and a row of ratios. */
export function scenarioTable({ name, asks, columns, systems }: Scenario, rounds: Rounds): string {
  const rows = [...rounds].map(([system, outcomes]) => [
    system,
    ...medians(outcomes, columns).map((value, i) => format(value, columns[i]?.digits)),
  ]);
  const [ours, theirs] = [...rounds.values()];
  if (ours !== undefined && theirs !== undefined && systems === undefined) {
    rows.push(["ratio", ...columns.map(({ key }) => format(ratio(ours, theirs, key), 2))]);
  }
  const count = Math.max(...[...rounds.values()].map(({ length }) => length));
  const note = count > 1 ? `, median of ${count} rounds` : "";
  const faults = [...rounds].flatMap(([system, outcomes]) =>
    outcomes.flatMap((outcome, i) => outcome.faults.map((f) => `- ${system}, round ${i + 1}: ${f}`))
  );
  return [
    `**${name}**: ${asks}${note}`,
    markdownTable(["", ...columns.map(({ label }) => label)], rows),
    ...(faults.length > 0 ? [`Not exact:\n\n${faults.join("\n")}`] : []),
  ].join("\n\n");
}

/** One target against what was measured. `met` is `undefined` where the peer did not run. */
export interface Verdict {
  scenario: string;
  target: string;
  measured: string;
  met: boolean | undefined;
}

/** Holds the targets of a scenario against the first system's rounds. */
export function verdicts(scenario: Scenario, rounds: Rounds): Verdict[] {
  const [ours = [], theirs] = [...rounds.values()];
  const found = scenario.targets.map((target) => verdict(scenario.name, target, ours, theirs));
  const faulty = ours.filter(({ faults }) => faults.length > 0).length;
  return [...found, {
    scenario: scenario.name,
    target: "every delivery exact",
    measured: faulty === 0 ? "exact" : `${faulty} of ${ours.length} rounds not exact`,
    met: faulty === 0,
  }];
}

function verdict(
  scenario: string,
  { key, of, says, atMost = Infinity, atLeast = -Infinity }: Target,
  ours: readonly WriteResult[],
  theirs: readonly WriteResult[] | undefined,
): Verdict {
  if (of === "ratio" && theirs === undefined) {
    return { scenario, target: says, measured: "needs --peers", met: undefined };
  }
  const value = of === "ratio"
    ? ratio(ours, theirs ?? [], key)
    : median(ours.map(({ figures }) => figures[key] ?? NaN));
  const measured = format(value, value < 10 ? 2 : 0) + (of === "ratio" ? " ×" : "");
  return { scenario, target: says, measured, met: value <= atMost && value >= atLeast };
}

/** The table of all verdicts. */
export function verdictTable(verdicts: readonly Verdict[]): string {
  return markdownTable(
    ["scenario", "target", "measured", "met"],
    verdicts.map(({ scenario, target, measured, met }) => [
      scenario,
      target,
      measured,
      met === undefined ? "–" : met ? "yes" : "**no**",
    ]),
  );
}

function format(value: number, digits = 0): string {
  return Number.isFinite(value)
    ? value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits })
    : "–";
}

function markdownTable(head: readonly string[], rows: readonly string[][]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [
    line(head),
    line(head.map((_, i) => i === 0 ? "---" : "---:")),
    ...rows.map(line),
  ].join("\n");
}
