/**
 * What is stored of a task's steps, sleeps and signals, by name.
 *
 * @module
 */

import { type Answer, readAnswerText } from "../task/answer.ts";
import { readText } from "./head.ts";
import { keys } from "./keys.ts";

/** Signals that a task may have yet to take. */
export const MAX_SIGNALS = 100;

/** What is stored under a name; `null` for nothing. */
export async function readAnswer(kv: Deno.Kv, id: string, name: string): Promise<Answer | null> {
  const text = await readText(kv, keys.answer(id, name));
  return text === null ? null : readAnswerText(text);
}

/** A signal that came and has yet to be taken, as JSON text; `null` for none. */
export function readSignal(kv: Deno.Kv, id: string, name: string): Promise<string | null> {
  return readText(kv, keys.signal(id, name));
}

/** Whether a task has as many signals as it may that it has yet to take. */
export async function hasManySignals(kv: Deno.Kv, id: string): Promise<boolean> {
  const entries = kv.list({ prefix: keys.signalsOf(id) }, { limit: MAX_SIGNALS });
  return (await Array.fromAsync(entries)).length === MAX_SIGNALS;
}
