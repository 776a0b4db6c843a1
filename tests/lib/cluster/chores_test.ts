import { assertEquals } from "@std/assert";
import { createLogger } from "../../../lib/base/log.ts";
import { Chores } from "../../../lib/cluster/chores.ts";

Deno.test("Chores runs one chore of each name at a time, and stop() waits for those that run", async () => {
  const chores = new Chores(createLogger({ level: "off" }));
  const begun: string[] = [];
  const gate = Promise.withResolvers<void>();
  const work = (name: string) => () => {
    begun.push(name);
    return gate.promise;
  };
  chores.once("first", work("first"));
  chores.once("first", work("first again"));
  chores.once("second", work("second"));
  let stopped = false;
  const stop = chores.stop().then(() => stopped = true);
  assertEquals(chores.signal.aborted, true);
  chores.once("third", work("third"));
  chores.every(1, "third", work("third"));
  await Promise.resolve();
  assertEquals([begun, stopped], [["first", "second"], false]);
  gate.resolve();
  await stop;
});

Deno.test("Chores.once() runs a chore again if it was asked for meanwhile, with the newest work only", async () => {
  const chores = new Chores(createLogger({ level: "off" }));
  const gates = [1, 2].map(() => Promise.withResolvers<void>());
  const done: string[] = [];
  const work = (name: string, gate: PromiseWithResolvers<void>) => async () => {
    await gate.promise;
    done.push(name);
  };
  const over = Promise.withResolvers<void>();
  chores.once("it", work("first", gates[0]!));
  chores.once("it", work("passed over", gates[1]!));
  chores.once("it", async () => {
    await work("last", gates[1]!)();
    over.resolve();
  });
  for (const gate of gates) gate.resolve();
  await over.promise;
  assertEquals(done, ["first", "last"]);
  await chores.stop();
});

Deno.test("Chores.every() logs a chore that fails by its name, and runs it again", async () => {
  const lines: string[] = [];
  const chores = new Chores(createLogger({ write: (line) => void lines.push(line) }));
  const again = Promise.withResolvers<void>();
  let turns = 0;
  chores.every(1, "sweep the floor", () => {
    if (++turns === 2) again.resolve();
    return Promise.reject(new Error("no broom"));
  });
  await again.promise;
  await chores.stop();
  assertEquals(lines[0]!.includes("cannot sweep the floor"), true);
});
