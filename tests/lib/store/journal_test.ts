import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import fc from "fast-check";
import { Journal, type JournalOptions } from "../../../lib/store/journal.ts";
import { readEntry } from "../../../lib/kv/journal_entry.ts";
import { type Key, keys } from "../../../lib/kv/keys.ts";
import { parseJournal } from "../../../lib/kv/event_text.ts";
import type { TaskEvent } from "../../../lib/task/event.ts";
import { createLogger } from "../../../lib/base/log.ts";
import { FakeTimers } from "../../helpers/fake_timers.ts";
import { kvWith } from "../../helpers/kv_with.ts";
import { seededRandom } from "../../helpers/random.ts";
import { tempDir } from "../../helpers/temp_dir.ts";
import type { Part, Write, WriteResult } from "../../../lib/store/write.ts";

interface Opened extends AsyncDisposable {
  kv: Deno.Kv;
  journal: Journal;
  logged: string[];
}

/** A journal on a store in memory, or in a file. */
async function open(
  options: Partial<JournalOptions> = {},
  { file = false } = {},
): Promise<Opened> {
  await using resources = new AsyncDisposableStack();
  const path = file ? `${resources.use(await tempDir()).path}/test.db` : ":memory:";
  const kv = options.kv ?? resources.adopt(await Deno.openKv(path), (kv) => kv.close());
  const logged: string[] = [];
  const log = createLogger({ level: "warn", write: (line) => logged.push(line) });
  const journal = new Journal({ sid: "me", log, ...options, kv });
  resources.defer(() => journal.close());
  const owned = resources.move();
  return { kv, journal, logged, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

function set(key: string, value: unknown = true, size = 16): Part {
  return { sets: [[["test", key], value, size]] };
}

function event(seq: number, json = "{}", id = "task"): TaskEvent {
  return { type: "log", id, kind: "k", seq, json };
}

async function read(kv: Deno.Kv, key: string): Promise<unknown> {
  return (await kv.get(["test", key])).value;
}

async function entries(kv: Deno.Kv): Promise<TaskEvent[][]> {
  const all = [];
  for await (const { key, value } of kv.list<Uint8Array>({ prefix: keys.journal })) {
    all.push(parseJournal((await readEntry(kv, String(key[1]), value))!).events);
  }
  return all;
}

/** A write of which only the newest value counts. */
class Counter implements Write {
  value = 0;
  rendered: number[] = [];
  outcomes: WriteResult[] = [];

  constructor(readonly key: string) {}

  render(): Part {
    this.rendered.push(this.value);
    return set(this.key, this.value);
  }

  onresult(outcome: WriteResult): void {
    this.outcomes.push(outcome);
  }
}

/** Events that have to be written in order, however many commits that takes. */
class Rows implements Write {
  readonly done = Promise.withResolvers<WriteResult>();
  parts = 0;
  #waiting: TaskEvent[];

  constructor(events: TaskEvent[]) {
    this.#waiting = events;
  }

  render(room: number): Part | null {
    const events: TaskEvent[] = [];
    for (let left = room; this.#waiting.length > 0;) {
      left -= this.#waiting[0]!.json.length + 64;
      if (left < 0) break;
      events.push(this.#waiting.shift()!);
    }
    if (events.length === 0) return null;
    this.parts++;
    return { events, more: this.#waiting.length > 0 };
  }

  onresult(outcome: WriteResult): void {
    if (!outcome.ok || this.#waiting.length === 0) this.done.resolve(outcome);
  }
}

Deno.test("Journal takes writes that come together into one commit, each with its newest value", async () => {
  await using opened = await open();
  const { kv, journal } = opened;
  const counter = new Counter("n");
  const writes = [];
  for (counter.value = 1; counter.value < 100; counter.value++) {
    journal.touch(counter);
    writes.push(journal.write(set(`w${counter.value}`)));
  }
  assert((await Promise.all(writes)).every(({ ok }) => ok));
  assertEquals([counter.rendered, await read(kv, "n")], [[100], 100]);
  assertEquals(journal.commits, 1);
  counter.value = 101;
  journal.touch(counter);
  await journal.idle();
  assertEquals([await read(kv, "n"), counter.outcomes.length], [101, 2]);
});

Deno.test("Journal stores the events of a commit in one entry, in order, with the session that wrote it", async () => {
  let commits = 0;
  await using opened = await open({ oncommit: () => commits++ });
  const { kv, journal } = opened;
  const outcomes = await Promise.all([
    journal.write({ events: [event(1), event(2)] }),
    journal.write({ events: [event(3)] }),
    journal.write(set("no event")),
  ]);
  await journal.write({ events: [event(4)] });
  await journal.write(set("nobody needs to hear"));
  assertEquals((await entries(kv)).map((events) => events.map(({ seq }) => seq)), [[1, 2, 3], [4]]);
  assertEquals([commits, (await kv.get(keys.journalHead)).value], [2, "me"]);
  const [first] = outcomes;
  assert(first?.ok);
  const entry = await kv.get<Uint8Array>(keys.journalEntry(first.versionstamp));
  const bytes = await readEntry(kv, first.versionstamp, entry.value!);
  assertEquals(parseJournal(bytes!).sid, "me");
  assertEquals(entry.versionstamp, first.versionstamp);
});

Deno.test("Journal lets a later delete or set of a key win over an earlier one in a commit", async () => {
  await using opened = await open();
  const { kv, journal } = opened;
  const key: Key = ["test", "a"];
  await Promise.all([journal.write(set("a", 1)), journal.write({ deletes: [key] })]);
  assertEquals(await read(kv, "a"), null);
  await Promise.all([journal.write({ deletes: [key] }), journal.write(set("a", 2))]);
  assertEquals(await read(kv, "a"), 2);
  assertEquals(journal.commits, 2);
});

Deno.test("Journal ends with a conflict only the writes whose check failed, and commits the others", async () => {
  for (const file of [false, true]) {
    await using opened = await open({ maxChecks: 100 }, { file });
    const { kv, journal } = opened;
    await kv.set(["test", "contended"], "theirs");
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        journal.write({
          ...set(`w${n}`),
          events: [event(n)],
          checks: n % 5 === 0
            ? [{ key: ["test", "contended"], versionstamp: null }]
            : [{ key: ["test", `free ${n}`], versionstamp: null }],
        })),
    );
    for (const [n, outcome] of outcomes.entries()) {
      assertEquals(outcome.ok, n % 5 !== 0);
      if (!outcome.ok) assertEquals(outcome.reason, "conflict");
      assertEquals(await read(kv, `w${n}`), outcome.ok ? true : null);
    }
    assertEquals((await entries(kv)).flat().length, 16);
  }
});

Deno.test("Journal lets only the first of several writes at once change a key that all of them check", async () => {
  await using opened = await open();
  const { kv, journal } = opened;
  await kv.set(["test", "known"], 0);
  for (const name of ["free", "known"]) {
    const { key, versionstamp } = await kv.get(["test", name]);
    const checks = [{ key, versionstamp }];
    const outcomes = await Promise.all([
      ...[1, 2].map((n) => journal.write({ ...set(name, n), checks })),
      journal.write({ deletes: [key], checks: [{ key, versionstamp }] }),
      journal.write(set("beside")),
    ]);
    assertEquals(outcomes.map(({ ok }) => ok), [true, false, false, true]);
    assertEquals([await read(kv, name), await read(kv, "beside")], [1, true]);
  }
});

Deno.test("Journal takes an urgent write into its next commit, before all writes that wait", async () => {
  // As over KV Connect: a commit holds few checks, so the claims take many commits.
  await using opened = await open({ maxChecks: 10 });
  const { kv, journal } = opened;
  await kv.set(["test", "taken"], "theirs");
  const check = { key: ["test", "taken"], versionstamp: null };
  let lost = 0;
  const claims = Array.from(
    { length: 200 },
    (_, n) =>
      journal.write({ ...set(`w${n}`), checks: [{ ...check }] }).then(() => {
        lost++;
      }),
  );
  const { promise, resolve } = Promise.withResolvers<WriteResult>();
  const renewal: Write = { urgent: true, render: () => set("lease"), onresult: resolve };
  await claims[0];
  journal.touch(renewal);
  assert((await promise).ok);
  assertLess(lost, 30);
  await Promise.all(claims);
});

Deno.test("Journal counts a check that many writes share once, and ends them all with a conflict if it fails", async () => {
  await using opened = await open({ maxChecks: 3 });
  const { kv, journal } = opened;
  const shared = { key: ["test", "shared"], versionstamp: null };
  const writes = (name: string) =>
    Array.from(
      { length: 20 },
      (_, n) => journal.write({ ...set(`${name}${n}`), checks: [shared] }),
    );
  const before = journal.commits;
  for (const result of await Promise.all(writes("a"))) assert(result.ok);
  assertEquals(journal.commits - before, 1);
  await kv.set(shared.key, "changed");
  const [other, ...lost] = await Promise.all([journal.write(set("free")), ...writes("b")]);
  assert(other.ok);
  for (const result of lost) assert(!result.ok && result.reason === "conflict");
});

Deno.test("Journal finds the writes whose checks failed, 10 of 20, in two reads", async () => {
  using kv = await Deno.openKv(":memory:");
  let reads = 0;
  const counting = kvWith(kv, {
    get: (...args) => {
      reads++;
      return kv.get(...args);
    },
    getMany: (...args) => {
      reads++;
      return kv.getMany(...args);
    },
  });
  await using opened = await open({ kv: counting, maxChecks: 100 });
  await kv.set(["test", "taken"], "theirs");
  const outcomes = await Promise.all(Array.from({ length: 20 }, (_, n) =>
    opened.journal.write({
      ...set(`w${n}`),
      checks: [{ key: ["test", n % 2 ? "taken" : `free ${n}`], versionstamp: null }],
    })));
  assertEquals(outcomes.map(({ ok }) => ok), outcomes.map((_, n) => n % 2 === 0));
  assertEquals(reads, 2);
});

Deno.test("Journal loses no part that does not fit into a commit, however many checks each has", async () => {
  const checks = fc.array(fc.nat(4), { minLength: 1, maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(checks, fc.integer({ min: 5, max: 12 }), async (counts, maxChecks) => {
      await using opened = await open({ maxChecks });
      const { kv, journal, logged } = opened;
      // Each write renders its part only once, as a task does.
      const said = new Set<number>();
      const settled = counts.map((count, n) => {
        const { promise, resolve } = Promise.withResolvers<WriteResult>();
        journal.touch({
          render() {
            assert(!said.has(n));
            said.add(n);
            return {
              ...set(`w${n}`),
              events: [event(n)],
              checks: Array.from({ length: count }, (_, of) => ({
                key: ["test", n, of],
                versionstamp: null,
              })),
            };
          },
          onresult: resolve,
        });
        return promise;
      });
      assert((await Promise.all(settled)).every(({ ok }) => ok));
      assertEquals((await entries(kv)).flat().map(({ seq }) => seq), counts.map((_, n) => n));
      for (const n of counts.keys()) assertEquals(await read(kv, `w${n}`), true);
      assertEquals(logged, []);
    }),
    { numRuns: 30 },
  );
});

Deno.test("Journal writes nothing once its session is gone, and calls onfenced once", async () => {
  let fenced = 0;
  const session = { key: keys.session("me"), versionstamp: "" };
  await using opened = await open({
    session: () => session.versionstamp ? session : null,
    onfenced: () => fenced++,
  });
  const { kv, journal } = opened;
  session.versionstamp = (await kv.set(session.key, "alive")).versionstamp;
  assert((await journal.write(set("before"))).ok);
  await kv.delete(session.key);
  const outcomes = await Promise.all(
    Array.from({ length: 10 }, (_, n) => journal.write({ ...set(`w${n}`), events: [event(n)] })),
  );
  const later = await journal.write(set("later"));
  for (const outcome of [...outcomes, later]) {
    assert(!outcome.ok);
    assertEquals(outcome.reason, "fenced");
  }
  assertEquals([fenced, await entries(kv)], [1, []]);
  assertEquals([await read(kv, "w0"), await read(kv, "later")], [null, null]);
});

Deno.test("Journal refuses only the parts that KV can never store, and logs each of them", async () => {
  await using opened = await open();
  const { kv, journal, logged } = opened;
  const [good, large, strange, more] = await Promise.all([
    journal.write(set("good")),
    journal.write(set("large", "x".repeat(70_000))),
    journal.write(set("strange", () => {})),
    journal.write(set("more")),
  ]);
  assertEquals([good?.ok, more?.ok], [true, true]);
  for (const outcome of [large, strange]) {
    assert(outcome && !outcome.ok);
    assertEquals(outcome.reason, "refused");
  }
  assertEquals([await read(kv, "good"), await read(kv, "large")], [true, null]);
  assertEquals(logged.length, 2);
  assert((await journal.write(set("after"))).ok);
});

Deno.test("Journal refuses an event that no commit could hold, and writes the others", async () => {
  await using opened = await open();
  const { kv, journal } = opened;
  const [large, good] = await Promise.all([
    journal.write({ events: [event(1, `"${"x".repeat(300_000)}"`)] }),
    journal.write({ events: [event(2)] }),
  ]);
  assert(large && !large.ok);
  assertEquals([large.reason, good?.ok], ["refused", true]);
  assertEquals((await entries(kv)).flat().map(({ seq }) => seq), [2]);
});

Deno.test("Journal spreads events that are too many for one commit over several, in order", async () => {
  await using opened = await open();
  const { kv, journal, logged } = opened;
  const events = Array.from({ length: 2000 }, (_, n) => event(n, `"${"x".repeat(1000)}"`));
  const rows = new Rows([...events]);
  const counter = new Counter("n");
  journal.touch(rows);
  journal.touch(counter);
  assert((await rows.done.promise).ok);
  assertGreater(rows.parts, 5);
  assertEquals((await entries(kv)).flat(), events);
  // A write that takes many commits does not keep the others waiting until its end.
  assertEquals(counter.rendered.length, 1);
  const { versionstamp } = await kv.get(["test", "n"]);
  const last = await kv.get(keys.journalHead);
  assertLess(versionstamp!, last.versionstamp!);
  assertEquals(logged, []);
});

Deno.test("Journal.taken() resolves when every queued write was taken into a commit", async () => {
  await using opened = await open();
  const { journal } = opened;
  await journal.taken();
  const counter = new Counter("n");
  journal.touch(counter);
  await journal.taken();
  assertEquals(counter.rendered, [0]);
  await journal.idle();
});

Deno.test("Journal.close() writes everything queued, and then takes no more writes", async () => {
  await using opened = await open();
  const { kv, journal } = opened;
  const rows = new Rows(Array.from({ length: 200 }, (_, n) => event(n, `"${"x".repeat(1000)}"`)));
  journal.touch(rows);
  const writing = journal.write(set("a"));
  await journal.close();
  assert((await writing).ok && (await rows.done.promise).ok);
  assertEquals((await entries(kv)).flat().length, 200);
  const after = await journal.write(set("b"));
  assert(!after.ok);
  assertEquals([after.reason, await read(kv, "b")], ["closed", null]);
});

Deno.test("Journal ends writes as closed if its KV database was closed", async () => {
  const kv = await Deno.openKv(":memory:");
  await using opened = await open({ kv });
  kv.close();
  const outcome = await opened.journal.write(set("a"));
  assert(!outcome.ok);
  assertEquals(outcome.reason, "closed");
});

Deno.test("Journal tries a commit again after a temporary error, and keeps the order", async () => {
  const kv = await Deno.openKv(":memory:");
  let failures = 3;
  const flaky = new Proxy(kv, {
    get(target, name) {
      if (name === "atomic" && failures-- > 0) {
        return () => {
          throw new Error("database is locked");
        };
      }
      const value = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  {
    await using opened = await open({ kv: flaky });
    const { journal, logged } = opened;
    const outcomes = await Promise.all([1, 2].map((n) => journal.write({ events: [event(n)] })));
    assert(outcomes.every(({ ok }) => ok));
    assertEquals((await entries(kv)).flat().map(({ seq }) => seq), [1, 2]);
    assertEquals(logged.length, 1);
  }
  kv.close();
});

Deno.test("Journal never hits a limit of KV with 10,000 writes of any size, and loses none", async () => {
  await using opened = await open({ maxChecks: 100 }, { file: true });
  const { kv, journal, logged } = opened;
  const seed = Math.floor(Math.random() * 2 ** 32);
  const random = seededRandom(seed);
  const upTo = (max: number) => Math.floor(max * random() ** 12);
  const times = <T>(count: number, make: (n: number) => T) =>
    Array.from({ length: count }, (_, n) => make(n));
  const text = "x".repeat(60_000);
  const expected = new Map<number, number>();
  let failed = 0;
  for (let wave = 0; wave < 20; wave++) {
    const writes = times(500, (n) => {
      const id = wave * 500 + n;
      const size = upTo(49_000);
      expected.set(id, size);
      return journal.write({
        checks: times(
          Math.floor(3 * random()),
          (of) => ({ key: ["check", id, of], versionstamp: null }),
        ),
        sets: [
          [["test", id], new Uint8Array(size), size],
          ...times(
            upTo(6),
            (of): [Key, unknown, number] => [["more", "k".repeat(64), id, of], 0, 8],
          ),
        ],
        deletes: times(
          random() < 0.03 ? upTo(900) : 0,
          (of) => ["gone", "k".repeat(upTo(64)), id, of],
        ),
        events: times(
          Math.floor(3 * random()),
          (of) => event(of, `"${text.slice(0, upTo(14_000))}"`, String(id)),
        ),
      });
    });
    for (const outcome of await Promise.all(writes)) if (!outcome.ok) failed++;
  }
  let found = 0;
  for await (const { key, value } of kv.list<Uint8Array>({ prefix: ["test"] })) {
    if (expected.get(Number(key[1])) === value.length) found++;
  }
  assertEquals({ seed, failed, found, logged }, { seed, failed: 0, found: 10_000, logged: [] });
});

Deno.test("Journal counts as stalled while a commit hangs, but not while its own process stood still", async () => {
  using kv = await Deno.openKv(":memory:");
  const open = Promise.withResolvers<void>();
  const hanging = kvWith(kv, {
    atomic() {
      const atomic = kv.atomic();
      const commit = atomic.commit.bind(atomic);
      atomic.commit = () => open.promise.then(commit);
      return atomic;
    },
  });
  using timers = new FakeTimers();
  const log = createLogger({ level: "error", write: () => {} });
  const journal = new Journal({ sid: "me", log, kv: hanging });
  const written = journal.write(set("late"));
  await timers.standStill(60_000);
  // The commit may have ended long ago: this process could not read the answer.
  assertEquals(journal.stalledMs, 0);
  await timers.pass(900);
  assertEquals(journal.stalledMs, 0);
  await timers.pass(200);
  assertGreater(journal.stalledMs, 1000);
  open.resolve();
  assertEquals((await written).ok, true);
  assertEquals(journal.stalledMs, 0);
  await journal.close();
  assertEquals(timers.waiting, 0);
});

Deno.test("Journal.passed() resolves once what was queued before is passed on, or was given up", async () => {
  const told: number[] = [];
  await using opened = await open({
    oncommit: (_, events) => told.push(...events.map(({ seq }) => seq)),
  });
  const { journal } = opened;
  for (const seq of [1, 2]) {
    void journal.write({ events: [event(seq)] });
    await journal.passed();
    assertEquals(told.at(-1), seq);
  }
  await journal.close();
  await journal.passed();
});
