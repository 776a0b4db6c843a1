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

  /** Of a new task: the store has nothing. `input` is where its JSON text will be. */
  static ofNew(input: Kept): StoredHead {
    return new StoredHead(input, null, null, null);
  }

  /** As read: what is written next is checked against it. */
  static asRead({ key, value, versionstamp }: Deno.KvEntry<Head>, task: Task): StoredHead {
    return new StoredHead(value.input, value.result, indexKeysOf(task), { key, versionstamp });
  }

  /** The task's state there; `null` where there is none. */
  get status(): Status | null {
    return this.#index?.status ?? null;
  }

  /** What the next commit has to find unchanged; `null` where nobody else writes it. */
  get check(): Deno.AtomicCheck | null {
    return this.#check;
  }

  /** Whether it need not be written yet. */
  isRecent(now: number): boolean {
    const age = now - this.#writtenAt;
    // A clock that was set back must not keep it back.
    return age >= 0 && age < FOLD_MS;
  }

  /** Another attempt has no result yet. */
  dropResult(): void {
    this.#result = null;
  }

  /**
   * Puts the head and what leads to it into `part`, and the result where there is a new one. `json`
   * is the record's, where that is known.
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

  /** A commit wrote it. Where it is not ours alone, the next one must find what we wrote. */
  committed(id: string, versionstamp: string, oursAlone: boolean): void {
    this.#check = oursAlone ? null : { key: keys.task(id), versionstamp };
  }
}

/** Where a task's input is kept, and what stores it where that is not the head. */
export function placeInput(id: string, json: string | null): { kept: Kept; part: Part | null } {
  if (json === null || byteLength(json) <= INLINE_INPUT) return { kept: json, part: null };
  return {
    kept: { kept: true },
    part: { sets: [[keys.input(id), textValue(json), byteLength(json)]] },
  };
}
