/**
 * A cluster within the test's own process, and a kind that counts its runs.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { type AnyTask, defineTask, progress } from "headway";
import { createLogger } from "../../lib/base/log.ts";
import { Engine } from "../../lib/engine.ts";
import type { EngineOptions } from "../../lib/engine_parts.ts";
import { Kinds, ModuleOfKinds } from "../../lib/runner/kinds.ts";
import { startInline } from "../../lib/runner/task_process.ts";
import type { Submission } from "../../lib/store/store.ts";
import type { TaskRecord } from "../../lib/task/record.ts";
import { eventually } from "./eventually.ts";
import { tempDir } from "./temp_dir.ts";

export const quiet = createLogger({ level: "off" });

/** Short, so that a dead process is noticed soon; far longer than a commit to the disk takes. */
export const LEASE_MS = 1500;

/** A cluster within this process: engines that share one database handle. */
export class Cluster implements AsyncDisposable {
  readonly kv: Deno.Kv;
  readonly #tasks: readonly AnyTask[];
  readonly #resources: AsyncDisposableStack;
  readonly #open = new Set<Engine>();

  private constructor(kv: Deno.Kv, kinds: AnyTask[], resources: AsyncDisposableStack) {
    this.kv = kv;
    this.#tasks = kinds;
    this.#resources = resources;
  }

  static async open(...kinds: AnyTask[]): Promise<Cluster> {
    await using resources = new AsyncDisposableStack();
    const { path } = resources.use(await tempDir());
    const kv = resources.adopt(await Deno.openKv(`${path}/test.db`), (kv) => kv.close());
    return new Cluster(kv, kinds, resources.move());
  }

  async join(more: Partial<EngineOptions> = {}): Promise<Engine> {
    const tasks = new Map(this.#tasks.map((task) => [task.kind, task]));
    const module = new ModuleOfKinds(
      { url: "data:,", name: "tests", flags: [], config: null },
      tasks,
    );
    const kinds = new Kinds([module], quiet);
    const engine = await Engine.open({
      kv: this.kv,
      alone: false,
      role: "all",
      kinds,
      startProcess: (_, events) => startInline(() => Promise.resolve({ ...this.#tasks }), events),
      processes: 1,
      concurrency: 100,
      leaseMs: LEASE_MS,
      retentionMs: { completed: 1e9, failed: 1e9, canceled: 1e9 },
      rowBounds: {
        log: { rows: 10_000, bytes: 64 * 1024 ** 2 },
        output: { rows: 10_000, bytes: 64 * 1024 ** 2 },
      },
      log: quiet,
      ...more,
    });
    this.#open.add(engine);
    return engine;
  }

  /** Stops an engine as a crash would: its session stays. */
  async kill(engine: Engine): Promise<void> {
    this.#open.delete(engine);
    await engine.abandon();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const engine of this.#open) await engine.close(0);
    await this.#resources.disposeAsync();
  }
}

export async function submit(
  { store }: Engine,
  kind: string,
  more: Partial<Submission> = {},
): Promise<string> {
  const submitted = await store.submit({
    kind,
    maxAttempts: 1,
    priority: 0,
    runAt: store.now(),
    timeoutMs: null,
    input: null,
    ...more,
  });
  assert(submitted.ok);
  return submitted.id;
}

export async function recordOf({ store }: Engine, id: string): Promise<TaskRecord> {
  const stored = await store.heads.get(id);
  assert(stored, `no task ${id}`);
  return JSON.parse(stored.record);
}

export function when(
  engine: Engine,
  id: string,
  status: TaskRecord["status"],
): Promise<TaskRecord> {
  return eventually(async () => {
    const record = await recordOf(engine, id);
    assertEquals(record.status, status);
    return record;
  });
}

/** Rejects when the signal aborts, and never resolves. */
export function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    if (signal.aborted) reject(signal.reason);
  });
}

/** A kind whose runs wait for `open()`, and which counts its runs. */
export function counted(kind: string, options: { concurrency?: number } = {}) {
  const runs = new Map<string, number>();
  let gate = Promise.withResolvers<void>();
  const seen = { active: 0, most: 0 };
  const task = defineTask({
    kind,
    ...options,
    async *run({ taskId, signal }) {
      runs.set(taskId, (runs.get(taskId) ?? 0) + 1);
      seen.most = Math.max(seen.most, ++seen.active);
      try {
        yield progress({ progress: 1 });
        await Promise.race([gate.promise, untilAborted(signal)]);
        yield progress({ progress: 50 });
      } finally {
        seen.active--;
      }
    },
  });
  return {
    task,
    runs,
    seen,
    open: () => gate.resolve(),
    shut: () => gate = Promise.withResolvers(),
  };
}
