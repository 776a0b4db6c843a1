import fc from "fast-check";
import { audit } from "./audit.ts";
import type { Reference } from "./reference.ts";
import type { World } from "./world.ts";

/** One command. */
export type Command = fc.AsyncCommand<Reference, World>;

/** A command that is one step and the look at everything after it. */
export function command(
  name: string,
  run: (reference: Reference, world: World) => Promise<void>,
  check: (reference: Reference) => boolean = () => true,
): Command {
  return {
    check,
    async run(reference, world) {
      world.figures.commands++;
      await run(reference, world);
      await audit(reference, world);
    },
    toString: () => name,
  };
}

/** Whether there are some to do it to. */
export const hasTasks = (reference: Reference) => reference.present.length > 0;

/** Names a task or a client of those there are. */
export const number = fc.nat({ max: 1000 });
