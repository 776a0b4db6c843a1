import { assert, assertEquals } from "@std/assert";
import { ulid } from "@std/ulid";
import { claimDelay } from "../../../lib/cluster/claim_order.ts";

Deno.test("claimDelay() lets one worker claim a task at once, and delays each other one by a step more", () => {
  const workers = [ulid(), ulid(), ulid(), ulid()];
  const firsts = new Map(workers.map((worker) => [worker, 0]));
  for (let n = 0; n < 2000; n++) {
    const id = ulid();
    const turns = workers.map((worker) => claimDelay(id, worker, workers.toSorted()));
    assertEquals(turns.toSorted((a, b) => a - b), [0, 150, 300, 450]);
    const first = workers[turns.indexOf(0)]!;
    firsts.set(first, firsts.get(first)! + 1);
  }
  // An even split, within six standard deviations of a fair draw.
  for (const count of firsts.values()) assert(Math.abs(count - 500) < 120, String([...firsts]));
});

Deno.test("claimDelay() makes no worker wait that is alone or knows of no other", () => {
  assertEquals(claimDelay("id", "self", []), 0);
  assertEquals(claimDelay("id", "self", ["self"]), 0);
});
