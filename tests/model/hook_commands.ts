import fc from "fast-check";
import { timePasses } from "../helpers/deadline.ts";
import { type Command, command } from "./command.ts";

/** The receiver of webhooks fails in some way. */
export const hooks: fc.Arbitrary<Command> = fc.oneof(
  fc.integer({ min: 1, max: 2 }).map((count) =>
    command(`the receiver answers 500 to the next ${count}`, (_, { hooks }) => {
      hooks.refuse(count);
      return Promise.resolve();
    })
  ),
  fc.integer({ min: 10, max: 300 }).map((ms) =>
    command(`the receiver is dead for ${ms} ms`, async (_, { hooks }) => {
      await hooks.die();
      await timePasses(ms);
      hooks.live();
    })
  ),
);
