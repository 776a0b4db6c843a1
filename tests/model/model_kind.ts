import "./shifted_clock.ts";
import {
  type AnyTask,
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
import { printBy } from "./print_by.ts";
import { childOf, FILE, fileOf, SCRIPT, type Script } from "./script.ts";
import { THROWN } from "./thrown.ts";

const NEVER = new AbortController().signal;

/** The stages of a staged kind, by weight: the first has a quarter of the rows. */
const STAGES = { first: 1, second: 3 };

/**
 * Makes a kind of the model test. The input says what a task does, so that its rows show whether it
 * did exactly that.
 */
export function modelKind(
  kind: string,
  { sort = "plain", ...options }: {
    concurrency?: number | { limit: number; key: (input: Script) => string };
    rate?: { limit: number; per: number };
    debounce?: { wait: number; key: (input: Script) => string };
    sort?: "plain" | "staged" | "parent";
  } = {},
): AnyTask {
  return defineTask({
    kind,
    input: SCRIPT,
    retry: { maxAttempts: 3, baseMs: 1, capMs: 20 },
    ...(sort === "staged" ? { stages: STAGES } : {}),
    ...options,
    async *run(context): AsyncGenerator<Yield> {
      const { input, checkpoint, attempt } = context;
      const { nonce, rows, every, pause_ms, fails, throws, holds, deaf, cleans } = input;
      const signal = deaf ? NEVER : context.signal;
      const began = performance.now();
      const padding = "x".repeat(input.padding);
      const from: number = checkpoint?.row ?? 0;
      let row = from;
      let put = from;
      let parts: ChildEnd[] | null = null;
      try {
        yield log("starts", { from, attempt });
        if (input.sleeps > 0) yield* sleep("night", input.sleeps);
        if (input.files > 0) yield* artifact(FILE, fileOf(input, input.files));
        if (input.prints !== "") await printBy(input.prints, nonce);
        if (input.upload !== "") await readUpload(context);
        if (input.draws) {
          const drew = yield* step("draw", () => crypto.randomUUID());
          yield log("drew", { drew });
        }
        while (true) {
          if (parts === null && row >= Math.ceil(rows / 2)) parts = yield* middle(input);
          if (row === rows) break;
          row++;
          const ran = Math.floor(performance.now() - began);
          yield log(`row ${row}`, { row, ran, padding });
          yield output({ row: put = row });
          // A parent's progress is that of its children.
          if (sort === "plain") yield progress({ done: row, total: rows, unit: "rows" });
          else if (sort === "staged") yield progress(stagedAt(row, rows));
          if (attempt <= fails && row > rows / 2) throw THROWN[throws].make();
          if (row % every > 0) continue;
          yield save({ row });
          if (pause_ms > 0) await pause(pause_ms, signal);
        }
        if (attempt <= fails) throw THROWN[throws].make();
        while (holds) {
          yield "holds";
          await pause(deaf ? 30 : 2 ** 30, signal);
        }
        // The upload must be kept for as long as the task runs.
        if (input.upload !== "") await readUpload(context);
        return { nonce, rows, parts };
      } catch (error) {
        if (cleans) yield log("caught", { caught: row });
        throw error;
      } finally {
        if (cleans) {
          yield log("cleaning");
          await pause(5, NEVER);
          // It may have been stopped between the log of a row and its output.
          if (put < row) yield output({ row });
          yield save({ row });
          yield log("cleaned", { cleaned: row });
        }
      }
    },
  });
}

/** How a child ended, as its parent sees it: its state, and the nonce in its result. */
export type ChildEnd = [status: string, nonce: string | null];

/** What a task does half-way: waits for a signal, runs its children, replaces its file. */
async function* middle(input: Script): AsyncGenerator<Yield, ChildEnd[]> {
  if (input.naps > 0) {
    const went = yield* waitFor("go", { timeout: input.naps });
    yield log("went", { went: went ?? null });
  }
  const ends = input.parts.length > 0 ? yield* family(input) : [];
  if (input.files > 0) yield* artifact(FILE, fileOf(input, input.files + 1));
  return ends;
}

async function* family(input: Script): AsyncGenerator<Yield, ChildEnd[]> {
  const { parts, at_once, on_failure } = input;
  const entries = parts.map((_, n) => childOf(input, n));
  const options = at_once > 0 ? { concurrency: at_once } : {};
  const nonceIn = (result: unknown) => (result as Script | null)?.nonce ?? null;
  if (on_failure === "continue") {
    const outcomes = yield* children("parts", entries, { ...options, onFailure: on_failure });
    return outcomes.map(({ status, result }) => [status, nonceIn(result)]);
  }
  const results = yield* children("parts", entries, { ...options, onFailure: on_failure });
  return results.map((result) => ["completed", nonceIn(result)]);
}

function stagedAt(row: number, rows: number): { stage: string; done: number; total: number } {
  const half = Math.floor(rows / 2);
  return row <= half
    ? { stage: "first", done: row, total: half }
    : { stage: "second", done: row - half, total: rows - half };
}

type Context = Parameters<AnyTask["run"]>[0];

async function readUpload({ input, upload, uploadInfo }: Context): Promise<void> {
  const { size } = await uploadInfo(input.upload);
  let read = 0;
  for await (const bytes of upload(input.upload)) read += bytes.length;
  if (read !== size) throw new Error(`The upload has ${size} bytes, and ${read} came`);
}
