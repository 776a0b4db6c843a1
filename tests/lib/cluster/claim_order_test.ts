import { assert, assertEquals } from "@std/assert";
import { ulid } from "@std/ulid";
import { claimDelay } from "../../../lib/cluster/claim_order.ts";

Deno.test("turnOf() gives every task one first, and the others a place behind it each", () => {
  const workers = [ulid(), ulid(), ulid(), ulid()];
  const firsts = new Map(workers.map((worker) => [worker, 0]));
  for (let n = 0; n < 2000; n++) {
    const id = ulid();
    const turns = workers.map((worker) => claimDelay(id, worker, workers.toSorted()));
    assertEquals(turns.toSorted((a, b) => a - b), [0, 150, 300, 450]);
    const first = workers[turns.indexOf(0)]!;
    firsts.set(first, firsts.get(first)! + 1);
  }
  // Evenly, within six deviations of a fair draw.
  for (const count of firsts.values()) assert(Math.abs(count - 500) < 120, String([...firsts]));
});

Deno.test("turnOf() makes nobody wait who is alone, or knows of no other", () => {
  assertEquals(claimDelay("id", "self", []), 0);
  assertEquals(claimDelay("id", "self", ["self"]), 0);
});
