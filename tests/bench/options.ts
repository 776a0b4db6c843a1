import { parseArgs } from "node:util";
import { BEFORE, HERE, type Tree } from "./headway.ts";
import type { Asked, Scenario } from "./scenario.ts";

/** The options of a run of the bench. */
export interface Options {
  chosen: readonly Scenario[];
  /** The systems to run a scenario on. */
  asked(scenario: Scenario): Asked;
  rounds: number;
  scale: number;
  seconds?: number;
  /** A short or small run, not for figures to quote: it does not wait for a quiet machine or repeat. */
  look: boolean;
}

/**
 * Reads the command line.
 *
 * @throws {Error} At an invalid option; the message says what would be right.
 */
export function readOptions(args: readonly string[], scenarios: readonly Scenario[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      peers: { type: "boolean", default: false },
      against: { type: "string" },
      alone: { type: "string" },
      only: { type: "string" },
      quick: { type: "boolean", default: false },
      rounds: { type: "string" },
      scale: { type: "string" },
      seconds: { type: "string" },
    },
  });
  const { peers, against, alone, only, quick } = values;
  const before = against === undefined ? undefined : checkout(against);
  const chosen = only === undefined ? scenarios : only.split(",").map((name) => {
    const found = scenarios.find((scenario) => scenario.name === name);
    if (found === undefined) {
      throw new Error(`No scenario '${name}': ${scenarios.map(({ name }) => name).join(", ")}`);
    }
    return found;
  });
  const scale = positive("scale", values.scale, Infinity) ?? (quick ? 0.2 : 1);
  const seconds = positive("seconds", values.seconds, 3600) ?? (quick ? 3 : undefined);
  const look = seconds !== undefined || scale !== 1;
  const compares = peers || before !== undefined;
  return {
    chosen,
    asked: (scenario) => askedOf(scenario, { peers, before, alone }),
    rounds: Math.ceil(positive("rounds", values.rounds, 100) ?? (compares && !look ? 3 : 1)),
    scale,
    ...(seconds === undefined ? {} : { seconds }),
    look,
  };
}

function askedOf(
  scenario: Scenario,
  { peers, before, alone }: {
    peers: boolean;
    before: Tree | undefined;
    alone: string | undefined;
  },
): Asked {
  const asked = {
    ours: scenario.ours(HERE),
    before: before ? scenario.ours(before) : [],
    peers: peers || alone !== undefined ? scenario.peers : [],
  };
  if (alone === undefined) return asked;
  const named = ({ name }: { name: string }) => name.toLowerCase() === alone.toLowerCase();
  return {
    ours: asked.ours.filter(named),
    before: asked.before.filter(named),
    peers: asked.peers.filter(named),
  };
}

/** The checkout of Headway in a folder. */
function checkout(folder: string): Tree {
  const root = new URL(`${folder.replace(/\/*$/, "")}/`, `file://${Deno.cwd()}/`);
  try {
    Deno.statSync(new URL("main.ts", root));
  } catch {
    throw new Error(`--against must name a checkout of Headway: there is no main.ts in ${folder}`);
  }
  return { name: BEFORE, root };
}

function positive(name: string, text: string | undefined, most: number): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!(value > 0 && value <= most && Number.isFinite(value))) {
    const bound = most === Infinity ? "" : ` and at most ${most}`;
    throw new Error(`--${name} must be a number above 0${bound}: '${text}'`);
  }
  return value;
}
