import type { TaskRecord } from "headway";
import { holds } from "./invariants.ts";
import type { KnownTask, Reference } from "./reference.ts";
import { LIMIT } from "./script.ts";

/** A run of a task, by the server's clock. */
interface Run {
  id: string;
  /** The runs that share a limit. */
  group: string;
  /** How many runs of the group may go on at once. */
  limit: number;
  /** Milliseconds. */
  from: number;
  /** Milliseconds; `from` while it goes on, since its end is unknown. */
  to: number;
}

/**
 * Asserts by the stored rows that no limit was ever exceeded. Lists cannot show that: they are read
 * in several pages, and between two of them a task may end and another begin.
 */
export function checkRuns({ present }: Reference): void {
  const groups = Map.groupBy(present.flatMap(runsOf), ({ group }) => group);
  for (const runs of groups.values()) {
    runs.sort((a, b) => a.from - b.from);
    let open: Run[] = [];
    for (const run of runs) {
      open = [...open.filter(({ to }) => to > run.from), run];
      holds("I12", open.length <= run.limit, () => `at once: ${JSON.stringify(open)}`);
    }
  }
}

/** The runs of a limited task that began since the clock was last set back. */
function runsOf({ id, submission: { kind }, rows, rowsBefore }: KnownTask): Run[] {
  if (kind !== "model-limited" && kind !== "model-keyed") return [];
  const runs: Run[] = [];
  let run: Run | null = null;
  for (const { seq, event, data } of rows) {
    if (event !== "message") continue;
    const { status, updated_at, keys } = data as TaskRecord;
    const at = Date.parse(updated_at);
    if (run !== null) run.to = at;
    if (status !== "running") run = null;
    if (status !== "running" || run !== null || seq <= rowsBefore) continue;
    const limit = kind === "model-limited" ? LIMIT : 1;
    run = { id, group: `${kind} ${keys?.concurrency}`, limit, from: at, to: at };
    runs.push(run);
  }
  return runs;
}
