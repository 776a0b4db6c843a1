import type { TaskRecord } from "headway";
import { equal } from "@std/assert";
import { isFinished } from "../../lib/task/record.ts";
import { holds } from "./invariants.ts";
import type { ChildEnd } from "./model_kind.ts";
import type { KnownTask, Reference } from "./reference.ts";
import { childOf, type Script } from "./script.ts";

/** Notes a child, and asserts that its parent's script has it and that there is no other such. */
export function adoptChild(
  { task_id: id, kind, owner, priority }: TaskRecord,
  input: Script,
  parent: KnownTask,
  reference: Reference,
): void {
  const { script } = parent.fate;
  const n = Number(input.nonce.split(".").at(-1));
  const right = childOf(script, n);
  const same = right.kind === kind && equal(right.input, input) &&
    owner === parent.submission.owner && priority === parent.submission.priority;
  holds("I21", same, () => `${id} is no child of ${parent.id}: ${JSON.stringify(input)}`);
  const other = childrenOf(parent, reference).find((it) => {
    return it.gone === false && it.submission.input.nonce === input.nonce;
  });
  holds("I21", !other, () => `${id} and ${other!.id} are both ${input.nonce} of ${parent.id}`);
  const whose = owner === undefined ? {} : { owner };
  const more = { priority, delay_ms: 0, max_attempts: 3, timeout_ms: null };
  reference.add(id, { ...right, ...whose, ...more }, { keyed: true, parent });
}

/** A task's children, deleted ones included, in the order in which they were noted. */
function childrenOf(parent: KnownTask, { tasks }: Reference): KnownTask[] {
  return tasks.filter((task) => task.parent === parent);
}

function isUnderWay({ status, waiting_for }: TaskRecord): boolean {
  return !isFinished(status) && waiting_for?.type !== "turn";
}

/** Asserts that a parent's counts and results fit its children, unless these were retried since. */
export function checkFamily(task: KnownTask, reference: Reference): void {
  const { id, record, fate: { script } } = task;
  if (!record) return;
  const { children } = record;
  const check = (condition: boolean, what: string) =>
    holds("I21", condition, () => `${id}: ${what}, with ${JSON.stringify(children)}`);
  if (children) {
    const { total, completed, failed, canceled, running } = children;
    check(total === script.parts.length, `${script.parts.length} children`);
    check(completed + failed + canceled + running <= total, "more than there are");
  }
  const own = childrenOf(task, reference).filter(({ gone }) => gone === false);
  const underWay = own.filter((child) => isUnderWay(child.record!));
  // A child that is retried by hand does not wait for its turn.
  const inTurn = own.every(({ asked }) => asked.retries === 0);
  const { at_once } = script;
  check(at_once === 0 || !inTurn || underWay.length <= at_once, `${underWay.length} are under way`);
  if (record.status !== "completed" || script.parts.length === 0) return;
  const { completed, failed, canceled } = children!;
  check(completed + failed + canceled === children!.total, "completed before all had ended");
  const parts: ChildEnd[] = task.rows.at(-1)!.data.result.parts;
  check(parts.length === script.parts.length, `results of ${parts.length}`);
  for (const [n, [status, nonce]] of parts.entries()) {
    const child = childrenOf(task, reference).findLast(({ submission }) =>
      submission.input.nonce === childOf(script, n).input.nonce
    );
    const right = status === "completed"
      ? nonce === childOf(script, n).input.nonce
      : script.on_failure === "continue";
    check(right, `child ${n} ${status} with the result of ${nonce}`);
    if (!child || child.gone !== false || child.asked.retries > 0) continue;
    const known = child.record!.status;
    // The child may have been listed before it ended: its parent was read later.
    check(!isFinished(known) || known === status, `child ${n} is ${known}, and was ${status}`);
  }
}
