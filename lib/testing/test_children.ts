import type { EndedChild, NewChild, RefusedChild } from "../child/protocol.ts";
import { toJson } from "../task/json_value.ts";
import type { ChildCounts } from "../task/record.ts";
import { errorOf } from "../task/task_error.ts";

/** The most outcomes in one answer. */
const AT_ONCE = 100;

/** The children of a tested task: functions stand in for their kinds. */
export class TestChildren {
  readonly #kinds: Readonly<Record<string, (input: unknown) => unknown>>;
  readonly #groups = new Map<string, EndedChild[]>();
  #made = 0;

  constructor(kinds: Readonly<Record<string, (input: unknown) => unknown>>) {
    this.#kinds = kinds;
  }

  /** Calls the functions of the children that have not completed yet. */
  async make(
    name: string,
    from: number,
    entries: readonly NewChild[],
  ): Promise<RefusedChild | null> {
    const group = this.#groups.get(name) ?? [];
    this.#groups.set(name, group);
    for (const [n, { kind, input }] of entries.entries()) {
      const index = from + n;
      if (group[index]?.status === "completed") continue;
      const work = Object.hasOwn(this.#kinds, kind) ? this.#kinds[kind] : undefined;
      if (!work) return { index, message: `give its kind '${kind}' in 'children'` };
      const task_id = group[index]?.task_id ??
        `01J00000000000000000CH${String(++this.#made).padStart(4, "0")}`;
      group[index] = await ended(
        task_id,
        kind,
        () => work(input === null ? undefined : JSON.parse(input)),
      );
    }
    return null;
  }

  ended(name: string, from: number): EndedChild[] {
    return this.#groups.get(name)?.slice(from, from + AT_ONCE) ?? [];
  }

  counts(name: string, total: number): ChildCounts {
    const group = this.#groups.get(name)?.slice(0, total) ?? [];
    const count = (wanted: EndedChild["status"]) =>
      group.filter(({ status }) => status === wanted).length;
    const [completed, failed, canceled] = (["completed", "failed", "canceled"] as const).map(count);
    return { total, completed: completed!, failed: failed!, canceled: canceled!, running: 0 };
  }
}

async function ended(
  task_id: string,
  kind: string,
  work: () => unknown,
): Promise<EndedChild> {
  try {
    const value = await work();
    const use = { what: `the child's '${kind}'`, root: "result" };
    const result = value === undefined ? null : toJson(value, use);
    return { task_id, status: "completed", result, error: null };
  } catch (thrown) {
    return { task_id, status: "failed", result: null, error: errorOf(thrown).error };
  }
}
