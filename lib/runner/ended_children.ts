import type { EndedChild } from "../child/protocol.ts";
import { readAnswer } from "../kv/answers.ts";
import { readGroup } from "../kv/children.ts";
import { readResult } from "../kv/head.ts";
import type { Store } from "../store/store.ts";
import { readPlan } from "../task/child.ts";
import { isFinished, type TaskRecord } from "../task/record.ts";

/** Outcomes sent at once, and characters of results after which no other one is added. */
const MAX_OUTCOMES = 100;
const MAX_TOLD = 256 * 1024;

const GONE = { name: "NotFound", message: "The task was removed, or is tried again" };

/** The outcomes of a group's children from index `from` on, as many as are sent at once. */
export async function endedChildren(
  { kv, heads }: Pick<Store, "kv" | "heads">,
  parent: string,
  name: string,
  from: number,
): Promise<EndedChild[]> {
  const plan = readPlan((await readAnswer(kv, parent, name))?.json ?? null);
  const before = Math.min(from + MAX_OUTCOMES, plan?.total ?? 0);
  if (from >= before) return [];
  const children = await Array.fromAsync(readGroup(kv, parent, name, { from, before }));
  const entries = await heads.getMany(children.map(({ id }) => id));
  const ids = new Map(children.map(({ index, id }, n) => [index, { id, entry: entries[n]! }]));
  const told: EndedChild[] = [];
  let size = 0;
  for (let index = from; index < before && size <= MAX_TOLD; index++) {
    const { id: task_id = "", entry } = ids.get(index) ?? {};
    const head = entry?.value ?? null;
    const record = head && JSON.parse(head.record) as TaskRecord;
    if (!head || !record || !isFinished(record.status)) {
      told.push({ task_id, status: "canceled", result: null, error: GONE });
      continue;
    }
    const { status, error } = record;
    const result = status === "completed" ? await readResult(kv, head) : null;
    size += result?.length ?? 0;
    told.push({ task_id, status: status as EndedChild["status"], result, error });
  }
  return told;
}
