import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { type Candidate, compareCandidates, Schedule } from "../../lib/schedule.ts";

const KINDS = ["a", "b", "c"];

const candidate: fc.Arbitrary<Candidate> = fc.record({
  id: fc.constantFrom(..."0123456789"),
  kind: fc.constantFrom(...KINDS),
  priority: fc.integer({ min: -2, max: 2 }),
  runAt: fc.nat(50),
});

type Op =
  | { add: Candidate }
  | { remove: string }
  | { next: string[] }
  | { later: number };

const op: fc.Arbitrary<Op> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ add: candidate }) },
  { weight: 1, arbitrary: fc.record({ remove: fc.constantFrom(..."0123456789") }) },
  { weight: 3, arbitrary: fc.record({ next: fc.subarray(KINDS) }) },
  { weight: 1, arbitrary: fc.record({ later: fc.nat(20) }) },
);

Deno.test("Schedule gives the due task of highest rank among the kinds that may run", () => {
  fc.assert(
    fc.property(fc.array(op, { maxLength: 200, size: "max" }), (ops) => {
      const schedule = new Schedule();
      const model = new Map<string, Candidate>();
      // A task's kind never changes.
      const kindOf = new Map<string, string>();
      let now = 0;
      for (const op of ops) {
        if ("add" in op) {
          const { id, kind } = op.add;
          if (!kindOf.has(id)) kindOf.set(id, kind);
          const candidate = { ...op.add, kind: kindOf.get(id)! };
          schedule.add(candidate, now);
          model.set(id, candidate);
        } else if ("remove" in op) {
          schedule.remove(op.remove);
          model.delete(op.remove);
        } else if ("next" in op) {
          const [best = null] = [...model.values()]
            .filter(({ kind, runAt }) => runAt <= now && op.next.includes(kind))
            .sort(compareCandidates);
          assertEquals(schedule.next(now, (kind) => op.next.includes(kind)), best);
          if (best) model.delete(best.id);
        } else {
          now += op.later;
        }
        assertEquals(schedule.size, model.size);
        for (const id of "0123456789") assertEquals(schedule.has(id), model.has(id));
      }
    }),
    { numRuns: 500 },
  );
});

Deno.test("Schedule.nextDue() is when the first task that is not due will be", () => {
  fc.assert(
    fc.property(fc.uniqueArray(candidate, { selector: ({ id }) => id }), fc.nat(50), (all, now) => {
      const schedule = new Schedule();
      for (const each of all) schedule.add(each, now);
      const later = all.filter(({ runAt }) => runAt > now);
      const first = Math.min(...later.map(({ runAt }) => runAt));
      assertEquals(schedule.nextDue(), later.length === 0 ? null : first);
      for (const { id } of later) schedule.remove(id);
      assertEquals(schedule.nextDue(), null);
    }),
  );
});

Deno.test("Schedule.add() takes the newer word on when a task is due and how it ranks", () => {
  const schedule = new Schedule();
  const task = { id: "1", kind: "a", priority: 0, runAt: 1000 };
  schedule.add(task, 0);
  schedule.add({ ...task, runAt: 10 }, 0);
  assertEquals(schedule.nextDue(), 10);
  assertEquals(schedule.next(10, () => true)?.runAt, 10);
  assertEquals(schedule.next(1000, () => true), null);

  schedule.add({ ...task, runAt: 10 }, 10);
  schedule.add(task, 10);
  assertEquals(schedule.next(999, () => true), null);
  assertEquals(schedule.next(1000, () => true), task);
  assertEquals(schedule.size, 0);
});

Deno.test("Schedule holds no more than its limit and says of which kinds there is more", () => {
  const schedule = new Schedule(3);
  const add = (id: string, kind: string, runAt: number) =>
    schedule.add({ id, kind, priority: 0, runAt }, 0);
  for (const id of ["1", "2", "3", "4"]) add(id, "a", 0);
  add("5", "b", 0);
  assertEquals([schedule.size, schedule.sizeOf("a"), schedule.sizeOf("b")], [4, 3, 1]);
  assertEquals([...schedule.overflowed], ["a"]);
  assertEquals(schedule.has("4"), false);
  for (const id of ["6", "7", "8", "9"]) add(id, "b", Number(id));
  assertEquals([...schedule.overflowed], ["a", ""]);
  const order = [];
  for (let next; (next = schedule.next(10, () => true));) order.push(next.id);
  // One that came due while its queue was full is read from the store again.
  assertEquals(order, ["1", "2", "3", "5", "6", "7"]);
  assertEquals([...schedule.overflowed], ["a", "", "b"]);
});
