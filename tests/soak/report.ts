/**
 * Turns the measurements of a soak into Markdown and a verdict.
 *
 * @module
 */

import { median, type Summary } from "../bench/stats.ts";
import { ATTACKS } from "./attacks.ts";
import { slope } from "./figures.ts";
import type { Look } from "./probe.ts";

/** The time of an attack, or of none: `"nothing"` before all attacks, `"afterwards"` after them. */
export interface Phase {
  round: number;
  name: string;
  /** Milliseconds from a yield to the client's socket. */
  stream: Summary;
  /** Milliseconds that the well-behaved client's requests took. */
  answer: Summary;
  looks: readonly Look[];
  /** Broken promises in the tickers' streams. */
  faults: readonly string[];
}

/** MiB by which the memory may grow from one round to the next, by the line of best fit. */
const GROWTH_MIB = 20;

/** A row for each attack: medians over the rounds, and the greatest memory, files and streams. */
export function attackTable(phases: readonly Phase[]): string {
  const names = ["nothing", ...ATTACKS.map(({ name }) => name), "afterwards"];
  const rows = names.map((name) => {
    const own = phases.filter((phase) => phase.name === name);
    const mid = (of: (phase: Phase) => number) => median(own.map(of)).toFixed(1);
    const most = (of: (look: Look) => number) =>
      Math.max(...own.flatMap(({ looks }) => looks.map(of))).toFixed(0);
    return [
      name,
      `${mid(({ stream }) => stream.p50)} / ${mid(({ stream }) => stream.p99)}`,
      `${mid(({ answer }) => answer.p50)} / ${mid(({ answer }) => answer.p99)}`,
      most(({ rss }) => rss),
      most(({ files }) => files),
      most(({ streams }) => streams),
    ];
  });
  const head = ["yield to socket p50 / p99 ms", "answer p50 / p99 ms", "MiB", "files", "streams"];
  return table(["attack", ...head], rows);
}

/** A row for each round, after its attacks were over. */
export function memoryTable(phases: readonly Phase[]): string {
  const rows = settled(phases).map(({ round, at, rss, files, streams }) => [
    String(round),
    (at / 60).toFixed(1),
    rss.toFixed(0),
    String(files),
    String(streams),
  ]);
  return table(["after round", "minute", "MiB", "files", "streams"], rows);
}

/** The promises that did not hold, in words. */
export function broken(phases: readonly Phase[]): string[] {
  const found = phases.flatMap(({ round, name, faults }) =>
    faults.map((fault) => `round ${round}, ${name}: ${fault}`)
  );
  const ends = settled(phases);
  const [first, last] = [ends[0]!, ends.at(-1)!];
  const growth = slope(ends.map(({ round, rss }) => [round, rss]));
  if (growth > GROWTH_MIB) found.push(`memory grows by ${growth.toFixed(1)} MiB a round`);
  if (last.files > first.files + 10) found.push(`files: ${first.files}, then ${last.files}`);
  if (last.streams > first.streams) found.push(`streams: ${first.streams}, then ${last.streams}`);
  return found;
}

function settled(phases: readonly Phase[]) {
  return phases.filter(({ name }) => name === "afterwards").map(({ round, looks }) => ({
    round,
    at: median(looks.map(({ at }) => at)),
    rss: median(looks.map(({ rss }) => rss)),
    files: Math.min(...looks.map(({ files }) => files)),
    streams: Math.min(...looks.map(({ streams }) => streams)),
  }));
}

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(" | ")} |`;
  const rule = head.map((_, n) => n === 0 ? "---" : "---:");
  return [line(head), line(rule), ...rows.map(line)].join("\n");
}
