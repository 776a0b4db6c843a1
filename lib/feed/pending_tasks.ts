import type { Moves, OpenStates, PendingState, PendingStates } from "../kv/pending_state.ts";
import { MovedTasks } from "./moved_tasks.ts";
import type { Row, TaskEvent } from "../task/event.ts";

/** What the journal holds of a task that may not be in the task's own keys. */
interface Unfolded {
  /** The versionstamp of its oldest journal entry. */
  since: string;
  seq: number;
  progress?: TaskEvent;
  checkpoint?: TaskEvent;
  rows: Row[];
}

/** The pending states of tasks, collected from the events that the hub passes on. */
export class PendingTasks implements PendingStates {
  /** Ordered by their oldest journal entry. */
  readonly #unfolded = new Map<string, Unfolded>();
  /** Progress that was shown at once and is in no commit yet. */
  readonly #shown = new Map<string, TaskEvent>();
  /** What was folded since each read under way began, by task. */
  readonly #open = new Set<Map<string, PendingState[]>>();
  readonly #moved = new MovedTasks();

  get(id: string): PendingState | undefined {
    const unfolded = this.#unfolded.get(id);
    const shown = this.#shown.get(id);
    if (shown === undefined) return unfolded;
    const seq = Math.max(shown.seq, unfolded?.seq ?? 0);
    return { rows: [], ...unfolded, progress: shown, seq };
  }

  open(): OpenStates {
    const folded = new Map<string, PendingState[]>();
    this.#open.add(folded);
    return {
      get: (id) => {
        const now = this.get(id);
        const before = folded.get(id);
        if (before === undefined) return now;
        return now === undefined ? merged(before) : merged([...before, now]);
      },
      [Symbol.dispose]: () => void this.#open.delete(folded),
    };
  }

  moves(): Moves {
    return this.#moved.open();
  }

  /** The versionstamp of the oldest journal entry that is still needed; `undefined` for none. */
  get oldest(): string | undefined {
    for (const { since } of this.#unfolded.values()) return since;
    return undefined;
  }

  /** Progress of all tasks that was shown and is not in the journal yet. */
  get shown(): Iterable<TaskEvent> {
    return this.#shown.values();
  }

  show(event: TaskEvent): void {
    this.#shown.set(event.id, event);
  }

  /** Takes in an event of the journal; returns whether it is progress that was shown before. */
  note(versionstamp: string, event: TaskEvent): boolean {
    const { type, id, kind, seq } = event;
    switch (type) {
      case "progress": {
        this.#of(event, versionstamp).progress = event;
        const shown = this.#shown.get(id);
        if (shown === undefined) return false;
        if (seq >= shown.seq) this.#shown.delete(id);
        return seq <= shown.seq;
      }
      case "checkpoint":
        this.#of(event, versionstamp).checkpoint = event;
        return false;
      case "log":
      case "output":
      case "step":
        this.#of(event, versionstamp).rows.push(event);
        return false;
      case "message":
        this.#moved.note({ id, kind });
        this.#fold(id, seq);
        break;
      case "complete":
      case "rewind":
      case "folded":
      case "deleted":
        this.#fold(id, seq);
    }
    return false;
  }

  #of({ id, seq }: TaskEvent, since: string): Unfolded {
    let unfolded = this.#unfolded.get(id);
    if (unfolded === undefined) this.#unfolded.set(id, unfolded = { since, seq, rows: [] });
    unfolded.seq = Math.max(unfolded.seq, seq);
    return unfolded;
  }

  #fold(id: string, seq: number): void {
    const shown = this.#shown.get(id);
    const isOver = shown !== undefined && shown.seq <= seq;
    const state = isOver ? this.get(id) : this.#unfolded.get(id);
    if (state === undefined) return;
    this.#unfolded.delete(id);
    if (isOver) this.#shown.delete(id);
    for (const folded of this.#open) folded.set(id, [...folded.get(id) ?? [], state]);
  }
}

/** Merges several states of one task, oldest first. */
function merged(states: readonly PendingState[]): PendingState {
  return {
    seq: Math.max(...states.map(({ seq }) => seq)),
    progress: states.findLast(({ progress }) => progress)?.progress,
    checkpoint: states.findLast(({ checkpoint }) => checkpoint)?.checkpoint,
    rows: states.flatMap(({ rows }) => rows),
  };
}
