/**
 * Turns outcomes into Markdown.
 *
 * @module
 */

import { BEFORE } from "./headway.ts";
import type { Asked, Scenario, Target, WriteResult } from "./scenario.ts";
import { median } from "./stats.ts";

/** The runs of a scenario, by the name of the system. The `i`-th runs were in the same round. */
export type Rounds = Map<string, WriteResult[]>;

/** The names of two systems to compare. */
export interface Comparison {
  ours: string;
  theirs: string;
  /** The name that {@link Target.to} has for `theirs`. */
  to: string;
}

/** Compares each of ours with the same system before, and the first of ours with each peer. */
export function comparisons({ ours, before, peers }: Asked): Comparison[] {
  const [first] = ours;
  return [
    ...before.flatMap(({ name }, i) => {
      const own = ours[i]?.name;
      return own === undefined ? [] : [{ ours: own, theirs: name, to: BEFORE }];
    }),
    ...peers.flatMap(({ name }) => first ? [{ ours: first.name, theirs: name, to: name }] : []),
  ];
}

/** The ratio of two systems' figures in each round, which cancels out a machine's drift. */
export function ratios(
  ours: readonly WriteResult[],
  theirs: readonly WriteResult[],
  key: string,
): number[] {
  return ours.map(({ figures }, i) => (figures[key] ?? NaN) / (theirs[i]?.figures[key] ?? NaN));
}

/** The median and range of the finite values, as a text. */
export function spread(values: readonly number[], digits = 0): string {
  const known = values.filter(Number.isFinite);
  const middle = format(middleOf(values), digits);
  const [least, most] = [Math.min(...known), Math.max(...known)].map((n) => format(n, digits));
  return known.length < 2 || least === most ? middle : `${middle} (${least}–${most})`;
}

/** A scenario's table: for each system a row of medians and ranges, and for each pair of ratios. */
export function scenarioTable(
  { name, asks, columns }: Scenario,
  rounds: Rounds,
  compared: readonly Comparison[],
): string {
  const rows = [...rounds].map(([system, outcomes]) => [
    system,
    ...columns.map(({ key, digits }) =>
      spread(outcomes.map(({ figures }) => figures[key] ?? NaN), digits)
    ),
  ]);
  for (const { ours, theirs } of compared) {
    const [own, other] = [rounds.get(ours), rounds.get(theirs)];
    if (own === undefined || other === undefined) continue;
    rows.push([
      `${ours} / ${theirs}`,
      ...columns.map(({ key }) => spread(ratios(own, other, key), 2)),
    ]);
  }
  const count = Math.max(...[...rounds.values()].map(({ length }) => length));
  const note = count > 1 ? `, medians of ${count} rounds (least–most)` : "";
  const faults = [...rounds].flatMap(([system, outcomes]) =>
    outcomes.flatMap((outcome, i) => outcome.faults.map((f) => `- ${system}, round ${i + 1}: ${f}`))
  );
  return [
    `**${name}**: ${asks}${note}`,
    markdownTable(["", ...columns.map(({ label }) => label)], rows),
    ...(faults.length > 0 ? [`Not exact:\n\n${faults.join("\n")}`] : []),
  ].join("\n\n");
}

/** A target and what was measured. `met` is `undefined` if the other system did not run. */
export interface Verdict {
  scenario: string;
  target: string;
  measured: string;
  met: boolean | undefined;
}

/** Checks the targets of a scenario for each of our systems and each comparison. */
export function verdicts(
  scenario: Scenario,
  rounds: Rounds,
  ours: readonly string[],
  compared: readonly Comparison[],
): Verdict[] {
  const own = ours.filter((name) => rounds.has(name));
  const label = (system: string) => ours.length > 1 ? `${scenario.name}, ${system}` : scenario.name;
  const found = scenario.targets.flatMap((target) => {
    if (target.to === undefined) {
      return own.map((name) => verdict(label(name), target, values(rounds, name, target.key)));
    }
    const with_ = compared.filter(({ to, ours, theirs }) =>
      to === target.to && rounds.has(ours) && rounds.has(theirs)
    );
    if (with_.length === 0 && target.to !== BEFORE && own.length > 0) {
      return [{
        scenario: scenario.name,
        target: target.says,
        measured: "not beside it in this run",
        met: undefined,
      }];
    }
    return with_.map(({ ours, theirs }) =>
      verdict(
        label(ours),
        target,
        ratios(rounds.get(ours) ?? [], rounds.get(theirs) ?? [], target.key),
      )
    );
  });
  const outcomes = own.flatMap((name) => rounds.get(name) ?? []);
  const faulty = outcomes.filter(({ faults }) => faults.length > 0).length;
  const exact = {
    scenario: scenario.name,
    target: "every delivery exact",
    measured: faulty === 0 ? "exact" : `${faulty} of ${outcomes.length} rounds not exact`,
    met: faulty === 0,
  };
  return outcomes.length > 0 ? [...found, exact] : found;
}

function values(rounds: Rounds, system: string, key: string): number[] {
  return (rounds.get(system) ?? []).map(({ figures }) => figures[key] ?? NaN);
}

function verdict(
  scenario: string,
  { to, says, atMost = Infinity, atLeast = -Infinity }: Target,
  values: readonly number[],
): Verdict {
  const value = middleOf(values);
  const measured = spread(values, value < 10 ? 2 : 0) + (to === undefined ? "" : " ×");
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

/** The median of the finite values; `NaN` if there are none, since a failed run has no figures. */
function middleOf(values: readonly number[]): number {
  const known = values.filter(Number.isFinite);
  return known.length > 0 ? median(known) : NaN;
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
