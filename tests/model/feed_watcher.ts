import type { TaskRecord } from "headway";
import type { ReadEvent } from "../helpers/sse.ts";
import { holds } from "./invariants.ts";
import { Watcher } from "./watcher.ts";

/**
 * Milliseconds of progress that a kill may take back, with a margin for a machine that is busy: the
 * server promises to store it within 250.
 */
const TAKEN_BACK_MS = 250 + 1000;

/** A client of the stream of all tasks: it knows where each stands. */
export class FeedWatcher extends Watcher {
  /** The records it has, by id. */
  readonly records = new Map<string, TaskRecord>();
  /** Cursors it had, for coming back with an old one. */
  readonly cursors: string[] = [];
  /** It came with an old cursor: what has not changed since, it does not know. */
  partial = false;
  /** When each of its records came, milliseconds. */
  readonly #came = new Map<string, number>();
  /** When the server was killed last. */
  #killedAt = -Infinity;

  /** Connects; `from` is a cursor that it says it has. */
  constructor(where: () => string | null, from: string | null = null) {
    super(where, "/tasks/stream", from);
    this.partial = from !== null;
  }

  /** The server is being killed. */
  noteKill(): void {
    this.#killedAt = performance.now();
  }

  /** The server stood still until now: no time passed for it. */
  noteThaw(): void {
    for (const id of this.#came.keys()) this.#came.set(id, performance.now());
  }

  /** Whether a kill may have taken back the record that it has of a task. */
  #mayBeTakenBack(id: string): boolean {
    const came = this.#came.get(id) ?? -Infinity;
    return came < this.#killedAt && this.#killedAt - came < TAKEN_BACK_MS;
  }

  /** Whether it knows as much of a task as its record says, or may know nothing of it. */
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
      // A snapshot is newer than its id: whoever comes back with that is told some of it again.
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

  /** Comes again with an old cursor, and is told again what happened since. */
  override async comeBack(lastEventId: string | null): Promise<void> {
    await this.drop();
    if (lastEventId !== this.lastEventId) {
      this.records.clear();
      this.partial = true;
    }
    await super.comeBack(lastEventId);
  }
}
