/**
 * The stored answers and signals of a task, by name.
 *
 * @module
 */

import { type Answer, readAnswerText } from "../task/answer.ts";
import { readText, textValue } from "./head.ts";
import { keys } from "./keys.ts";

/** Most signals that a task may have and not have taken yet. */
export const MAX_SIGNALS = 100;

/** What is stored under a name; `null` for nothing. */
export async function readAnswer(kv: Deno.Kv, id: string, name: string): Promise<Answer | null> {
  const text = await readText(kv, keys.answer(id, name));
  return text === null ? null : readAnswerText(text);
}

/** The same, and a check that holds until it changes. */
export async function checkedAnswer(
  kv: Deno.Kv,
  id: string,
  name: string,
): Promise<{ answer: Answer | null; check: Deno.AtomicCheck }> {
  const { key, value, versionstamp } = await kv.get<Uint8Array>(keys.answer(id, name));
  const answer = value === null ? null : readAnswerText(new TextDecoder().decode(value));
  return { answer, check: { key, versionstamp } };
}

/** A signal that the task has not taken yet. */
export interface Signal {
  /** JSON text. */
  json: string;
  /** Who sent it; `null` if that is not known. */
  by: string | null;
}

/** A signal as it is stored. */
export function signalValue({ json, by }: Signal): { json: Uint8Array; by: string | null } {
  return { json: textValue(json), by };
}

/** `null` if there is none. Once none may come, its key has no value. */
export async function readSignal(kv: Deno.Kv, id: string, name: string): Promise<Signal | null> {
  type Stored = ReturnType<typeof signalValue>;
  const { value } = await kv.get<Stored | Uint8Array>(keys.signal(id, name));
  if (value === null) return null;
  // An older version did not keep who sent it.
  const { json, by } = value instanceof Uint8Array ? { json: value, by: null } : value;
  return { json: new TextDecoder().decode(json), by };
}

/** Whether a task has {@link MAX_SIGNALS} signals that it has not taken yet. */
export async function hasManySignals(kv: Deno.Kv, id: string): Promise<boolean> {
  const entries = kv.list({ prefix: keys.signalsOf(id) }, { limit: MAX_SIGNALS });
  return (await Array.fromAsync(entries)).length === MAX_SIGNALS;
}
