import { boundOf, type EventType } from "../../lib/task/event.ts";
import type { EventRow } from "../helpers/api.ts";
import type { ReadEvent } from "../helpers/sse.ts";
import { areConsecutive, countedOutputs, isTakenBack } from "./counted.ts";
import { holds, type Invariant } from "./invariants.ts";
import type { Fate } from "./trace.ts";
import { Watcher } from "./watcher.ts";

/** A client of one task's stream. It keeps the events, and fails at one that must not come. */
export class TaskWatcher extends Watcher {
  readonly id: string;
  /** The events that it has seen since {@link TaskWatcher.start}. */
  seen: ReadEvent[] = [];
  /** The id after which it has seen everything; `null` until the first event. */
  start: number | null;
  /** Whether its id is one that no server gave, so that the answer must be a reset. */
  #unusable = false;
  /** Whether the next event is the first on this connection. */
  #first = true;
  /** Whether its task's rows may be trimmed before it reconnects. */
  readonly #fate: Pick<Fate, "trims">;

  /** Connects; `from` is the `Last-Event-ID` to send. */
  constructor(
    where: () => string | null,
    { id, from, fate }: { id: string; from: string | null; fate: Pick<Fate, "trims"> },
  ) {
    super(where, `/tasks/${id}/stream`, from);
    this.id = id;
    this.start = from === "0" ? 0 : null;
    this.#fate = fate;
    this.#unusable = isUnusable(from);
  }

  /** Reconnects with an id that it had, or with one that no server gave. */
  override async comeBack(lastEventId: string | null): Promise<void> {
    await this.drop();
    this.#unusable = isUnusable(lastEventId);
    const at = Number(lastEventId);
    if (lastEventId === null || this.#unusable || this.start === null) {
      this.seen = [];
      this.start = lastEventId === "0" ? 0 : null;
    } else if (at < this.start) {
      this.seen = [];
      this.start = at;
    } else {
      this.seen = this.seen.filter(({ id }) => Number(id) <= at);
    }
    await super.comeBack(lastEventId);
  }

  protected override opened(): void {
    this.#first = true;
  }

  protected override take(event: ReadEvent): void {
    const check = (invariant: Invariant, condition: boolean, what: string) =>
      holds(invariant, condition, () => {
        const before = this.seen.slice(-3).map((it) => JSON.stringify(it).slice(0, 300));
        return `${what}: ${JSON.stringify(event).slice(0, 400)} after ${before.join(", ")}`;
      });
    const first = this.#first;
    this.#first = false;
    if (event.event === "reset") {
      const { reason } = JSON.parse(event.data);
      // Rows may be trimmed faster than it reads them.
      const overtaken = reason === "too-old" && this.#fate.trims;
      check("I10", (this.#unusable && first) || overtaken, "reset");
      this.#unusable = false;
      this.seen = [];
      // A reset's id is not an event's: every stored event follows, from the first.
      this.start = 0;
      return;
    }
    check("I10", !this.#unusable, "no reset");
    const id = Number(event.id);
    check("I3", Number.isSafeInteger(id), "no id");
    this.start ??= id;
    const last = Number(this.seen.at(-1)?.id ?? this.start);
    // A new connection may begin with the current state, under the id of the last event.
    const again = event.event === "message" && first;
    const begins = this.seen.length === 0 && this.start === id;
    check("I3", id > last || (id === last && (again || begins)), `out of order`);
    this.seen.push(event);
  }

  /**
   * Compares the events that were seen with the stored rows.
   *
   * @param seen The events that it had seen before `rows` were read.
   */
  compare(rows: readonly EventRow[], seen: readonly ReadEvent[], start: number): void {
    const check = (invariant: Invariant, condition: boolean, what: () => string) =>
      holds(invariant, condition, () => `a client of ${this.id}: ${what()}`);
    const end = Number(seen.at(-1)?.id ?? start);
    const shown = new Map<number, ReadEvent>();
    for (const event of seen) {
      const seq = Number(event.id);
      // A second event with the same id is the current state, sent again.
      if (event.event !== "message" || !shown.has(seq)) shown.set(seq, event);
    }
    const kept = new Map(rows.map((row) => [row.seq, row]));
    for (const { seq, event, data } of rows) {
      if (seq <= start || seq > end) continue;
      const got = shown.get(seq);
      // The end before a retry is sent only to clients that were connected then.
      if (event === "complete" && got === undefined && rows.at(-1)!.seq > seq) continue;
      check("I3", got?.event === event, () => `${event} ${seq} of ${start}–${end} never came`);
      const same = JSON.stringify(JSON.parse(got!.data)) === JSON.stringify(data);
      check("I3", same, () => `${event} ${seq} came as ${got!.data.slice(0, 300)}`);
    }
    const known = seen.map(({ id, event, data }) => ({
      seq: Number(id),
      event,
      data: JSON.parse(data),
    }));
    const outputs = countedOutputs(known);
    const right = areConsecutive(outputs) && (start > 0 || (outputs[0] ?? 1) === 1);
    check("I19", right, () => `the outputs of ${start}–${end} count as ${outputs}`);
    const oldest = (type: string) => rows.find(({ event }) => event === type)?.seq ?? Infinity;
    for (const { id, event } of seen) {
      const seq = Number(id);
      if (event === "message" || event === "deleted" || kept.has(seq)) continue;
      if (event === "output" && isTakenBack(seq, rows)) continue;
      const bound = boundOf(event as EventType);
      const trimmed = this.#fate.trims && bound !== null && seq < oldest(bound);
      check("I9", trimmed, () => `${event} ${seq} came and is not stored`);
    }
  }
}

/** Whether no server can have given this id. */
function isUnusable(id: string | null): boolean {
  return id !== null && id !== "" && (!/^\d{1,15}$/.test(id) || Number(id) > 1e8);
}
