/**
 * What opens the form for a new task.
 *
 * @module
 */

import { signal } from "@preact/signals";

export interface NewTask {
  readonly file: File | null;
  /** The task that is to be run again, with an input that may be another. */
  readonly again: { readonly kind: string; readonly taskId: string } | null;
}

/** The form is open; `null` while it is not. */
export const newTask = signal<NewTask | null>(null);

export function openForm(): void {
  newTask.value = { file: null, again: null };
}

/** Opens the form with the input of a task. */
export function openFormAgain(kind: string, taskId: string): void {
  newTask.value = { file: null, again: { kind, taskId } };
}

/** Takes a file that was dropped: into the form, which opens if it is not. */
export function dropFile(file: File): void {
  newTask.value = { again: null, ...newTask.peek(), file };
}

export function closeForm(): void {
  newTask.value = null;
}
