/**
 * What the store has of a task, as far as this process knows: its head, its large texts and the
 * keys that lead to it; and what a commit has to change in them.
 *
 * @module
 */

import { byteLength } from "../base/bytes.ts";
import {
  FOLD_MS,
  type Head,
  INLINE_INPUT,
  INLINE_RESULT,
  type Kept,
  pack,
  textValue,
} from "../kv/head.ts";
import { keys } from "../kv/keys.ts";
import type { Status } from "../task/record.ts";
import type { Task } from "../task/task.ts";
import { traceSize } from "../task/trace.ts";
import { type IndexKeys, indexKeysOf, moveIndexKeys } from "./index_keys.ts";
import type { Part } from "./write.ts";

export class StoredHead {
  input: Kept;
  #result: Kept;
  #index: IndexKeys | null;
  #check: Deno.AtomicCheck | null;
  /** Milliseconds since the epoch. */
  #writtenAt = -Infinity;

  private constructor(
    input: Kept,
    result: Kept,
    index: IndexKeys | null,
    check: Deno.AtomicCheck | null,
  ) {
    this.input = input;
    this.#result = result;
    this.#index = index;
    this.#check = check;
  }

  /** For a new task, of which the store has nothing. `input` says where its JSON text will be. */
  static ofNew(input: Kept): StoredHead {
    return new StoredHead(input, null, null, null);
  }

  /** For a task that was read: the next commit checks that the head is unchanged. */
  static asRead({ key, value, versionstamp }: Deno.KvEntry<Head>, task: Task): StoredHead {
    return new StoredHead(value.input, value.result, indexKeysOf(task), { key, versionstamp });
  }

  /** The status in the store; `null` for a new task. */
  get status(): Status | null {
    return this.#index?.status ?? null;
  }

  /** Checks that the head is unchanged; `null` if nobody else can have written it. */
  get check(): Deno.AtomicCheck | null {
    return this.#check;
  }

  /** Whether the head was written less than `FOLD_MS` ago, so that it need not be again. */
  isRecent(now: number): boolean {
    const age = now - this.#writtenAt;
    // A clock that was set back must not delay the write.
    return age >= 0 && age < FOLD_MS;
  }

  /** Forgets the result: a new run has none yet. */
  dropResult(): void {
    this.#result = null;
  }

  /**
   * Adds the head and its index keys to `part`, and the result if there is a new one. `json` is the
   * record as JSON text, if it was rendered before.
   */
  render(
    part: Required<Part>,
    task: Task,
    result: string | null,
    now: number,
    json?: string,
  ): void {
    const { task_id: id } = task.record;
    this.#writtenAt = now;
    if (result !== null) {
      const inline = byteLength(result) <= INLINE_RESULT;
      this.#result = inline ? result : { kept: true };
      if (!inline) part.sets.push([keys.result(id), textValue(result), byteLength(result)]);
    }
    const head = pack(task, this.input, this.#result, json);
    const size = head.record.length * 2 + 1024 + traceSize(task.trace) +
      32 * (task.uploads?.length ?? 0);
    part.sets.push([keys.task(id), head, size]);
    this.#index = moveIndexKeys(part, task, this.#index);
  }

  /** The head was committed. Unless only this process writes it, the next commit checks it. */
  committed(id: string, versionstamp: string, oursAlone: boolean): void {
    this.#check = oursAlone ? null : { key: keys.task(id), versionstamp };
  }
}

/** Where a task's input is kept, and what stores it if that is not the head. */
export function placeInput(id: string, json: string | null): { kept: Kept; part: Part | null } {
  if (json === null || byteLength(json) <= INLINE_INPUT) return { kept: json, part: null };
  return {
    kept: { kept: true },
    part: { sets: [[keys.input(id), textValue(json), byteLength(json)]] },
  };
}
