import type { Head } from "../../lib/kv/head.ts";
import { keys, keyText } from "../../lib/kv/keys.ts";
import { childStateOf, type GroupedChild } from "../../lib/task/child.ts";
import { holds } from "./invariants.ts";

/** Asserts that the stored groups of children have each child, in its present state. */
export function checkGroups(
  entries: readonly Deno.KvEntry<unknown>[],
  heads: ReadonlyMap<string, Head>,
): void {
  const groups = new Map<string, GroupedChild>();
  for (const { key, value } of entries) {
    if (key[0] === "child") groups.set(keyText(key), value as GroupedChild);
  }
  for (const [id, { child, record }] of heads) {
    if (!child) continue;
    const grouped = groups.get(keyText(keys.child(child.parent, child.name, child.index)));
    const state = childStateOf(JSON.parse(record));
    // A parent's groups are removed with it.
    const right = grouped === undefined
      ? !heads.has(child.parent)
      : grouped.id === id && grouped.state === state;
    holds("I21", right, () => `${id} is ${state}, and ${JSON.stringify(grouped)} in its group`);
  }
  for (const [key, { id }] of groups) {
    holds("I21", heads.has(id), () => `${key} is of ${id}, which is gone`);
  }
}
