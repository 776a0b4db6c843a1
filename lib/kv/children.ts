/**
 * The stored groups of tasks' children, by name.
 *
 * @module
 */

import type { ChildPlace, GroupedChild } from "../task/child.ts";
import { isEnded } from "../task/child.ts";
import { childIndexIn, keys } from "./keys.ts";

/** Keys read at once. */
const READ = 500;

/** A child that was made; `null` if it was not. */
export async function readChild(
  kv: Deno.Kv,
  { parent, name, index }: Omit<ChildPlace, "depth">,
): Promise<GroupedChild | null> {
  return (await kv.get<GroupedChild>(keys.child(parent, name, index))).value;
}

/** The children of a group that were made, in order: those from index `from` to before `before`. */
export async function* readGroup(
  kv: Deno.Kv,
  parent: string,
  name: string,
  { from = 0, before }: { from?: number; before: number },
): AsyncGenerator<GroupedChild & { index: number }> {
  const selector = { start: keys.child(parent, name, from), end: keys.child(parent, name, before) };
  for await (const { key, value } of kv.list<GroupedChild>(selector, { batchSize: READ })) {
    yield { ...value, index: childIndexIn(key) };
  }
}

/** The ids of all children of a task that have not ended. */
export async function unendedChildren(kv: Deno.Kv, parent: string): Promise<string[]> {
  const ids: string[] = [];
  const selector = { prefix: keys.groups(parent) };
  for await (const { value } of kv.list<GroupedChild>(selector, { batchSize: READ })) {
    if (!isEnded(value.state)) ids.push(value.id);
  }
  return ids;
}
