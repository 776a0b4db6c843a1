import fc from "fast-check";
import type { Command } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { finish } from "./finish.ts";
import { Reference } from "./reference.ts";
import { tempDir } from "../helpers/temp_dir.ts";
import { makeCrowd } from "./crowd.ts";
import { type Figures, World } from "./world.ts";

/** Which histories to run. */
export interface HistoriesOptions {
  /** The least number of histories. */
  runs: number;
  /** Milliseconds within which further histories are begun. @default {0} */
  forMs?: number;
  /** Commands in each history. */
  commands: number;
  /** The first history's seed; each further one has the next number. */
  seed: number;
  /** The path that a failure printed, to go straight to the history that failed. */
  path?: string;
  /** The replay path that a failure printed. */
  replayPath?: string;
  /** Milliseconds to spend on shrinking a history that failed. @default {300_000} */
  shrinkMs?: number;
  /** Called after each history. */
  onhistory?: (figures: Figures) => void;
  /** Called at each failure, those while shrinking included. */
  onfailure?: (error: unknown) => void;
}

/** Of this many histories, one begins with a crowd, one has a broken module, one is swept. */
const SORTS = 5;

/** An exact number of commands, which may shrink. `fc.commands` alone makes any number of them. */
class History extends fc.Arbitrary<Iterable<Command>> {
  readonly #commands: fc.Arbitrary<Iterable<Command>>;
  readonly #count: number;

  constructor(count: number, replayPath?: string) {
    super();
    this.#count = count;
    this.#commands = fc.commands(COMMANDS, {
      maxCommands: count,
      size: "max",
      ...(replayPath === undefined ? {} : { replayPath }),
    });
  }

  override generate(random: fc.Random, bias: number | undefined): fc.Value<Iterable<Command>> {
    while (true) {
      const value = this.#commands.generate(random, bias);
      if ([...value.value_].length === this.#count) return value;
    }
  }

  override canShrinkWithoutContext(value: unknown): value is Iterable<Command> {
    return this.#commands.canShrinkWithoutContext(value);
  }

  override shrink(
    value: Iterable<Command>,
    context: unknown,
  ): fc.Stream<fc.Value<Iterable<Command>>> {
    return this.#commands.shrink(value, context);
  }
}

/**
 * Runs histories, each against a server and a database of its own. It stops at the first failure,
 * shrinks that history, and throws an error that says how to replay it.
 */
export async function runHistories(options: HistoriesOptions): Promise<Figures> {
  const { runs, forMs = 0, commands, seed, path, replayPath, shrinkMs = 300_000 } = options;
  const figures: Figures = {
    histories: 0,
    commands: 0,
    kills: 0,
    stops: 0,
    deaths: 0,
    tasks: 0,
    connections: 0,
  };
  await using directory = await tempDir();
  let crowd: Promise<void> | undefined;
  const property = fc.asyncProperty(new History(commands, replayPath), async (history) => {
    if (performance.now() - failedAt > shrinkMs) return;
    try {
      await fc.asyncModelRun(async () => {
        const sort = (seed + figures.histories) % SORTS;
        const crowded = sort === 0;
        if (crowded) await (crowd ??= makeCrowd(`${directory.path}/crowd.db`));
        const real = await World.open({
          figures,
          crowd: crowded ? `${directory.path}/crowd.db` : null,
          broken: sort === 1,
          swept: sort === 2,
        });
        opened = real;
        return { model: reference = new Reference(), real };
      }, history);
      await finish(reference!, opened!);
    } catch (error) {
      failedAt = Math.min(failedAt, performance.now());
      options.onfailure?.(error);
      throw error;
    }
  });
  let failedAt = Infinity;
  let reference: Reference | undefined;
  let opened: World | undefined;
  property.afterEach(async () => {
    figures.tasks += reference?.tasks.length ?? 0;
    await opened?.[Symbol.asyncDispose]();
  });
  const start = performance.now();
  while (figures.histories < runs || performance.now() - start < forMs) {
    await fc.assert(property, {
      numRuns: 1,
      seed: seed + figures.histories,
      ...(path === undefined ? {} : { path }),
    });
    figures.histories++;
    options.onhistory?.(figures);
  }
  return figures;
}
