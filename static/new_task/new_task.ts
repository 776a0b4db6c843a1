/**
 * Opens and closes the form for a new task.
 *
 * @module
 */

import { signal } from "@preact/signals";

export interface NewTask {
  readonly file: File | null;
  /** The task to run again, with an input that can be edited. */
  readonly again: { readonly kind: string; readonly taskId: string } | null;
}

/** What the open form is for; `null` while it is closed. */
export const newTask = signal<NewTask | null>(null);

export function openForm(): void {
  newTask.value = { file: null, again: null };
}

/** Opens the form with the input of a task. */
export function openFormAgain(kind: string, taskId: string): void {
  newTask.value = { file: null, again: { kind, taskId } };
}

/** Puts a dropped file into the form, which opens if it is closed. */
export function dropFile(file: File): void {
  newTask.value = { again: null, ...newTask.peek(), file };
}

export function closeForm(): void {
  newTask.value = null;
}
