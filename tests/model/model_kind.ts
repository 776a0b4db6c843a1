import "./shifted_clock.ts";
import {
  type AnyTask,
  defineTask,
  log,
  output,
  pause,
  progress,
  save,
  step,
  waitFor,
  type Yield,
} from "headway";
import { printBy } from "./print_by.ts";
import { SCRIPT } from "./script.ts";
import { THROWN } from "./thrown.ts";

const NEVER = new AbortController().signal;

/** Of a kind with stages: the first has this part of the rows. */
const STAGES = { first: 1, second: 3 };

/**
 * A kind of the model test. What a task does is written in its input, so that its rows tell whether
 * anything went wrong with it.
 */
export function modelKind(
  kind: string,
  { staged = false, ...options }: { concurrency?: number; staged?: boolean } = {},
): AnyTask {
  return defineTask({
    kind,
    input: SCRIPT,
    retry: { maxAttempts: 3, baseMs: 1, capMs: 20 },
    ...(staged ? { stages: STAGES } : {}),
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
      try {
        yield log("starts", { from, attempt });
        if (input.prints !== "") await printBy(input.prints, nonce);
        if (input.upload !== "") await readUpload(context);
        if (input.draws) {
          const drew = yield* step("draw", () => crypto.randomUUID());
          yield log("drew", { drew });
        }
        while (row < rows) {
          row++;
          const ran = Math.floor(performance.now() - began);
          yield log(`row ${row}`, { row, ran, padding });
          yield output({ row: put = row });
          yield progress(staged ? stagedAt(row, rows) : { done: row, total: rows, unit: "rows" });
          if (input.naps > 0 && row === Math.ceil(rows / 2)) {
            yield* waitFor("go", { timeout: input.naps });
          }
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
        // It was kept for as long as this ran.
        if (input.upload !== "") await readUpload(context);
        return { nonce, rows };
      } catch (error) {
        if (cleans) yield log("caught", { caught: row });
        throw error;
      } finally {
        if (cleans) {
          yield log("cleaning");
          await pause(5, NEVER);
          // It may have been stopped between the two.
          if (put < row) yield output({ row });
          yield save({ row });
          yield log("cleaned", { cleaned: row });
        }
      }
    },
  });
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
