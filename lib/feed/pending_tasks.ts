import type { OpenStates, PendingState, PendingStates } from "../kv/pending_state.ts";
import type { Row, TaskEvent } from "../task/event.ts";

/** What the journal holds of a task and the task's own keys may not. */
interface Unfolded {
  /** The versionstamp of the oldest of it. */
  since: string;
  seq: number;
  progress?: TaskEvent;
  checkpoint?: TaskEvent;
  rows: Row[];
}

/** What is pending of tasks, as the hub saw it go by. */
export class PendingTasks implements PendingStates {
  /** Those that begin earlier in the journal come first. */
  readonly #unfolded = new Map<string, Unfolded>();
  /** Progress that was shown at once and that no commit has yet. */
  readonly #shown = new Map<string, TaskEvent>();
  /** Of each read that is under way: what was folded since it began. */
  readonly #open = new Set<Map<string, PendingState[]>>();

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

  /** The versionstamp of the oldest journal entry that is needed still; `undefined` for none. */
  get oldest(): string | undefined {
    for (const { since } of this.#unfolded.values()) return since;
    return undefined;
  }

  /** Progress that was shown and that the journal does not have, of every task. */
  get shown(): Iterable<TaskEvent> {
    return this.#shown.values();
  }

  show(event: TaskEvent): void {
    this.#shown.set(event.id, event);
  }

  /** Takes in an event of the journal; returns whether it is one that was shown before. */
  note(versionstamp: string, event: TaskEvent): boolean {
    const { type, id, seq } = event;
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

/** Several states of one task, oldest first, as one. */
function merged(states: readonly PendingState[]): PendingState {
  return {
    seq: Math.max(...states.map(({ seq }) => seq)),
    progress: states.findLast(({ progress }) => progress)?.progress,
    checkpoint: states.findLast(({ checkpoint }) => checkpoint)?.checkpoint,
    rows: states.flatMap(({ rows }) => rows),
  };
}
