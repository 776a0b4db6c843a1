/**
 * Adds to what a task has yielded: rows, and the checkpoints and rewinds that say which of its
 * outputs count.
 *
 * @module
 */

import { type Key, keys } from "../kv/keys.ts";
import { textValue } from "../kv/head.ts";
import { type Answer, answerText, MAX_ANSWERS } from "../task/answer.ts";
import { withArtifact } from "../task/artifact_list.ts";
import { withFirst } from "../task/json_text.ts";
import type { LogLevel } from "../task/log_level.ts";
import type { ArtifactRecord } from "../task/record.ts";
import { rewindOf, rewound, withCheckpoint } from "../task/rewind.ts";
import type { CurrentTask } from "./current_task.ts";
import type { TaskWriter } from "./task_writer.ts";
import type { Part } from "./write.ts";

/** Most answers that a task may store: a sleep and a signal each store two. */
const MAX_KEPT = 2 * MAX_ANSWERS;

/** `step` rows after which {@link TaskRows.step} adds no more. */
const MAX_STEP_ROWS = 3 * MAX_ANSWERS;

export class TaskRows {
  readonly #current: CurrentTask;
  readonly #writer: TaskWriter;
  readonly #now: () => number;

  /** `now` gives milliseconds since the epoch. */
  constructor(current: CurrentTask, writer: TaskWriter, now: () => number) {
    this.#current = current;
    this.#writer = writer;
    this.#now = now;
  }

  /** Adds a log or output row. `json` is an object's text; the `seq` becomes its first field. */
  add(type: "log" | "output", json: string): void {
    this.#add(type, json);
  }

  /** Adds a log row that the engine writes, not the task. */
  log(level: LogLevel, message: string, data?: Record<string, unknown>): void {
    const time = this.#time();
    this.#add("log", JSON.stringify({ level, message, time, ...(data ? { data } : {}) }));
  }

  /** Adds a row about a step, a sleep, a signal or children, up to `MAX_STEP_ROWS` of them. */
  step(json: string): void {
    const { steps = 0 } = this.#current.task;
    if (steps < MAX_STEP_ROWS) this.#add("step", json);
  }

  /**
   * Stores an answer under a name, after the events before it.
   *
   * @param row The `step` row about it.
   * @param takes Whether it takes the signal of this name.
   * @returns `false` if the task has stored too many answers.
   */
  answer(name: string, answer: Answer, { row, takes }: { row: string; takes: boolean }): boolean {
    const { id, task: { answers = 0, children = 0 } } = this.#current;
    if (answers >= MAX_KEPT) return false;
    const value = textValue(answerText(answer));
    // From now on it may have children, which must be canceled if it ends before them.
    const parent = answer.type === "children";
    this.#current.note({ answers: answers + 1, deaths: 0, ...(parent ? { children } : {}) });
    this.#add("step", row, {
      sets: [
        [keys.answer(id, name), value, value.length],
        ...(parent ? [[keys.parent(id), null, 8] as [Key, unknown, number]] : []),
      ],
      deletes: takes ? [keys.signal(id, name)] : [],
    });
    return true;
  }

  /**
   * Adds an artifact whose bytes are all stored.
   *
   * @param row The data of its row: an object as JSON text.
   * @param part Makes the artifact findable; committed with the row, after all events before it.
   */
  artifact(artifact: ArtifactRecord, row: string, part: Part): void {
    const { task } = this.#current;
    this.#current.task = { ...task, record: withArtifact(task.record, artifact) };
    this.#add("artifact", row, part);
    // The record lists it, too, so a new record has to be shown.
    this.#writer.report();
  }

  /** Saves a checkpoint, after the rows before it. */
  save(json: string): void {
    const seq = this.#current.nextSeq();
    this.#current.task = withCheckpoint(this.#current.task, seq);
    const event = this.#current.event("checkpoint", seq, json);
    this.#writer.event({ event, after: this.#current.task });
  }

  /** Takes back the outputs after the last checkpoint: the run that starts yields them again. */
  rewind(): void {
    const after = rewindOf(this.#current.task);
    if (after === null) return;
    const seq = this.#current.nextSeq();
    this.#current.task = rewound(this.#current.task, after, seq);
    const json = JSON.stringify({ seq, after, time: this.#time() });
    const event = this.#current.event("rewind", seq, json);
    this.#writer.event({ event, after: this.#current.task });
  }

  #add(type: "log" | "output" | "artifact" | "step", json: string, part?: Part): void {
    const seq = this.#current.nextSeq();
    const event = this.#current.event(type, seq, withFirst(json, "seq", String(seq)));
    this.#current.count(event);
    this.#writer.event({ event, after: this.#current.task, ...(part ? { part } : {}) });
  }

  #time(): string {
    return new Date(this.#now()).toISOString();
  }
}
