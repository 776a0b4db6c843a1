/**
 * The benchmark: `deno task bench`. Starts the server as a process of its own, drives it over HTTP,
 * checks that every delivery is exact, and prints Markdown tables. Linux only (`/proc`, epoll).
 *
 * ```
 * deno task bench [--peers] [--against <folder>] [--only <scenario>[,<scenario>]] [--rounds <n>]
 *   [--seconds <n>] [--scale <share>] [--quick] [--alone <system>]
 * ```
 *
 * `--peers` adds the peers, which others use for the same, and `--against` another checkout of
 * Headway. They take turns with Headway in the same run, because machines drift: only ratios count.
 * A peer that cannot be started on this machine is left out, and what it needs is named. `--alone`
 * runs only the system of that name.
 *
 * `--seconds` and `--scale` (0.1: a tenth of the tasks and streams) are for a quick look, which
 * does not wait for a quiet machine. `--quick` is `--seconds 3 --scale 0.2`.
 *
 * It needs all permissions, since Deno does not give access to `/proc` with fewer.
 *
 * @module
 */
// deno-lint-ignore-file no-console -- a program that prints for people

import { killChildren } from "./child.ts";
import { type Options, readOptions } from "./options.ts";
import { machineSeconds } from "./process_tree.ts";
import {
  comparisons,
  type Rounds,
  scenarioTable,
  type Verdict,
  verdicts,
  verdictTable,
} from "./report.ts";
import type { Scenario, WriteResult } from "./scenario.ts";
import { scenarios } from "./scenarios/mod.ts";
import type { System } from "./system.ts";

/** A round is spoiled if other processes use more than this many cores. */
const STRANGERS = 0.25;
/** The most spoiled rounds that a scenario repeats. */
const SPOILED = 3;
/** Sockets of the idle scenario on both sides, and some room. */
const OPEN_FILES = 6000;

/**
 * Each round runs every system once, and every other round in the opposite order, since other work
 * on a machine lasts for a while. A round in which other processes took much of the machine says
 * nothing about any system, and is run again, up to {@link SPOILED} times.
 */
async function runScenario(
  scenario: Scenario,
  systems: readonly System[],
  options: Options,
): Promise<Rounds> {
  const rounds: Rounds = new Map(systems.map(({ name }) => [name, []]));
  let spoiled = 0;
  for (let round = 1; round <= options.rounds;) {
    const found = new Map<string, WriteResult>();
    for (const system of round % 2 === 1 ? systems : systems.toReversed()) {
      if (!options.look) await quiet();
      console.error(`${scenario.name}: ${system.name}, round ${round} of ${options.rounds}`);
      found.set(system.name, await runOnce(scenario, system, options));
    }
    const disturbed = found.values().some(({ figures }) => (figures.others ?? 0) > STRANGERS);
    if (disturbed && !options.look && spoiled < SPOILED) {
      spoiled++;
      console.error("  again: other processes were busy");
      continue;
    }
    for (const [name, result] of found) rounds.get(name)?.push(result);
    round++;
  }
  return rounds;
}

/** The systems that can be started on this machine. */
async function available(scenario: Scenario, systems: readonly System[]): Promise<System[]> {
  const found: System[] = [];
  for (const system of systems) {
    const lacks = await system.lacks?.();
    if (lacks === undefined) found.push(system);
    else console.error(`${scenario.name}: ${system.name} is left out, it needs ${lacks}`);
  }
  return found;
}

/** Waits until nothing else uses the machine, for at most two minutes. */
async function quiet(): Promise<void> {
  for (let i = 0; i < 60; i++) {
    const before = machineSeconds();
    await new Promise((resolve) => setTimeout(resolve, 2000));
    if (machineSeconds() - before < 2 * STRANGERS) return;
  }
}

const directories = new Set<string>();

/** Runs a scenario once. An error becomes a fault of this run, since other runs are still valid. */
async function runOnce(
  scenario: Scenario,
  system: System,
  { scale, seconds }: Options,
): Promise<WriteResult> {
  const directory = async () => {
    const made = await Deno.makeTempDir({ prefix: "headway-bench-" });
    directories.add(made);
    return made;
  };
  try {
    const time = seconds === undefined ? {} : { seconds };
    return await scenario.run(system, { scale, ...time, directory });
  } catch (error) {
    console.error(error);
    return { figures: {}, faults: [error instanceof Error ? error.message : String(error)] };
  } finally {
    removeDirectories();
  }
}

function removeDirectories(): void {
  for (const directory of directories) Deno.removeSync(directory, { recursive: true });
  directories.clear();
}

/** Removes processes and files when the bench is stopped by a signal. */
function cleanUpOnSignals(): void {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => {
      killChildren();
      removeDirectories();
      Deno.exit(130);
    });
  }
}

function machine(): string {
  const cpu = /model name\s*: (.*)/.exec(Deno.readTextFileSync("/proc/cpuinfo"))?.[1] ?? "unknown";
  return `${navigator.hardwareConcurrency} cores (${cpu}), Linux ${Deno.osRelease()}, ` +
    `Deno ${Deno.version.deno}, load client on the same machine, ` +
    `load before ${Deno.loadavg().map((load) => load.toFixed(1)).join(" ")}`;
}

function checkOpenFiles(): void {
  const limits = Deno.readTextFileSync("/proc/self/limits");
  const hard = Number(/Max open files\s+\d+\s+(\d+)/.exec(limits)?.[1] ?? Infinity);
  if (hard < OPEN_FILES) {
    console.error(`The limit of open files is ${hard}: raise it to ${OPEN_FILES}, ulimit -n`);
  }
}

if (import.meta.main) {
  const options = readOptions(Deno.args, scenarios);
  checkOpenFiles();
  cleanUpOnSignals();
  const found: Verdict[] = [];
  console.log(`${machine()}${options.look ? "\n\nA look: no figures to quote." : ""}`);
  for (const scenario of options.chosen) {
    const asked = options.asked(scenario);
    const { ours, before, peers } = asked;
    const systems = await available(scenario, [...ours, ...before, ...peers]);
    if (systems.length === 0) continue;
    const compared = comparisons(asked);
    const rounds = await runScenario(scenario, systems, options);
    console.log(`\n${scenarioTable(scenario, rounds, compared)}`);
    found.push(...verdicts(scenario, rounds, ours.map(({ name }) => name), compared));
  }
  if (found.length > 0) console.log(`\n${verdictTable(found)}`);
  Deno.exit(found.some(({ met }) => met === false) ? 1 : 0);
}
