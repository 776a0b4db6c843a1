import { holds } from "./invariants.ts";
import type { Reference } from "./reference.ts";
import type { World } from "./world.ts";

/** Pauses or resumes a kind. */
export async function setPause(
  kind: string,
  how: "pause" | "resume",
  { paused }: Reference,
  world: World,
): Promise<void> {
  if (how === "resume") paused.delete(kind);
  const answer = await world.ask("POST", `/kinds/${kind}/${how}`);
  holds("I24", answer?.status === 200, () => `${how} ${kind}: ${JSON.stringify(answer)}`);
  if (how === "pause" && !paused.has(kind)) paused.set(kind, null);
}
