import { isUnderWay } from "../kv/head.ts";
import type { Heads } from "../kv/heads.ts";
import { keys } from "../kv/keys.ts";
import type { Decided } from "./decided.ts";
import type { Journal } from "./journal.ts";
import type { LiveTask } from "./live_task.ts";
import type { LiveTasks } from "./live_tasks.ts";
import { decideAgain, inTime, stillHeld, StoreError } from "./store_error.ts";

export interface DecisionsOptions {
  heads: Heads;
  journal: Journal;
  tasks: LiveTasks;
}

/** Milliseconds without a successful commit after which new writes are refused. */
const STALLED_MS = 2000;

/** Decides about tasks by their newest state, and again if another process was first. */
export class Decisions {
  readonly #options: DecisionsOptions;

  constructor(options: DecisionsOptions) {
    this.#options = options;
  }

  /**
   * Refuses a write that would only wait, before it has changed anything.
   *
   * @throws {StoreError} When the store takes no writes.
   */
  requireStore(): void {
    if (this.#options.journal.stalledMs > STALLED_MS) throw new StoreError("stalled");
  }

  /**
   * Runs `action` on a task, or asks the process that runs it to stop it. Resolves when that is
   * durable.
   *
   * @param refusal Looks for a reason against it other than the task's own state, before each try.
   * @param by Who asks for it; absent for the server itself.
   */
  decide(
    id: string,
    action: (live: LiveTask) => "changed" | "refused" | "remote",
    { refusal = () => Promise.resolve(null), by }: {
      refusal?: () => Promise<Decided | null>;
      by?: string | undefined;
    } = {},
  ): Promise<Decided> {
    this.requireStore();
    return decideAgain(async () => {
      const refused = await refusal();
      if (refused) return refused;
      let live: LiveTask | undefined;
      const did = await this.#options.tasks.withTask(id, (it) => action(live = it));
      if (did === null || !live) return { ok: false, reason: "not-found" };
      const { status, kind } = live.record;
      if (did === "refused") return { ok: false, reason: "wrong-state", status };
      if (did === "remote") {
        await this.#ask(id, kind, by);
        return { ok: true, status: "asked" };
      }
      if (!await stillHeld(live.committed())) return undefined;
      return { ok: true, status: status === "running" ? "asked" : status };
    });
  }

  /** Whether there is such a task, and it has not ended. */
  async isUnderWay(id: string): Promise<boolean> {
    return isUnderWay(await this.#options.heads.get(id));
  }

  /** Asks whoever runs a task to stop it. */
  async #ask(id: string, kind: string, by: string | undefined): Promise<void> {
    const outcome = await inTime(this.#options.journal.write({
      sets: [[keys.cancel(id), by ?? null, 256]],
      events: [{ type: "cancel", id, kind, seq: 0, json: JSON.stringify(by ?? null) }],
    }));
    if (!outcome.ok) throw new StoreError(outcome);
  }
}
