import { assert, assertEquals, assertGreater, assertLessOrEqual } from "@std/assert";
import { HubEvent } from "../../../lib/feed/hub_event.ts";
import type { LiveTask } from "../../../lib/store/live_task.ts";
import { Pending } from "../../../lib/runner/pending.ts";
import { type Rank, rankKey } from "../../../lib/kv/rank.ts";
import { newTask } from "../../../lib/task/new_task.ts";
import { kvWith } from "../../helpers/kv_with.ts";

/** Far more tasks than are held in memory. */
const MANY = 30_000;

function id(n: number): string {
  return String(n).padStart(26, "0");
}

function rank(n: number, more: Partial<Rank> = {}): Rank {
  return { kind: "k", waits: false, priority: 0, runAt: n, id: id(n), ...more };
}

function ranks(count: number, more: (n: number) => Partial<Rank> = () => ({})): Rank[] {
  return Array.from({ length: count }, (_, n) => rank(n, more(n)));
}

/** A store with some tasks, the {@link Pending} that reads it, and what that has read. */
class Queue implements AsyncDisposable {
  lists = 0;
  rows = 0;
  now = 0;
  readonly kv: Deno.Kv;
  readonly pending: Pending;
  /** How many of the next reads fail. */
  failures = 0;
  readonly errors: unknown[] = [];
  /** Waited for before a read. */
  before: (selector: Deno.KvListSelector) => Promise<void> = () => Promise.resolve();
  #ready = Promise.withResolvers<void>();
  readonly #jobs = new Set<Promise<unknown>>();

  private constructor(kv: Deno.Kv) {
    this.kv = kv;
    const list = (...args: Parameters<Deno.Kv["list"]>) => this.#list(...args);
    this.pending = new Pending({
      kv: kvWith(kv, { list: list as unknown as Deno.Kv["list"] }),
      now: () => this.now,
      onready: () => this.#ready.resolve(),
      own: (promise) => {
        const job = promise.catch((error) => this.errors.push(error))
          .finally(() => this.#jobs.delete(job));
        this.#jobs.add(job);
      },
    });
  }

  static async open(ranks: readonly Rank[]): Promise<Queue> {
    const kv = await Deno.openKv(":memory:");
    for (let at = 0; at < ranks.length; at += 500) {
      const atomic = kv.atomic();
      for (const rank of ranks.slice(at, at + 500)) atomic.set(rankKey(rank), null);
      await atomic.commit();
    }
    return new Queue(kv);
  }

  async *#list(...args: Parameters<Deno.Kv["list"]>) {
    this.lists++;
    await this.before(args[0]);
    if (this.failures-- > 0) throw new Error("the store is away");
    for await (const entry of this.kv.list(...args)) {
      this.rows++;
      yield entry;
    }
  }

  /** Resolves when the reads that run on their own are over. */
  async settled(): Promise<void> {
    await Promise.all(this.#jobs);
  }

  /** Takes the tasks that may run now, as a worker does, until nothing more is read. */
  async *take(): AsyncGenerator<Rank> {
    while (true) {
      for (let next; (next = this.pending.next(() => true));) yield next;
      this.pending.rest();
      if (this.#jobs.size === 0) return;
      await Promise.race([this.#ready.promise, Promise.all(this.#jobs)]);
      this.#ready = Promise.withResolvers();
    }
  }

  async ids(): Promise<string[]> {
    return await Array.fromAsync(this.take(), ({ id }) => id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.pending.close();
    await Promise.all(this.#jobs);
    this.kv.close();
  }
}

function heard({ id, kind, priority, runAt, waits }: Rank, fields = {}): HubEvent {
  const spec = { id, kind, maxAttempts: 1, priority, runAt, timeoutMs: null };
  const { record } = newTask(spec, waits ? 0 : runAt);
  const json = JSON.stringify({ ...record, ...fields });
  return new HubEvent({ type: "message", id, kind, seq: 1, json }, false, () => "");
}

Deno.test("Pending reads only the first task of each line of tasks that are not due yet", async () => {
  const delayed = ranks(MANY, (n) => ({ waits: true, runAt: 1000 + n, priority: n % 2 }));
  await using queue = await Queue.open(delayed);
  await queue.pending.load(["k", "other"]);
  assertEquals(await queue.ids(), []);
  // The first task of each line; the reads that find no other line have no rows.
  assertEquals(queue.rows, 2);
  const { lists } = queue;
  for (let n = 0; n < 100; n++) assertEquals(await queue.ids(), []);
  assertEquals(queue.lists, lists);

  queue.now = 1000;
  assertEquals(await queue.ids(), [id(0)]);
  queue.now = 1000 + MANY / 3;
  const some = await queue.ids();
  assertEquals(some.length, MANY / 3);
  queue.now = 1000 + MANY;
  const others = await queue.ids();
  assertEquals(new Set([id(0), ...some, ...others]).size, MANY);
  // Those of higher priority first, each priority in the order in which its tasks were due.
  const important = others.findIndex((id) => Number(id) % 2 === 0);
  assertEquals(others, [
    ...others.slice(0, important).toSorted(),
    ...others.slice(important).toSorted(),
  ]);
  assertLessOrEqual(queue.rows, 1.2 * MANY);
});

Deno.test("Pending does not read the store for tasks that it hears of, however many wait for a time", async () => {
  await using queue = await Queue.open([]);
  await queue.pending.load(["k", "other"]);
  const { lists } = queue;
  for (let n = 0; n < MANY; n++) {
    // The tasks that are due first come last.
    queue.pending.hear(heard(rank(MANY - n, { waits: true, runAt: 1000 + MANY - n })));
    queue.pending.rest();
  }
  assertEquals([await queue.ids(), queue.lists], [[], lists]);
  queue.now = 1003;
  assertEquals(await queue.ids(), [id(1), id(2), id(3)]);
  assertEquals(queue.lists, lists);
});

Deno.test("Pending takes the highest priority first, however many tasks are in the store before it", async () => {
  const waiting = [...ranks(MANY), rank(MANY, { priority: 100 }), rank(MANY + 1, { priority: -1 })];
  await using queue = await Queue.open(waiting);
  await queue.pending.load(["k", "other"]);
  const taken: string[] = [];
  for await (const { id: taking } of queue.take()) {
    taken.push(taking);
    // While thousands wait, a task with a higher priority comes.
    if (taken.length === 10) queue.pending.hear(heard(rank(MANY + 2, { priority: 1 })));
  }
  const order = [MANY, ...Array(9).keys(), MANY + 2];
  const rest = Array.from({ length: MANY - 9 }, (_, n) => n + 9);
  assertEquals(taken, [...order, ...rest, MANY + 1].map(id));
  assertLessOrEqual(queue.rows, 1.1 * MANY);
});

Deno.test("Pending finds a task that was committed only after it was dropped and the store was read past it", async () => {
  await using queue = await Queue.open(ranks(5000));
  await queue.pending.load(["k", "other"]);
  const written = Promise.withResolvers<{ ok: true; versionstamp: string }>();
  const last = rank(MANY);
  const { record } = newTask(
    { id: last.id, kind: "k", maxAttempts: 1, priority: 0, runAt: MANY, timeoutMs: null },
    MANY,
  );
  queue.pending.offer(
    { record, clean: false, committed: () => written.promise } as Partial<LiveTask> as LiveTask,
  );
  let taken = 0;
  for await (const { id } of queue.take()) {
    assert(id !== last.id);
    if (++taken < 5000) continue;
    await queue.kv.set(rankKey(last), null);
    written.resolve({ ok: true, versionstamp: "" });
    break;
  }
  assertEquals(await queue.ids(), [last.id]);
});

Deno.test("Pending takes a task that was offered during load(), although it is committed only later", async () => {
  await using queue = await Queue.open(ranks(3));
  const begun = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  queue.before = async (selector) => {
    if (!("prefix" in selector) || selector.prefix.join() !== "later,k") return;
    begun.resolve();
    await gate.promise;
  };
  const loading = queue.pending.load(["k", "other"]);
  await begun.promise;
  const offered = rank(10, { kind: "other" });
  const { record } = newTask({ ...offered, maxAttempts: 1, timeoutMs: null }, 10);
  const written = Promise.withResolvers<{ ok: true; versionstamp: string }>();
  queue.pending.offer(
    { record, clean: false, committed: () => written.promise } as Partial<LiveTask> as LiveTask,
  );
  gate.resolve();
  await loading;
  await queue.kv.set(rankKey(offered), null);
  written.resolve({ ok: true, versionstamp: "" });
  await queue.settled();
  assertEquals((await queue.ids()).toSorted(), [0, 1, 2, 10].map(id));
});

Deno.test("Pending.load() reads each line once, although it hears of tasks meanwhile", async () => {
  const others = ranks(3, (n) => ({ kind: "other", id: id(n + 10) }));
  await using queue = await Queue.open([...ranks(3), ...others]);
  const begun = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  queue.before = async (selector) => {
    if (!("prefix" in selector) || selector.prefix.join() !== "queue,k") return;
    begun.resolve();
    await gate.promise;
  };
  const loading = queue.pending.load(["k", "other"]);
  await begun.promise;
  queue.pending.hear(heard(rank(20, { waits: true, runAt: 1000 })));
  queue.pending.rest();
  await queue.settled();
  gate.resolve();
  await loading;
  assertEquals((await queue.ids()).toSorted(), [0, 1, 2, 10, 11, 12].map(id));
  assertEquals(queue.errors, []);
});

Deno.test("Pending tries a failed read again, a second after each failure, until it succeeds", async () => {
  await using queue = await Queue.open(ranks(5000));
  await queue.pending.load(["k", "other"]);
  const { lists } = queue;
  queue.failures = 2;
  const begun = performance.now();
  assertEquals((await queue.ids()).length, 5000);
  assertGreater(performance.now() - begun, 1990);
  assertEquals([queue.errors.length, queue.lists - lists], [2, 4]);
});

Deno.test("Pending forgets a task when it hears that the task no longer waits", async () => {
  await using queue = await Queue.open([]);
  await queue.pending.load(["k", "other"]);
  queue.now = 100;
  for (const n of [1, 2, 3, 4]) queue.pending.hear(heard(rank(n)));
  queue.pending.hear(heard(rank(2), { status: "canceled" }));
  queue.pending.forget(id(3));
  assertEquals(await queue.ids(), [id(1), id(4)]);
});
