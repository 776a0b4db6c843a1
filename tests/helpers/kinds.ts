/**
 * Kinds for the tests, for `HEADWAY_KINDS` as {@link TEST_KINDS}. Tasks that could run for ever end
 * by themselves after a while, so that no failed test leaves a busy process behind.
 *
 * @module
 */

import { kill } from "node:process";
import {
  artifact,
  children,
  defineTask,
  FinalError,
  log,
  output,
  pause,
  progress,
  save,
  sleep,
  step,
  waitFor,
} from "headway";
import { z } from "zod";
import { atGate, heldAt } from "./gate.ts";

export { openGate } from "./gate.ts";

/** This module's address, for `HEADWAY_KINDS`. */
export const TEST_KINDS: string = new URL(import.meta.url).href;

/** Milliseconds after which a task that waits or computes ends by itself. */
const LIFE_MS = 900_000;

/** Returns its input at once. */
export const echo = defineTask({
  kind: "echo",
  // deno-lint-ignore require-yield -- a task that has nothing to tell
  async *run({ input }) {
    return input as unknown;
  },
});

/** Waits for the signal `approve`, for `timeout_ms` if that is given, and returns its value. */
export const asks = defineTask({
  kind: "asks",
  input: z.object({ timeout_ms: z.number().optional() }).default({}),
  async *run({ input: { timeout_ms } }) {
    const schema = z.object({ ok: z.boolean() });
    const answer = timeout_ms === undefined
      ? yield* waitFor("approve", { schema })
      : yield* waitFor("approve", { schema, timeout: timeout_ms });
    return { answer: answer ?? "none" };
  },
});

/** Runs a step, and then sleeps for `ms` milliseconds. */
export const sleeps = defineTask({
  kind: "sleeps",
  input: z.object({ ms: z.number() }),
  async *run({ input: { ms } }) {
    yield* step("before", () => 1);
    yield* sleep("rest", ms);
    return "awake";
  },
});

/** Has a child for each of `parts`, and returns their results. */
export const parent = defineTask({
  kind: "parent",
  input: z.object({
    parts: z.array(z.object({ kind: z.string(), input: z.unknown().optional() })),
    concurrency: z.int().optional(),
    onFailure: z.enum(["fail", "cancel", "continue"]).optional(),
  }),
  async *run({ input: { parts, concurrency, onFailure } }) {
    const options = {
      ...(concurrency === undefined ? {} : { concurrency }),
      ...(onFailure === undefined ? {} : { onFailure }),
    };
    return yield* children("parts", parts, options);
  },
});

/** Has `count` children that each return their number, and returns how many did. */
export const manyChildren = defineTask({
  kind: "many-children",
  input: z.object({ count: z.int() }),
  async *run({ input: { count } }) {
    const numbers = Array.from({ length: count }, (_, input) => ({ kind: echo, input }));
    const results = yield* children("numbers", numbers);
    return results.filter((result, n) => result === n).length;
  },
});

/** Has a child of its own kind, which has one, and so on. */
export const nests = defineTask({
  kind: "nests",
  async *run() {
    yield* children("next", [{ kind: "nests" }]);
  },
});

/** Runs of the kind `fails-at-first`, by `name`. */
const tries = new Map<string, number>();

/** Fails the first run for each `name`; later ones return how many runs there were. */
export const failsAtFirst = defineTask({
  kind: "fails-at-first",
  input: z.object({ name: z.string() }),
  // deno-lint-ignore require-yield -- a task that has nothing to tell
  async *run({ input: { name } }) {
    const run = (tries.get(name) ?? 0) + 1;
    tries.set(name, run);
    if (run === 1) throw new Error(`${name} failed`);
    return run;
  },
});

/** Has a retention of its own for its tasks. */
export const retained = defineTask({
  kind: "retained",
  input: z.object({ fails: z.boolean().default(false) }).default({ fails: false }),
  retention: { completed: { hours: 10 }, failed: "forever" },
  // deno-lint-ignore require-yield -- a task that has nothing to tell
  async *run({ input: { fails } }) {
    if (fails) throw new Error("fails");
  },
});

/** Reports that it began, and waits at a gate. */
export const gated = defineTask({
  kind: "gated",
  input: z.object({ gate: z.string(), rows: z.int().default(0) }),
  async *run({ input, signal }) {
    yield progress({ progress: 1, message: "waits" });
    await atGate(input.gate, signal);
    for (let row = 1; row <= input.rows; row++) yield log(`row ${row}`);
    return "let through";
  },
});

/** Logs `row n`, and says how far it is, when the gate `name-n` opens, `rows` times. */
export const gatedRows = defineTask({
  kind: "gated-rows",
  input: z.object({ gate: z.string(), rows: z.int() }),
  async *run({ input, signal }) {
    for (let row = 1; row <= input.rows; row++) {
      await atGate(`${input.gate}-${row}`, signal);
      yield log(`row ${row}`);
      yield progress({ done: row, total: input.rows });
    }
  },
});

/**
 * Logs `row 1` to `row n`, each with `bytes` of padding, and pauses for `pause_ms` after every
 * `burst` rows; without a pause, as fast as they are taken. With a gate, it waits there half-way.
 */
export const logMany = defineTask({
  kind: "log-many",
  input: z.object({
    rows: z.int(),
    bytes: z.int().default(0),
    burst: z.int().default(1),
    pause_ms: z.number().default(0),
    gate: z.string().optional(),
  }),
  async *run({ input: { rows, bytes, burst, pause_ms, gate }, signal }) {
    const padding = "x".repeat(bytes);
    for (let row = 1; row <= rows; row++) {
      yield log(`row ${row}`, bytes > 0 ? { padding } : {});
      if (gate !== undefined && row === Math.floor(rows / 2)) await atGate(gate, signal);
      if (pause_ms > 0 && row % burst === 0) await pause(pause_ms, signal);
    }
    return { rows };
  },
});

/** A file's content: it differs from place to place, and is the same for the same seed. */
export function bytesOf(size: number, seed: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: size }, (_, n) => (n * 31 + (n >> 8) * 7 + seed) & 255);
}

/** Makes files one after the other; before the second half of each it waits at its gate. */
export const files = defineTask({
  kind: "files",
  input: z.object({
    files: z.array(z.object({
      name: z.string(),
      size: z.int(),
      seed: z.int().default(0),
      type: z.string().default("application/octet-stream"),
      gate: z.string().optional(),
    })),
    fails: z.boolean().default(false),
  }),
  async *run({ input, signal }) {
    for (const { name, size, seed, type, gate } of input.files) {
      yield log(`before ${name}`);
      const bytes = bytesOf(size, seed);
      const content = async function* () {
        yield bytes.subarray(0, size / 2);
        if (gate !== undefined) await atGate(gate, signal);
        yield bytes.subarray(size / 2);
      };
      const info = yield* artifact(name, ReadableStream.from(content()), { type });
      yield output(info);
      yield save({ name });
    }
    if (input.fails) throw new Error("fails");
    return input.files.length;
  },
});

/** Reports progress `ticks` times, `interval_ms` apart. */
export const ticker = defineTask({
  kind: "ticker",
  input: z.object({ ticks: z.int().default(1_000_000), interval_ms: z.number().default(10) }),
  async *run({ input: { ticks, interval_ms }, signal }) {
    for (let done = 1; done <= ticks; done++) {
      await pause(interval_ms, signal);
      yield progress({ done, total: ticks, unit: "ticks", message: `tick ${done}` });
    }
    return { ticks };
  },
});

/** Reports progress with a long message, `interval_ms` apart, until a gate opens. */
export const wideTicker = defineTask({
  kind: "wide-ticker",
  input: z.object({
    characters: z.int(),
    interval_ms: z.number(),
    gate: z.string(),
  }),
  async *run({ input: { characters, interval_ms, gate }, signal }) {
    let open = false;
    void atGate(gate, signal).then(() => open = true, () => {});
    // Three bytes a character: the most that a message of this length can take in UTF-8.
    const message = "進".repeat(characters);
    for (let done = 1; !open; done++) {
      await pause(interval_ms, signal);
      yield progress({ done, message });
    }
  },
});

/** Reports progress as often as it can, and logs a row at every `every`-th report. */
export const flood = defineTask({
  kind: "flood",
  input: z.object({ reports: z.int(), every: z.int().default(0) }),
  async *run({ input: { reports, every } }) {
    for (let done = 1; done <= reports; done++) {
      yield progress({ done, total: reports });
      if (every > 0 && done % every === 0) yield log(`at ${done}`);
    }
    return { reports };
  },
});

/**
 * Logs `step n` and saves `n`, `steps` times: after a crash it goes on where it was. With a gate, it
 * takes its last step only when that is open.
 */
export const steps = defineTask({
  kind: "steps",
  input: z.object({
    steps: z.int(),
    interval_ms: z.number().default(0),
    gate: z.string().optional(),
  }),
  checkpoint: z.object({ step: z.int() }),
  version: 1,
  async *run({ input: { steps, interval_ms, gate }, checkpoint, signal }) {
    for (let step = checkpoint?.step ?? 0; step < steps;) {
      if (gate !== undefined && step === steps - 1) yield* heldAt(gate, signal, save({ step }));
      step++;
      if (interval_ms > 0) await pause(interval_ms, signal);
      yield log(`step ${step}`);
      yield progress({ done: step, total: steps, unit: "steps" });
      yield save({ step });
    }
    return { steps };
  },
});

/** Counts `rows`, half in the stage `read`, half in `write`; without a total unless `known`. */
export const staged = defineTask({
  kind: "staged",
  input: z.object({
    rows: z.int().default(100),
    interval_ms: z.number().default(20),
    known: z.boolean().default(true),
  }),
  async *run({ input: { rows, interval_ms, known }, signal }) {
    for (let done = 0; done < rows; done++) {
      await pause(interval_ms, signal);
      const stage = done < rows / 2 ? "read" : "write";
      yield progress({ stage, done: done + 1, unit: "rows", ...(known ? { total: rows } : {}) });
    }
    return { rows };
  },
});

/** Reports its first stage as done and its second as just begun, and waits at a gate. */
export const weighted = defineTask({
  kind: "weighted",
  stages: { download: 1, parse: 3 },
  input: z.object({ gate: z.string() }),
  async *run({ input, signal }) {
    yield progress({ stage: "download", done: 9, total: 9 });
    yield progress({ stage: "parse", done: 0, total: 100, unit: "rows" });
    await atGate(input.gate, signal);
  },
});

/** Logs a row of each level. */
export const levels = defineTask({
  kind: "levels",
  async *run() {
    yield log("a detail", { level: "debug" });
    yield log("a row");
    yield log("a warning", { level: "warn" });
    yield log("an error", { level: "error", code: 7 });
  },
});

/** Fails, and waits for days before its next attempt. */
export const slowRetry = defineTask({
  kind: "slow-retry",
  // With full jitter the delay is anything from 0 to 23 days: it is hardly ever a few seconds.
  retry: { maxAttempts: 2, baseMs: 2_000_000_000, capMs: 2_000_000_000 },
  async *run() {
    yield progress({ progress: 10 });
    throw new Error("not yet");
  },
});

/** Outputs two values once its gate is open. Its first attempt fails between them, unsaved. */
export const putsAgain = defineTask({
  kind: "puts-again",
  input: z.object({ gate: z.string() }),
  retry: { maxAttempts: 2, baseMs: 1, capMs: 1 },
  async *run({ input, attempt, signal }) {
    await atGate(input.gate, signal);
    yield output("a");
    if (attempt === 1) throw new Error("once");
    yield output("b");
  },
});

/** Outputs each of `values`. */
export const outputs = defineTask({
  kind: "outputs",
  input: z.object({ values: z.array(z.json()) }),
  async *run({ input }) {
    for (const value of input.values) yield output(value);
    return { count: input.values.length };
  },
});

/** Puts each of `texts` wherever a task can: message, stage, unit, log, field, output, result. */
export const says = defineTask({
  kind: "says",
  input: z.object({ texts: z.array(z.string()), throws: z.boolean().default(false) }),
  async *run({ input: { texts, throws } }) {
    for (const text of texts) {
      yield progress({ message: text, stage: text, unit: text });
      yield log(text, { [text]: text });
      yield output({ [text]: text });
    }
    if (throws) throw Object.assign(new Error(texts.join("")), { name: texts.join("") });
    return { texts };
  },
});

/** Throws until its `attempts`-th attempt; an error that is never retried, if `final`. */
export const throws = defineTask({
  kind: "throws",
  input: z.object({
    message: z.string().default("It broke"),
    attempts: z.int().default(1000),
    final: z.boolean().default(false),
  }),
  retry: { maxAttempts: 1, baseMs: 1, capMs: 10 },
  async *run({ input, attempt }) {
    yield progress({ progress: 10 });
    const cause = Object.assign(new AggregateError(["a", new Error("b")], "why"), {
      code: "E_WHY",
    });
    if (input.final) throw new FinalError(input.message, { cause });
    if (attempt < input.attempts) throw new RangeError(input.message);
    return { attempt };
  },
});

/** Takes longer than its timeout. */
export const late = defineTask({
  kind: "late",
  timeout: 50,
  async *run({ signal }) {
    yield progress({ message: "began" });
    await pause(LIFE_MS, signal);
  },
});

/** Waits until it is told to stop, and stops. */
export const waits = defineTask({
  kind: "waits",
  async *run({ signal }) {
    yield progress({ progress: 5, message: "waits" });
    await pause(LIFE_MS, signal);
  },
});

/**
 * Ignores its signal and does not yield, but does not block its process. With a gate it ends when
 * that opens.
 */
export const ignoresCancel = defineTask({
  kind: "ignores-cancel",
  input: z.object({ gate: z.string() }).optional(),
  async *run({ input }) {
    yield progress({ progress: 5, message: "deaf" });
    if (input) await atGate(input.gate);
    else await new Promise((resolve) => setTimeout(resolve, LIFE_MS));
  },
});

/** When a gate opens, it blocks its process, and never yields. */
export const stuck = defineTask({
  kind: "stuck",
  input: z.object({ gate: z.string() }),
  async *run({ input }) {
    yield progress({ progress: 5, message: "stuck" });
    // Only after its report has gone out does the task block.
    await atGate(input.gate);
    const end = performance.now() + LIFE_MS;
    while (performance.now() < end);
  },
});

/** Computes for `ms` milliseconds, and yields after every `slice_ms`. */
export const busy = defineTask({
  kind: "busy",
  input: z.object({ ms: z.number(), slice_ms: z.number().default(5) }),
  async *run({ input: { ms, slice_ms } }) {
    const start = performance.now();
    for (let now = start; now - start < ms; now = performance.now()) {
      while (performance.now() - now < slice_ms);
      yield progress({ progress: Math.min(100, 100 * (performance.now() - start) / ms) });
    }
  },
});

/** Allocates memory until its process dies. Never run it inline. */
export const outOfMemory = defineTask({
  kind: "out-of-memory",
  isolate: true,
  async *run() {
    yield progress({ progress: 5 });
    const kept: unknown[] = [];
    while (true) kept.push(new Array(1_000_000).fill({}));
  },
});

/** Kills its process. Never run it inline. */
export const dies = defineTask({
  kind: "dies",
  async *run() {
    yield progress({ progress: 5 });
    kill(Deno.pid, "SIGKILL");
  },
});

/** Prints to stdout and stderr. */
export const prints = defineTask({
  kind: "prints",
  async *run() {
    // deno-lint-ignore no-console -- what it is for
    console.log("printed to stdout");
    // deno-lint-ignore no-console -- what it is for
    console.error("printed to stderr");
    await Deno.stdout.write(new TextEncoder().encode("raw bytes\n"));
    yield 50;
    return "printed";
  },
});

/** Returns the secrets of Headway that it finds in its environment. Never run it inline. */
export const environment = defineTask({
  kind: "environment",
  isolate: true,
  async *run() {
    yield 50;
    const names = ["HEADWAY_TOKENS", "HEADWAY_WEBHOOK_SECRET", "DENO_KV_ACCESS_TOKEN"];
    return names.map((name) => Deno.env.get(name) ?? "").join("");
  },
});

/** Returns its input: every sort of field that a form has, and a rule that no JSON Schema states. */
export const order = defineTask({
  kind: "order",
  description: "Takes an order, with everything that a form can ask for",
  input: z.strictObject({
    name: z.string().min(2).describe("Whose order it is"),
    mail: z.email().optional().describe("Where the bill goes"),
    count: z.int().min(1).max(1000).default(1).describe("How many"),
    size: z.enum(["small", "large"]).default("small"),
    colors: z.array(z.enum(["red", "blue"])).default(["blue"]),
    notes: z.array(z.string()).optional().describe("What else is to be said"),
    gift: z.boolean().default(false).describe("It is a gift"),
    address: z.strictObject({
      street: z.string(),
      zip: z.string().regex(/^\d{5}$/).optional(),
    }).optional().describe("Where it goes"),
    extra: z.record(z.string(), z.int()).optional(),
  }).refine(({ name }) => name !== "Nobody", { path: ["name"], message: "Nobody orders nothing" }),
  // deno-lint-ignore require-yield -- a task that has nothing to tell
  async *run({ input }) {
    return input;
  },
});
