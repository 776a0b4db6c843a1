/**
 * The model test by hand: `deno task model`.
 *
 * ```
 * deno task model [--runs <n>] [--commands <n>] [--seed <n>] [--path <p>] [--replay-path <p>]
 *   [--shrink <seconds>]
 * ```
 *
 * A failure prints how to replay it. What happens to a real process is never the same twice to the
 * millisecond, so some failures take several replays. `--shrink` bounds the shrinking of a failure.
 *
 * @module
 */
// deno-lint-ignore-file no-console -- a program that prints for people

import { parseArgs } from "node:util";
import { runHistories } from "./histories.ts";
import { Broken } from "./invariants.ts";
import type { Figures } from "./world.ts";

const { values } = parseArgs({
  args: Deno.args,
  options: {
    runs: { type: "string", default: "20" },
    commands: { type: "string", default: "60" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 31)) },
    path: { type: "string" },
    "replay-path": { type: "string" },
    shrink: { type: "string", default: "300" },
  },
});
function tell(figures: Figures): string {
  return Object.entries(figures).map(([name, count]) => `${count} ${name}`).join(", ");
}

const { path, "replay-path": replayPath } = values;
const commands = Number(values.commands);
const seed = Number(values.seed);

let history = seed;
try {
  const figures = await runHistories({
    runs: Number(values.runs),
    commands,
    seed,
    shrinkMs: 1000 * Number(values.shrink),
    ...(path === undefined ? {} : { path }),
    ...(replayPath === undefined ? {} : { replayPath }),
    onfailure: (error) => {
      const told = error instanceof Broken || !(error instanceof Error) ? error : error.stack;
      console.error(`seed ${history}: ${told}`);
    },
    onhistory: (figures) => {
      console.log(`seed ${history} is good; up to now: ${tell(figures)}`);
      history = seed + figures.histories;
    },
  });
  console.log(`Every invariant held: ${tell(figures)}`);
} catch (error) {
  console.error(error instanceof Error ? `${error.message}\n${error.cause ?? ""}` : error);
  console.error(`Replay: deno task model --runs 1 --commands ${commands} --seed ${history}`);
  console.error("with --path and --replay-path as above to begin with the smallest found.");
  Deno.exit(1);
}
