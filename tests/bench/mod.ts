/**
 * The benchmark: `deno task bench`. Starts the server as a process of its own, drives it over HTTP,
 * checks that every delivery is exact, and prints Markdown tables. Linux only (`/proc`, epoll).
 *
 * ```
 * deno task bench [--peers] [--only <scenario>[,<scenario>]] [--rounds <n>] [--quick] [--alone <system>]
 * ```
 *
 * `--peers` runs BullMQ in turns with Headway, in the same run, because machines drift: ratios
 * count. It needs `node`, `npm` and `redis-server`. All permissions, since Deno gives `/proc` and
 * FFI to nobody with less.
 *
 * @module
 */
// deno-lint-ignore-file no-console -- a program that prints for people

import { parseArgs } from "node:util";
import { killChildren } from "./child.ts";
import { headway } from "./headway.ts";
import { bullmq } from "./peers/bullmq.ts";
import { machineSeconds } from "./process_tree.ts";
import { type Rounds, scenarioTable, type Verdict, verdicts, verdictTable } from "./report.ts";
import type { Scenario, WriteResult } from "./scenario.ts";
import { scenarios } from "./scenarios/mod.ts";
import type { System } from "./system.ts";

interface Options {
  systems: System[];
  chosen: Scenario[];
  rounds: number;
  quick: boolean;
}

/** Cores taken by neither the server nor the client that spoil a round. */
const STRANGERS = 0.25;
/** Spoiled rounds that a scenario repeats, at most. */
const SPOILED = 3;
/** Sockets of the idle scenario on both sides, and some room. */
const OPEN_FILES = 6000;

function readOptions(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      peers: { type: "boolean", default: false },
      alone: { type: "string" },
      only: { type: "string" },
      quick: { type: "boolean", default: false },
      rounds: { type: "string" },
    },
  });
  const { peers, alone, only, quick } = values;
  const known = [headway, bullmq];
  const systems = alone === undefined
    ? (peers ? known : [headway])
    : known.filter(({ name }) => name.toLowerCase() === alone.toLowerCase());
  const chosen = only === undefined ? scenarios : only.split(",").map((name) => {
    const found = scenarios.find((scenario) => scenario.name === name);
    if (found === undefined) {
      throw new Error(`No scenario '${name}': ${scenarios.map(({ name }) => name).join(", ")}`);
    }
    return found;
  });
  const rounds = Number(values.rounds ?? (peers && !quick ? 3 : 1));
  return { systems, chosen, rounds, quick };
}

/**
 * Each round runs every system once, in turns. A round in which strangers took much of the machine
 * is run again, a few times: it says nothing about either system.
 */
async function runScenario(scenario: Scenario, options: Options): Promise<Rounds> {
  const systems = scenario.systems ??
    options.systems.filter((system) => scenario.peers || system === headway);
  if (systems.length === 0) console.error(`${scenario.name}: left out, nothing to ask it of here`);
  const rounds: Rounds = new Map(systems.map(({ name }) => [name, []]));
  let spoiled = 0;
  for (let round = 1; systems.length > 0 && round <= options.rounds;) {
    const outcomes: WriteResult[] = [];
    for (const system of systems) {
      await quiet();
      console.error(`${scenario.name}: ${system.name}, round ${round} of ${options.rounds}`);
      outcomes.push(await runOnce(scenario, system, options.quick));
    }
    if (outcomes.some(({ figures }) => (figures.others ?? 0) > STRANGERS) && spoiled < SPOILED) {
      spoiled++;
      console.error("  again: other processes were busy");
      continue;
    }
    for (const [i, { name }] of systems.entries()) rounds.get(name)?.push(outcomes[i]!);
    round++;
  }
  return rounds;
}

/** Waits, for two minutes at most, until nobody else uses the machine. */
async function quiet(): Promise<void> {
  for (let i = 0; i < 60; i++) {
    const before = machineSeconds();
    await new Promise((resolve) => setTimeout(resolve, 2000));
    if (machineSeconds() - before < 2 * STRANGERS) return;
  }
}

const directories = new Set<string>();

async function runOnce(scenario: Scenario, system: System, quick: boolean): Promise<WriteResult> {
  const directory = async () => {
    const made = await Deno.makeTempDir({ prefix: "headway-bench-" });
    directories.add(made);
    return made;
  };
  try {
    return await scenario.run(system, { quick, directory });
  } finally {
    removeDirectories();
  }
}

function removeDirectories(): void {
  for (const directory of directories) Deno.removeSync(directory, { recursive: true });
  directories.clear();
}

/** A bench that is stopped leaves neither processes nor files behind. */
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
    `Deno ${Deno.version.deno}, load client on the same machine`;
}

function checkOpenFiles(): void {
  const limits = Deno.readTextFileSync("/proc/self/limits");
  const hard = Number(/Max open files\s+\d+\s+(\d+)/.exec(limits)?.[1] ?? Infinity);
  if (hard < OPEN_FILES) {
    console.error(`The limit of open files is ${hard}: raise it to ${OPEN_FILES}, ulimit -n`);
  }
}

if (import.meta.main) {
  const options = readOptions(Deno.args);
  checkOpenFiles();
  cleanUpOnSignals();
  const found: Verdict[] = [];
  console.log(`${machine()}${options.quick ? "\n\nQuick: no figures to quote." : ""}`);
  for (const scenario of options.chosen) {
    const rounds = await runScenario(scenario, options);
    if (rounds.size === 0) continue;
    console.log(`\n${scenarioTable(scenario, rounds)}`);
    found.push(...verdicts(scenario, rounds));
  }
  console.log(`\n${verdictTable(found)}`);
  Deno.exit(found.some(({ met }) => met === false) ? 1 : 0);
}
