import { startsIn } from "./starts_in.ts";
import { holds } from "./invariants.ts";
import type { Reference } from "./reference.ts";

/** Asserts that no task of a paused kind started since the first look after the pause. */
export function checkPauses({ paused, present }: Reference): void {
  for (const [kind, known] of paused) {
    const starts = new Map<string, number>();
    for (const { id, rows, submission } of present) {
      if (submission.kind === kind) starts.set(id, startsIn(rows).length);
    }
    if (known === null) paused.set(kind, starts);
    else {
      for (const [id, count] of starts) {
        holds("I24", count <= (known.get(id) ?? 0), () => `${id} of ${kind} started`);
      }
    }
  }
}
