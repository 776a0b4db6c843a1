import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import fc from "fast-check";
import { compareRanks, lineName, lineOfName, type Rank } from "../../../lib/kv/rank.ts";
import { RunQueue } from "../../../lib/runner/run_queue.ts";

const LIMIT = 6;
const READ = 3;
const KEYS = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];

/** A queue that keeps few tasks in memory, and the store that it reads, which has all. */
class World {
  readonly stored = new Map<string, Rank>();
  readonly held = new Set<string>();
  now = 0;
  readonly queue = new RunQueue({
    limit: LIMIT,
    few: 2,
    // A due task that has no room in memory is stored as one that waits for no time.
    onpark: ({ id }) => {
      const rank = this.stored.get(id);
      if (rank) queueMicrotask(() => this.put({ ...rank, waits: false }));
    },
  });

  constructor() {
    this.queue.lookForKeys("k");
    this.queue.note({ kind: "k", waits: false, priority: Infinity, runAt: -Infinity, id: "" });
  }

  put(rank: Rank): void {
    this.stored.set(rank.id, rank);
    this.queue.add({ ...rank }, this.now);
  }

  /** The stored tasks of a key that may run, in their order. */
  waiting(key: string): Rank[] {
    return [...this.stored.values()]
      .filter((rank) => rank.key === key && (!rank.waits || rank.runAt <= this.now))
      .sort(compareRanks);
  }

  next(): Rank | null {
    const taken = this.queue.next(
      this.now,
      () => true,
      (_, key) => key !== undefined && this.held.has(key) ? key : null,
    );
    if (taken) this.stored.delete(taken.id);
    return taken;
  }

  /** Does the reads that the queue wants. Returns `false` if there were none. */
  read(): boolean {
    const names = this.queue.wantedKeys();
    for (const [kind, after] of names) {
      const lines = [
        ...new Set([...this.stored.values()].filter(({ waits }) => !waits).map(lineName)),
      ]
        .filter((name) => lineOfName(name).key !== undefined && name > after).sort();
      const found = lines.slice(0, READ);
      const starts = found.map((name) => {
        const [first, next = null] = [...this.stored.values()]
          .filter((rank) => !rank.waits && lineName(rank) === name).sort(compareRanks);
        return { first: { ...first! }, next };
      });
      const more = lines.length > READ ? found.at(-1)! : null;
      this.queue.foundKeys(kind, starts, more, this.now);
    }
    const lines = this.queue.wanted(this.now);
    for (const line of lines) {
      const from = this.queue.begin(line);
      const found = [...this.stored.values()].filter((rank) =>
        rank.waits === line.waits && (line.waits || lineName(rank) === line.queue) &&
        (!line.waits || rank.priority === from.priority) && compareRanks(rank, from) >= 0
      ).sort(compareRanks);
      const ranks = found.slice(0, READ).map((rank) => ({ ...rank }));
      this.queue.end(line, ranks, found[READ] ?? null, this.now);
    }
    return names.length + lines.length > 0;
  }

  /** Takes tasks and reads until there is nothing more to take or to read. */
  async drain(): Promise<Rank[]> {
    const taken: Rank[] = [];
    let idle = 0;
    for (let steps = 0; idle < 3; steps++) {
      assertLessOrEqual(steps, 5000);
      const rank = this.next();
      if (rank) taken.push(rank);
      const read = this.read();
      await Promise.resolve();
      idle = rank || read ? 0 : idle + 1;
    }
    return taken;
  }
}

const task = fc.record({
  key: fc.constantFrom(...KEYS),
  priority: fc.integer({ min: 0, max: 1 }),
  runAt: fc.nat(20),
  waits: fc.boolean(),
});

Deno.test("RunQueue takes all tasks of keys that are not full, and the others once released, in little memory", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(task, { maxLength: 60 }),
      fc.array(task, { maxLength: 40 }),
      fc.subarray(KEYS),
      async (before, after, full) => {
        const world = new World();
        const ids = (n: number) => String(n).padStart(4, "0");
        // Tasks that an earlier process stored, of which this queue was not told.
        for (const [n, spec] of before.entries()) {
          world.stored.set(ids(n), { kind: "k", id: ids(n), ...spec, waits: false });
        }
        for (const key of full) world.held.add(key);
        for (const [n, spec] of after.entries()) {
          world.put({ kind: "k", id: ids(1000 + n), ...spec });
        }
        world.now = 30;
        const free = KEYS.filter((key) => !full.includes(key));
        const wanted = new Set(free.flatMap((key) => world.waiting(key)).map(({ id }) => id));
        const taken = await world.drain();
        assertEquals(new Set(taken.map(({ id }) => id)), wanted);
        // The keys that were full have room now.
        world.held.clear();
        for (const key of full) world.queue.release("k", key);
        const rest = await world.drain();
        assertEquals(world.stored.size, 0);
        assert(rest.every(({ key }) => full.includes(key!)));
        assertEquals(world.queue.size, 0);
      },
    ),
    { numRuns: 200 },
  );
});

Deno.test("RunQueue reads only keys that may have more tasks, each from the first one that may be missing", () => {
  const rank = (key: string, runAt: number): Rank => {
    return { kind: "k", key, waits: false, priority: 0, runAt, id: `${key}${runAt}` };
  };
  const queue = new RunQueue();
  queue.lookForKeys("k");
  queue.wantedKeys();
  // A task came while keys were read: the store may have others of its key before it.
  queue.add(rank("c", 9), 10);
  const found = [
    { first: rank("a", 1), next: null },
    { first: rank("b", 1), next: rank("b", 2) },
    { first: rank("c", 1), next: rank("c", 9) },
  ];
  queue.foundKeys("k", found, null, 10);
  const wanted = queue.wanted(10).map((line) => [line.queue, line.missing!.runAt]);
  assertEquals(wanted.sort(), [["k\0b", 2], ["k\0c", -Infinity]]);
  assertEquals(queue.size, 2);
});

Deno.test("RunQueue lets keys take turns, and takes the tasks of each key in their order", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...KEYS.slice(0, 3)), { maxLength: 6 }), (keys) => {
      const world = new World();
      for (const [n, key] of keys.entries()) {
        world.put({ kind: "k", id: String(n), key, priority: 0, runAt: n, waits: false });
      }
      while (world.read());
      const served = new Map<string, number>();
      const take = () => {
        let rank = world.next();
        while (!rank && world.read()) rank = world.next();
        return rank;
      };
      for (let rank = take(); rank; rank = take()) {
        const rounds = (served.get(rank.key!) ?? 0) + 1;
        served.set(rank.key!, rounds);
        for (const key of KEYS) {
          if (world.waiting(key).length > 0) {
            assertLessOrEqual(rounds, (served.get(key) ?? 0) + 1);
          }
        }
        const [first] = world.waiting(rank.key!);
        if (first) assert(compareRanks(rank, first) < 0);
      }
      assertEquals(world.stored.size, 0);
    }),
  );
});

Deno.test("RunQueue.next() asks about no key while all of the kind is held", () => {
  const queue = new RunQueue();
  for (let n = 0; n < 1000; n++) {
    queue.add({ kind: "k", key: `${n}\0`, waits: false, priority: 0, runAt: 1, id: `${n}` }, 1);
  }
  const asked: (string | undefined)[] = [];
  const heldBy = (_: string, key: string | undefined) => {
    asked.push(key);
    return key === undefined ? "rate k" : null;
  };
  assertEquals(queue.next(1, () => true, heldBy), null);
  assertEquals(asked, [undefined]);
});

Deno.test("RunQueue.wantedKeys() lets the keys of at most 16 kinds be read at once", () => {
  const queue = new RunQueue();
  const kinds = Array.from({ length: 40 }, (_, n) => `k${n}`);
  for (const kind of kinds) queue.lookForKeys(kind);
  const read: string[] = [];
  for (let wanted = queue.wantedKeys(); wanted.length > 0; wanted = queue.wantedKeys()) {
    assertEquals(queue.wantedKeys(), []);
    assertLessOrEqual(wanted.length, 16);
    for (const [kind] of wanted) {
      queue.foundKeys(kind, [], null, 0);
      read.push(kind);
    }
  }
  assertEquals(read, kinds);
});
