import { checkedAnswer, hasManySignals, readSignal, signalValue } from "../kv/answers.ts";
import type { Heads } from "../kv/heads.ts";
import { keys } from "../kv/keys.ts";
import { statusOf } from "../task/json_text.ts";
import { isFinished, type Status, type TaskRecord } from "../task/record.ts";
import type { Decisions } from "./decisions.ts";
import type { Journal } from "./journal.ts";
import type { LiveTask } from "./live_task.ts";
import { decideAgain, stillHeld } from "./store_error.ts";

/** The result of sending a signal. */
export type Signaled =
  | { ok: true; status: Status }
  | { ok: false; reason: "not-found" }
  | { ok: false; reason: "wrong-state"; status: Status }
  /** One of this name was sent before; the first one counts. */
  | { ok: false; reason: "sent" }
  /** Too many others wait for the task to take them. */
  | { ok: false; reason: "too-many" };

export interface SignalsOptions {
  kv: Deno.Kv;
  heads: Heads;
  journal: Journal;
  decisions: Decisions;
  /** A task that waited for a signal is pending. */
  onpending(live: LiveTask): void;
}

/** Stores signals for tasks, and wakes those that wait for them. */
export class Signals {
  readonly #options: SignalsOptions;

  constructor(options: SignalsOptions) {
    this.#options = options;
  }

  /**
   * Stores a signal for a task, given as JSON text, and wakes the task if it waits for it. Resolves
   * when that is durable.
   *
   * @param by Who sends it.
   */
  send(id: string, name: string, json: string, by?: string): Promise<Signaled> {
    const { kv, heads, journal, decisions } = this.#options;
    const key = keys.signal(id, name);
    const value = signalValue({ json, by: by ?? null });
    const size = value.json.length + 256;
    return decideAgain<Signaled>(async () => {
      decisions.requireStore();
      const head = await heads.get(id);
      if (!head) return { ok: false, reason: "not-found" };
      const status = statusOf(head.record) as Status;
      if (isFinished(status)) return { ok: false, reason: "wrong-state", status };
      if (await hasManySignals(kv, id)) return { ok: false, reason: "too-many" };
      // A signal that was taken is gone, but its answer is there: so both are checked.
      const [{ versionstamp }, { answer, check }] = await Promise.all([
        kv.get(key),
        checkedAnswer(kv, id, name),
      ]);
      if (versionstamp !== null || answer?.done) return { ok: false, reason: "sent" };
      const checks = [{ key, versionstamp }, check];
      if (!await stillHeld(journal.write({ checks, sets: [[key, value, size]] }))) return undefined;
      return { ok: true, status: await this.wake(id) ?? status };
    });
  }

  /** Refuses signals of a name from now on, unless one has come. Resolves when that is durable. */
  async close(id: string, name: string): Promise<void> {
    const key = keys.signal(id, name);
    await this.#options.journal.write({
      checks: [{ key, versionstamp: null }],
      sets: [[key, null, 8]],
    });
  }

  /**
   * Wakes a task that waits for a signal which has come. Resolves when that is durable.
   *
   * @returns Its state then; `null` if it does not wait for a signal, or that has not come.
   */
  async wake(id: string): Promise<Status | null> {
    const { kv, heads, decisions, onpending } = this.#options;
    const head = await heads.get(id);
    const awaited = head && awaitedSignal(JSON.parse(head.record) as TaskRecord);
    const signal = awaited ? await readSignal(kv, id, awaited) : null;
    if (signal === null) return null;
    const change = { type: "wake" as const, ...(signal.by === null ? {} : { by: signal.by }) };
    const decided = await decisions.decide(id, (live) => {
      if (awaitedSignal(live.record) !== awaited || !live.change(change).ok) {
        return "refused";
      }
      onpending(live);
      return "changed";
    });
    if (!decided.ok) return null;
    // It may have been claimed at once.
    return decided.status === "asked" ? "running" : decided.status;
  }
}

/** The signal that a task waits for; `null` for none. */
function awaitedSignal({ waiting_for }: TaskRecord): string | null {
  return waiting_for?.type === "signal" ? waiting_for.name : null;
}
