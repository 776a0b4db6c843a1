import type { TaskRecord } from "headway";
import type { ReadEvent } from "../helpers/sse.ts";
import { holds } from "./invariants.ts";
import { Watcher } from "./watcher.ts";

/**
 * Milliseconds of progress that a kill may take back: the server stores it within 250, and a busy
 * machine needs a margin.
 */
const TAKEN_BACK_MS = 250 + 1000;

/** A client of the stream of all tasks, which keeps the record of each. */
export class FeedWatcher extends Watcher {
  /** The records that it received, by id. */
  readonly records = new Map<string, TaskRecord>();
  /** All cursors that it received, to reconnect with an old one. */
  readonly cursors: string[] = [];
  /** Whether it connected with a cursor, and so lacks tasks that have not changed since. */
  partial = false;
  /** When each record came, in milliseconds of `performance.now()`. */
  readonly #came = new Map<string, number>();
  /** When the server was last killed, likewise. */
  #killedAt = -Infinity;

  /** Connects; `from` is the cursor to connect with. */
  constructor(where: () => string | null, from: string | null = null) {
    super(where, "/tasks/stream", from);
    this.partial = from !== null;
  }

  /** The server is being killed. */
  noteKill(): void {
    this.#killedAt = performance.now();
  }

  /** The server was stopped until now: for it, no time has passed since the records came. */
  noteThaw(): void {
    for (const id of this.#came.keys()) this.#came.set(id, performance.now());
  }

  /** Whether a kill may have taken back its record of a task. */
  #mayBeTakenBack(id: string): boolean {
    const came = this.#came.get(id) ?? -Infinity;
    return came < this.#killedAt && this.#killedAt - came < TAKEN_BACK_MS;
  }

  /** Whether its record of a task is as new as this one, or may be missing. */
  knows({ task_id, status, seq }: Pick<TaskRecord, "task_id" | "status" | "seq">): boolean {
    const known = this.records.get(task_id);
    if (known === undefined) return this.partial;
    return known.status === status || known.seq >= seq - 1;
  }

  protected override opened(): void {}

  protected override take({ id, event, data }: ReadEvent): void {
    const content = JSON.parse(data);
    this.cursors.push(id);
    if (event === "snapshot" || event === "reset") {
      this.records.clear();
      this.partial = false;
      for (const record of content.tasks) this.records.set(record.task_id, record);
    } else if (event === "deleted") {
      this.records.delete(content.task_id);
    } else if (event === "message") {
      const record = content as TaskRecord;
      const before = this.records.get(record.task_id);
      // A snapshot is newer than its id: a reconnect with that id brings some older records again.
      if (before !== undefined && record.seq < before.seq) return;
      const falls = before !== undefined && before.attempt === record.attempt &&
        before.status === "running" && record.status === "running" &&
        (record.progress ?? 0) < (before.progress ?? 0);
      const lost = falls && this.#mayBeTakenBack(record.task_id);
      holds("I9", !falls || lost, () => `${record.progress} % after ${before!.progress}`);
      this.records.set(record.task_id, record);
      this.#came.set(record.task_id, performance.now());
    }
  }

  /** Reconnects. With a cursor other than its last it forgets its records, and gets the later ones. */
  override async comeBack(lastEventId: string | null): Promise<void> {
    await this.drop();
    if (lastEventId !== this.lastEventId) {
      this.records.clear();
      this.partial = true;
    }
    await super.comeBack(lastEventId);
  }
}
