/**
 * Kinds whose stored rows show whether a crash cost them anything, and kinds that end their
 * process.
 *
 * @module
 */

import process, { kill } from "node:process";
import {
  artifact,
  children,
  defineTask,
  log,
  output,
  pause,
  progress,
  save,
  sleep,
  step,
  waitFor,
  type Yield,
} from "headway";
import { z } from "zod";
import { atGate, heldAt } from "../helpers/gate.ts";

/** This module's address, for `HEADWAY_KINDS`. */
export const CRASH_KINDS: string = new URL(import.meta.url).href;

/**
 * Logs from which row it starts, then logs each row with its number, saves the number of each
 * `every`-th and waits `pause_ms` there. With a gate, it goes beyond its last checkpoint only once
 * the gate is open.
 */
export const numbered = defineTask({
  kind: "numbered",
  input: z.object({
    rows: z.int(),
    every: z.int().default(7),
    pause_ms: z.number().default(0),
    gate: z.string().optional(),
  }),
  async *run({ input: { rows, every, pause_ms, gate }, checkpoint, signal, attempt }) {
    const from: number = checkpoint?.row ?? 0;
    const last = rows - 1 - (rows - 1) % every;
    yield log("starts", { from, attempt });
    for (let row = from + 1; row <= rows; row++) {
      if (gate !== undefined && row === last + 1) {
        yield* heldAt(gate, signal, save({ row: last }));
      }
      yield log(`row ${row}`, { row });
      yield progress({ done: row, total: rows, unit: "rows" });
      if (row % every > 0) continue;
      yield save({ row });
      if (pause_ms > 0) await pause(pause_ms, signal);
    }
    return { rows };
  },
});

/** Outputs five numbers, and saves after the second. After the fourth it waits for its gate. */
export const puts = defineTask({
  kind: "puts",
  input: z.object({ gate: z.string() }),
  async *run({ input: { gate }, checkpoint = 0, signal }) {
    for (let n = checkpoint + 1; n <= 5; n++) {
      yield output(n);
      if (n === 2) yield save(n);
      if (n === 4) yield* heldAt(gate, signal, "waits");
    }
  },
});

/**
 * Draws a lot in a step, sleeps for a moment, waits for the signal `go`, and draws another lot.
 * Each run logs again what it has.
 */
export const draws = defineTask({
  kind: "draws",
  async *run() {
    const first = yield* step("first", () => crypto.randomUUID());
    yield log("first", { drew: first });
    yield* sleep("moment", 20);
    const brought = yield* waitFor("go");
    yield log("brought", { drew: brought });
    const second = yield* step("second", async () => {
      await pause(5, new AbortController().signal);
      return crypto.randomUUID();
    });
    yield log("second", { drew: second });
    return { first, brought, second };
  },
});

/**
 * Makes `artifacts` files of one name, each of `blocks` MiB that its number fills, and saves the
 * number of each.
 */
export const replaces = defineTask({
  kind: "replaces",
  input: z.object({ artifacts: z.int(), blocks: z.int() }),
  async *run({ input: { artifacts, blocks }, checkpoint, signal }) {
    for (let n: number = (checkpoint?.made ?? 0) + 1; n <= artifacts; n++) {
      const content = async function* () {
        for (let block = 0; block < blocks; block++) {
          yield new Uint8Array(1024 * 1024).fill(n);
          await pause(5, signal);
        }
      };
      yield log(`made ${n}`, { n });
      yield* artifact("a.bin", ReadableStream.from(content()));
      yield save({ made: n });
    }
  },
});

/** Draws a lot and returns it with its number, after a moment. Those above 5 wait for a gate. */
export const draw = defineTask({
  kind: "draw",
  input: z.object({ n: z.int(), gate: z.string().optional() }),
  async *run({ input: { n, gate }, signal }) {
    const lot = yield* step("lot", () => crypto.randomUUID());
    if (gate !== undefined && n > 5) yield* heldAt(gate, signal, progress({ message: "waits" }));
    await pause(5, signal);
    return { n, lot };
  },
});

/**
 * Has children draw in two groups, one after the other: twelve each if `deep`, or else two. A deep
 * one then has a child of its own kind that is not deep.
 */
export const splits = defineTask({
  kind: "splits",
  input: z.object({ deep: z.boolean(), gate: z.string().optional() }).default({ deep: true }),
  async *run({ input: { deep, gate } }): AsyncGenerator<Yield, unknown, void> {
    const held = gate === undefined ? {} : { gate };
    const entries = Array.from({ length: deep ? 12 : 2 }, (_, n) => ({
      kind: draw,
      input: { n, ...held },
    }));
    const first = yield* children("first", entries, { concurrency: 5 });
    const second = yield* children("second", entries);
    const below = deep
      ? yield* children("below", [{ kind: "splits", input: { deep: false } }])
      : [];
    return { first, second, below };
  },
});

/** Counts a hundred times a second; logs and saves each tenth step. */
export const counts = defineTask({
  kind: "counts",
  input: z.object({ steps: z.int() }),
  async *run({ input: { steps }, checkpoint, signal }) {
    for (let step: number = (checkpoint?.step ?? 0) + 1; step <= steps; step++) {
      yield progress({ done: step, total: steps });
      if (step % 10 === 0) {
        yield log(`step ${step}`, { step });
        yield save({ step });
      }
      await pause(10, signal);
    }
  },
});

/**
 * Blocks its process and never yields again, with a gate only once that is open. It ends after a
 * while, in case a test fails.
 */
export const loops = defineTask({
  kind: "loops",
  timeout: 300,
  input: z.object({ gate: z.string() }).optional(),
  async *run({ input }) {
    yield progress({ message: "loops" });
    // At the gate, the report has time to go out.
    if (input) await atGate(input.gate);
    const end = performance.now() + 900_000;
    while (performance.now() < end);
  },
});

/** Allocates memory until its process dies, which it shares with other tasks. */
export const hoards = defineTask({
  kind: "hoards",
  async *run() {
    yield progress({ message: "hoards" });
    const kept: unknown[] = [];
    while (true) kept.push(new Array(100_000).fill({}));
  },
});

/** Kills its process in a way that nothing can prevent. */
export const kills = defineTask({
  kind: "kills",
  async *run() {
    yield progress({ message: "kills" });
    kill(Deno.pid, "SIGKILL");
    await new Promise(() => {});
  },
});

/** The same, in a process of its own. */
export const killsAlone = defineTask({ kind: "kills-alone", isolate: true, run: kills.run });

/** Ways in which a library might end the process. */
const EXITS: Record<string, () => void> = {
  "Deno.exit": () => Deno.exit(1),
  "process.exit": () => process.exit(2),
  "process.abort": () => process.abort(),
  "Deno.kill": () => Deno.kill(Deno.pid, "SIGTERM"),
  "process.kill": () => process.kill(process.pid),
};

/** Ends its process in one of these ways: at once, where it catches errors, or by a timer. */
export const exits = defineTask({
  kind: "exits",
  input: z.object({ by: z.string(), when: z.enum(["now", "caught", "later"]) }),
  async *run({ input: { by, when }, signal }) {
    yield progress({ message: "exits" });
    if (when === "now") EXITS[by]!();
    if (when === "later") setTimeout(EXITS[by]!);
    try {
      if (when === "caught") EXITS[by]!();
    } catch {
      // A library may swallow the error, since it does not expect to continue.
    }
    await pause(60_000, signal);
  },
});

/** Waits for `ms` milliseconds, and saves nothing. */
export const rests = defineTask({
  kind: "rests",
  input: z.object({ ms: z.number() }),
  async *run({ input, signal }) {
    yield progress({ message: "rests" });
    await pause(input.ms, signal);
  },
});
