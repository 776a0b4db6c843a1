import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import fc from "fast-check";
import type { Line } from "../../../lib/runner/line.ts";
import { compareRanks, firstRank, type Rank } from "../../../lib/kv/rank.ts";
import { type Candidate, RunQueue } from "../../../lib/runner/run_queue.ts";

const KINDS = ["a", "b"];
const LIMIT = 4;
const FEW = 2;
const AT_ONCE = 2;

const rank: fc.Arbitrary<Rank> = fc.record({
  id: fc.constantFrom(..."0123456789ABCDEFGHIJ"),
  kind: fc.constantFrom(...KINDS),
  waits: fc.boolean(),
  priority: fc.integer({ min: -1, max: 1 }),
  runAt: fc.nat(50),
});

/** A plain model: all tasks, among which the first is searched for each time. */
class Tasks {
  /** In the store. */
  readonly stored = new Map<string, Rank>();
  /** On their way into the store. */
  readonly written = new Map<string, Rank>();
  /** The ids of those that the queue dropped from memory. */
  readonly left = new Set<string>();

  first(now: number, kinds: readonly string[]): Rank | undefined {
    const known = [...this.written.values()].filter(({ id }) => !this.left.has(id));
    return [...this.stored.values(), ...known]
      .filter(({ kind, waits, runAt }) => kinds.includes(kind) && (!waits || runAt <= now))
      .sort(compareRanks)[0];
  }

  delete(id: string): void {
    this.stored.delete(id);
    this.written.delete(id);
  }

  /** What a read of the store finds now. */
  read({ kind, waits, priority, ...from }: Rank, limit: number) {
    const found = [...this.stored.values()].filter((rank) =>
      rank.kind === kind && rank.waits === waits && (!waits || rank.priority === priority) &&
      compareRanks(rank, { kind, waits, priority, ...from }) >= 0
    ).sort(compareRanks);
    return { ranks: found.slice(0, limit), next: found[limit] ?? null };
  }
}

/** The queue beside the model, and the reads that it wants. */
class World {
  readonly tasks = new Tasks();
  readonly queue = new RunQueue({
    limit: LIMIT,
    few: FEW,
    onleft: (rank) => {
      const written = this.tasks.written.get(rank.id);
      if (written && compareRanks(written, rank) === 0) this.tasks.left.add(rank.id);
    },
  });
  readonly reads: { line: Line<Candidate>; found: ReturnType<Tasks["read"]> }[] = [];
  readCount = 0;
  now = 0;
  /** Milliseconds for which a task is left to other processes. */
  readonly waitOf: (id: string) => number;

  constructor(waitOf: (id: string) => number = () => 0) {
    this.waitOf = waitOf;
  }

  add(rank: Rank): void {
    this.tasks.left.delete(rank.id);
    this.queue.add({ ...rank, wait: this.waitOf(rank.id) }, this.now);
  }

  write(rank: Rank): void {
    // A task's kind never changes.
    const kind = KINDS[rank.id.charCodeAt(0) % KINDS.length]!;
    const { id } = rank;
    this.tasks.delete(id);
    this.tasks.written.set(id, { ...rank, kind });
    this.add({ ...rank, kind });
  }

  commit(): void {
    for (const [id, rank] of this.tasks.written) {
      this.tasks.stored.set(id, rank);
      if (this.tasks.left.has(id)) this.queue.note(rank);
    }
    this.tasks.written.clear();
  }

  remove(id: string): void {
    this.tasks.delete(id);
    this.queue.remove(id);
  }

  begin(): void {
    for (const line of this.queue.wanted(this.now)) {
      const from = this.queue.begin(line);
      this.readCount++;
      this.reads.push({ line, found: this.tasks.read(from, AT_ONCE) });
    }
  }

  end(works: boolean): void {
    const read = this.reads.shift();
    if (!read) return;
    const { line, found: { ranks, next } } = read;
    if (!works) return this.queue.fail(line, this.now);
    const found = ranks.map((rank) => ({ ...rank, wait: this.waitOf(rank.id) }));
    this.queue.end(line, found, next, this.now);
  }

  /** Takes the next task as a worker does, and reads for as long as the queue wants it. */
  take(kinds: readonly string[]): Rank | null {
    // Every read leads on: at most one for each task, and one for each line's end.
    const most = this.readCount + this.tasks.stored.size + 4 * KINDS.length;
    while (true) {
      const next = this.queue.next(this.now, (kind) => kinds.includes(kind));
      if (next) {
        const { wait: _, ...rank } = next;
        const { id, waits, runAt } = rank;
        const current = this.tasks.stored.get(id) ?? this.tasks.written.get(id);
        // It is no longer pending: the read that found it is out of date.
        if (!current) continue;
        const same = compareRanks(current, rank) === 0 && current.waits === waits;
        // The clock was set back, or the task has another rank by now.
        if (!same || (waits && runAt > this.now)) this.add(current);
        else return rank;
        continue;
      }
      this.begin();
      if (this.reads.length === 0) return null;
      assertLessOrEqual(this.readCount, most, "it reads on and on");
      while (this.reads.length > 0) this.end(true);
    }
  }
}

type Op =
  | { write: Rank }
  | { commit: true }
  | { remove: string }
  | { begin: true }
  | { end: boolean }
  | { take: string[] }
  | { pass: number }
  | { lose: true };

const op: fc.Arbitrary<Op> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ write: rank }) },
  { weight: 4, arbitrary: fc.constant({ commit: true as const }) },
  { weight: 1, arbitrary: fc.record({ remove: fc.constantFrom(..."0123456789ABCDEFGHIJ") }) },
  { weight: 2, arbitrary: fc.constant({ begin: true as const }) },
  { weight: 2, arbitrary: fc.record({ end: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ take: fc.subarray(KINDS) }) },
  { weight: 2, arbitrary: fc.record({ pass: fc.integer({ min: -20, max: 20 }) }) },
  { weight: 1, arbitrary: fc.constant({ lose: true as const }) },
);

/** Notes what a process finds in the store when it begins. */
function taken(tasks: Tasks, queue: RunQueue): void {
  for (const kind of KINDS) {
    queue.note(firstRank(kind));
    const laters = [...tasks.stored.values()].filter((rank) => rank.kind === kind && rank.waits);
    for (const rank of laters.sort(compareRanks)) queue.note(rank);
  }
}

Deno.test("RunQueue.next() takes the first of all tasks, however few are in memory, and makes no useless reads", () => {
  fc.assert(
    fc.property(fc.array(op, { maxLength: 150, size: "max" }), (ops) => {
      const world = new World();
      const { tasks, queue } = world;
      for (const op of ops) {
        if ("write" in op) world.write(op.write);
        else if ("commit" in op) world.commit();
        else if ("remove" in op) world.remove(op.remove);
        else if ("begin" in op) world.begin();
        else if ("end" in op) world.end(op.end);
        else if ("pass" in op) world.now += op.pass;
        else if ("lose" in op) {
          // What the store has may be noted at any time, whether or not it is in memory.
          if (world.reads.length === 0) taken(tasks, queue);
        } else {
          while (world.reads.length > 0) world.end(true);
          const best = tasks.first(world.now, op.take) ?? null;
          assertEquals(world.take(op.take), best);
          if (best) tasks.delete(best.id);
        }
        assertLessOrEqual(queue.size, LIMIT * (KINDS.length + 1));
      }
      world.commit();
      world.now = Math.max(world.now, 100);
      while (world.reads.length > 0) world.end(true);
      while (true) {
        const best = tasks.first(world.now, KINDS) ?? null;
        assertEquals(world.take(KINDS), best);
        if (!best) break;
        tasks.delete(best.id);
      }
      assertEquals([queue.size, queue.nextChange(world.now)], [0, null]);
    }),
    { numRuns: 2000 },
  );
});

Deno.test("RunQueue leaves a task to other processes for its `wait`, then takes it, whatever the clock does", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(rank, { selector: ({ id }) => id, maxLength: 20 }),
      fc.array(fc.integer({ min: -30, max: 60 }), { maxLength: 20 }),
      (ranks, passes) => {
        const waitOf = (id: string) => id.charCodeAt(0) % 3 * 10;
        const world = new World(waitOf);
        for (const rank of ranks) world.write(rank);
        world.commit();
        let from = 0;
        const takeAll = () => {
          for (let rank; (rank = world.take(KINDS));) {
            const { id, waits, runAt } = rank;
            const waited = world.now - (waits ? Math.max(from, runAt) : from);
            // If the clock was set back, a task may be taken early.
            if (from === 0) assert(waited >= waitOf(id), `${id} after ${waited}`);
            world.tasks.delete(id);
          }
        };
        takeAll();
        for (const pass of passes) {
          if (pass < 0) from = NaN;
          world.now += pass;
          takeAll();
          const next = world.queue.nextChange(world.now);
          assert(next === null || next > world.now);
        }
        from = NaN;
        for (let next; (next = world.queue.nextChange(world.now)) !== null;) {
          world.now = next;
          takeAll();
        }
        assertEquals([world.tasks.stored.size, world.queue.size], [0, 0]);
      },
    ),
    { numRuns: 1000 },
  );
});

function candidate(id: string, more: Partial<Candidate> = {}): Candidate {
  return { id, kind: "a", waits: false, priority: 0, runAt: Number(id), ...more };
}

function order(queue: RunQueue, now: number): string[] {
  const ids = [];
  for (let next; (next = queue.next(now, () => true));) ids.push(next.id);
  return ids;
}

Deno.test("RunQueue takes its own tasks before those left to others, and an interrupted task before both", () => {
  const queue = new RunQueue();
  queue.add(candidate("1", { wait: 150 }), 10);
  queue.add(candidate("2", { wait: 150, interrupted: true }), 10);
  queue.add(candidate("3"), 10);
  assertEquals(queue.nextChange(10), 160);
  assertEquals(order(queue, 10), ["3"]);
  queue.add(candidate("4"), 11);
  assertEquals(order(queue, 160), ["2", "4", "1"]);
});

Deno.test("RunQueue leaves no task to others for longer because the clock was set back", () => {
  const queue = new RunQueue();
  queue.add(candidate("1", { wait: 150 }), 86_400_000);
  assertEquals(order(queue, 86_400_000), []);
  assertEquals(order(queue, 0), ["1"]);
});

Deno.test("RunQueue drops the last tasks of a kind, and of those that wait for a time the ones due last", () => {
  const left: string[] = [];
  const queue = new RunQueue({ limit: 3, few: 1, onleft: ({ id }) => left.push(id) });
  for (const id of ["1", "2", "3", "4"]) queue.add(candidate(id), 0);
  queue.add(candidate("5", { priority: 100 }), 0);
  assertEquals(left, ["4", "3"]);
  for (const id of ["9", "6", "8", "7"]) queue.add(candidate(id, { kind: "b", waits: true }), 0);
  assertEquals([left, queue.nextChange(0)], [["4", "3", "9"], 6]);
  // No task of any kind is taken before one that comes first and is only in the store.
  assertEquals(order(queue, 8), ["5", "1", "2"]);
  const read = (found: Candidate[]) => {
    const [line, ...others] = queue.wanted(9);
    assertEquals(others, []);
    const from = queue.begin(line!);
    queue.end(line!, found, null, 9);
    return from;
  };
  assertEquals(read([candidate("3"), candidate("4")]), candidate("3"));
  assertEquals(order(queue, 9), ["3", "4", "6", "7", "8"]);
  const last = candidate("9", { kind: "b", waits: true });
  assertEquals(read([last]), last);
  assertEquals([order(queue, 9), queue.wanted(9)], [["9"], []]);
});

Deno.test("RunQueue.remove() leaves nothing behind", () => {
  const queue = new RunQueue({ limit: 10 });
  for (let n = 1; n <= 1000; n++) {
    queue.add(candidate(String(n), { waits: n % 2 === 0, wait: n % 3 }), 0);
    queue.remove(String(n));
    assertEquals([queue.size, queue.nextChange(0)], [0, null]);
  }
  assertEquals(queue.wanted(1000), []);
});

Deno.test("RunQueue.add() replaces what is known of when a task is due and how it ranks", () => {
  const queue = new RunQueue();
  const task = candidate("1", { waits: true, runAt: 1000 });
  queue.add(task, 0);
  queue.add({ ...task, runAt: 10 }, 0);
  assertEquals(queue.nextChange(0), 10);
  assertEquals(queue.next(10, () => true)?.runAt, 10);
  assertEquals(queue.next(1000, () => true), null);

  queue.add({ ...task, waits: false, runAt: 10 }, 10);
  queue.add(task, 10);
  assertEquals(queue.next(999, () => true), null);
  assertEquals(queue.next(1000, () => true), task);
  assertEquals(queue.size, 0);
});

Deno.test("RunQueue.nextChange() returns `now` if a task became due since the last next()", () => {
  const queue = new RunQueue();
  const due = { id: "1", kind: "a", waits: true, priority: 0, runAt: 10 };
  const left = { id: "2", kind: "a", waits: false, priority: 0, runAt: 0, wait: 20 };
  for (const candidate of [due, left]) queue.add(candidate, 0);
  assertEquals(queue.next(9, () => true), null);
  // The clock has gone on since.
  assertEquals(queue.nextChange(10), 10);
  assertEquals(queue.next(10, () => true)?.id, "1");
  assertEquals(queue.nextChange(19), 20);
  assertEquals(queue.nextChange(20), 20);
  assertEquals(queue.next(20, () => true)?.id, "2");
  assertEquals(queue.nextChange(20), null);
});
