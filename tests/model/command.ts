import fc from "fast-check";
import { audit } from "./audit.ts";
import type { Reference } from "./reference.ts";
import type { World } from "./world.ts";

export type Command = fc.AsyncCommand<Reference, World>;

/** A command that does one thing, and then audits everything. */
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

export const hasTasks = (reference: Reference) => reference.present.length > 0;

/** Picks one of the tasks or clients: it is taken modulo their number. */
export const number = fc.nat({ max: 1000 });
