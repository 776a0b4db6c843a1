import type { TaskContext, Yield } from "headway";
import { readYield } from "../../lib/child/yields.ts";
import { toJson } from "../../lib/task/json_value.ts";

export interface TaskContextOptions {
  /** The bytes of every upload. */
  bytes?: Uint8Array;
  /** Returns the bytes of the next chunk. By default there is one chunk. */
  chunkSize?: () => number;
  /** The checkpoint that the run starts with. */
  checkpoint?: unknown;
  /** Aborts the task. */
  signal?: AbortSignal;
}

/** A task's context without an engine: uploads come from memory, in chunks of any size. */
export function taskContext<Input>(
  input: Input,
  options: TaskContextOptions = {},
): TaskContext<Input> {
  const { bytes = new Uint8Array(), chunkSize = () => Infinity } = options;
  return {
    input,
    signal: options.signal ?? new AbortController().signal,
    checkpoint: options.checkpoint,
    attempt: 1,
    taskId: "01J0000000000000000000TEST",
    stepKey: (name) => name,
    upload(_uploadId, { offset = 0 } = {}) {
      return new ReadableStream({
        pull(controller) {
          if (offset >= bytes.length) return controller.close();
          const end = Math.min(bytes.length, offset + Math.max(1, chunkSize()));
          controller.enqueue(bytes.slice(offset, end));
          offset = end;
        },
      });
    },
    uploadInfo(uploadId) {
      const expires_at = "2030-01-01T00:00:00.000Z";
      const size = bytes.length;
      return Promise.resolve({ upload_id: uploadId, size, sha256: "", name: null, expires_at });
    },
  };
}

/**
 * Runs a generator to its end, and returns all it yielded and its result.
 *
 * @throws {TypeError} If the engine could not store any of that.
 */
export async function collect<Yielded extends Yield, Result>(
  run: AsyncGenerator<Yielded, Result, void>,
): Promise<{ yields: Yielded[]; result: Result }> {
  const yields: Yielded[] = [];
  for (;;) {
    const step = await run.next();
    if (step.done) {
      toJson(step.value, { what: "the task's return", root: "result" });
      return { yields, result: step.value };
    }
    readYield(step.value, 0);
    yields.push(step.value);
  }
}
