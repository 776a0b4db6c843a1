/**
 * The commands of which a history consists.
 *
 * @module
 */

import fc from "fast-check";
import { isQueued, type TaskRecord, waits } from "../../lib/task/record.ts";
import { timePasses } from "../helpers/deadline.ts";
import { audit, OWN_KINDS } from "./audit.ts";
import { auditStore } from "./audit_store.ts";
import { FeedWatcher } from "./feed_watcher.ts";
import { holds } from "./invariants.ts";
import { type Operation, perform, type Shape } from "./operations.ts";
import { MODULES, type Reference } from "./reference.ts";
import { OWN_WAYS, PLAIN } from "./script.ts";
import { checkStartOrder } from "./start_order.ts";
import { TaskWatcher } from "./task_watcher.ts";
import { LEASE_MS, type World } from "./world.ts";

/** One command. */
export type Command = fc.AsyncCommand<Reference, World>;

/** Milliseconds that the server's clock may be off: less than what is kept for days. */
const MAX_SHIFT = 3 * 24 * 3600_000;

/** A command that is one step and the look at everything after it. */
function command(
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

const NUDGE: Shape = {
  kind: "model",
  input: { ...PLAIN, prints: "stdout" },
  priority: 0,
  delay_ms: 0,
  max_attempts: 3,
  timeout_ms: null,
};

const hasTasks = (reference: Reference) => reference.present.length > 0;

const number = fc.nat({ max: 1000 });

const shape: fc.Arbitrary<Shape> = fc.record({
  kind: fc.constantFrom("model", "model", "model-limited", "model-staged"),
  input: fc.record({
    ...constants(PLAIN),
    rows: fc.oneof({ weight: 6, arbitrary: fc.integer({ min: 1, max: 30 }) }, {
      weight: 1,
      // Long enough for its oldest rows to be removed.
      arbitrary: fc.constant(200),
    }),
    every: fc.constantFrom(1, 3, 7),
    pause_ms: fc.constantFrom(0, 2, 15),
    padding: fc.constantFrom(0, 0, 0, 20_000),
    fails: fc.constantFrom(0, 0, 0, 0, 1, 2, 3),
    throws: fc.constantFrom("error", "error", "getter", "proxy", "aggregate", "final"),
    holds: fc.constantFrom(false, false, false, true),
    deaf: fc.constantFrom(false, false, true),
    cleans: fc.constantFrom(false, true),
    draws: fc.constantFrom(false, false, true),
    naps: fc.constantFrom(0, 0, 0, 30, 400),
    prints: fc.constantFrom("", "", "", "", ...OWN_WAYS, "fd", "program", "worker"),
  }),
  priority: fc.constantFrom(0, 0, -5, 5),
  delay_ms: fc.constantFrom(0, 0, 0, 0, 40, 300, 3_600_000),
  max_attempts: fc.constantFrom(3, 3, 1, 2),
  timeout_ms: fc.constantFrom(null, null, null, null, 150, 600),
});

/** Each value always. */
function constants<T extends object>(values: T): { [Name in keyof T]: fc.Arbitrary<T[Name]> } {
  const entries = Object.entries(values).map(([name, value]) => [name, fc.constant(value)]);
  return Object.fromEntries(entries);
}

const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant("submit" as const), shape }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("submit with a key" as const),
      shape,
      key: fc.nat({ max: 3 }),
      same: fc.constantFrom(true, true, false),
      twice: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("submit with an upload" as const),
      shape,
      // One piece, or two.
      size: fc.constantFrom(10, 70_000),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom(...["cancel", "retry", "delete", "signal", "signal"] as const),
      task: number,
    }),
  },
);

function tell(it: Operation): string {
  const { do: name, ...more } = it;
  return `${name} ${JSON.stringify(more)}`;
}

const operations = operation.map((it) =>
  command(
    tell(it),
    (reference, world) => perform(it, reference, world, { alone: true }),
    it.do.startsWith("submit") ? undefined : hasTasks,
  )
);

/** More tasks of a kind than may run, so that most of them wait for those before them. */
const lines = fc.array(fc.constantFrom(-5, 0, 0, 5), { minLength: 6, maxLength: 8 })
  .map((priorities) =>
    command(`${priorities.length} tasks queue up: ${priorities}`, async (reference, world) => {
      const input = { ...PLAIN, rows: 30, pause_ms: 15 };
      const shape = { ...NUDGE, kind: "model-limited", input };
      for (const priority of priorities) {
        const submit: Operation = { do: "submit", shape: { ...shape, priority } };
        await perform(submit, reference, world, { alone: true });
      }
    })
  );

/** An id to come (back) with. */
type From = "last" | "0" | "nothing" | "old" | "future" | "bogus";

const from = fc.constantFrom<From>(
  "last",
  "last",
  "last",
  "0",
  "nothing",
  "old",
  "future",
  "bogus",
);

const connect = fc.record({ task: number, from }).map(({ task, from }) =>
  command(`connect to task ${task} with ${from}`, async (reference, world) => {
    const { id, fate } = reference.pick(task)!;
    const known = from === "last" || from === "old" ? "0" : idOf(from, "", []);
    const watcher = new TaskWatcher(() => world.url, { id, from: known, fate });
    world.watchers.push(watcher);
    await timePasses(5);
  }, hasTasks)
);

function idOf(from: From, last: string, seen: readonly string[]): string | null {
  switch (from) {
    case "last":
      return last;
    case "0":
      return "0";
    case "nothing":
      return null;
    case "old":
      return seen[Math.floor(seen.length / 2)] ?? "0";
    case "future":
      return "999999999";
    case "bogus":
      return "no id; at all";
  }
}

/** A command for one client of those there are. */
function client(
  name: string,
  n: number,
  run: (watcher: TaskWatcher) => void | Promise<void>,
): Command {
  return command(`${name} (client ${n})`, async (_, world) => {
    const watcher = world.watchers[n % world.watchers.length];
    if (watcher) await run(watcher);
  }, hasTasks);
}

const clients = fc.oneof(
  number.map((n) => client("drop", n, (watcher) => watcher.drop())),
  number.map((n) => client("stop reading", n, (watcher) => watcher.stopReading())),
  number.map((n) => client("read on", n, (watcher) => watcher.readOn())),
  fc.tuple(number, from).map(([n, from]) =>
    client(`come back with ${from}`, n, async (watcher) => {
      const ids = watcher.seen.map(({ id }) => id);
      await watcher.comeBack(idOf(from, watcher.lastEventId ?? "0", ids));
    })
  ),
);

const feeds = fc.oneof(
  fc.constant(
    command("follow all tasks", async (_, world) => {
      if (world.feeds.length < 3) world.feeds.push(new FeedWatcher(() => world.url));
      await timePasses(5);
    }),
  ),
  fc.tuple(number, fc.constantFrom("drop", "last", "old", "bogus")).map(([n, how]) =>
    command(`feed ${n}: ${how}`, async (_, world) => {
      const feed = world.feeds[n % world.feeds.length];
      if (!feed) return;
      const { cursors, lastEventId } = feed;
      if (how === "drop") await feed.drop();
      else if (how === "last") await feed.comeBack(lastEventId);
      else if (how === "bogus") await feed.comeBack("no cursor");
      else await feed.comeBack(cursors[Math.floor(cursors.length / 2)] ?? null);
    })
  ),
);

/**
 * A task with large rows, and then everybody at once: those who were there before it, and a crowd
 * that was not. Each has to come level, by a replay or by a snapshot.
 */
const storms = fc.record({ count: fc.integer({ min: 5, max: 25 }), old: fc.boolean() })
  .map(({ count, old }) =>
    command(`${count} come back with ${old ? "an old" : "no"} cursor`, async (reference, world) => {
      const before = new FeedWatcher(() => world.url);
      await world.until(() => holds("I10", before.cursors.length > 0, () => "no snapshot came"));
      const cursor = before.cursors[0]!;
      await perform({ do: "submit", shape: LARGE }, reference, world, { alone: true });
      const { id } = reference.tasks.at(-1)!;
      await world.until(async () => {
        const { status, seq } = await world.get<TaskRecord>(`/tasks/${id}`);
        holds("I1", status === "completed", () => `${id} is ${status} ${seq}`);
      });
      const { tasks } = await world.get<{ tasks: TaskRecord[] }>("/tasks?limit=100");
      await using crowd = new AsyncDisposableStack();
      const feeds = Array.from({ length: count }, () => {
        return crowd.use(new FeedWatcher(() => world.url, old ? cursor : null));
      });
      await Promise.all([
        ...world.watchers.map((watcher) => watcher.comeBack("0")),
        before.comeBack(cursor),
      ]);
      feeds.push(crowd.use(before));
      await world.until(() => {
        for (const feed of feeds) {
          if (feed.failure) throw feed.failure;
          const behind = tasks.find((task) => !feed.knows(task));
          holds("I3", behind === undefined && feed.connections > 0, () => {
            const known = feed.records.get(behind?.task_id ?? "");
            return `${JSON.stringify(behind)} is not known: ${JSON.stringify(known)}`;
          });
        }
      });
    })
  );

/** Begins some wishes at once. What is returned waits for them, and throws the first failure. */
function begin(
  during: readonly Operation[],
  reference: Reference,
  world: World,
): () => Promise<void> {
  const asked = Promise.allSettled(
    during.map((it) => perform(it, reference, world, { alone: false })),
  );
  return async () => {
    for (const result of await asked) if (result.status === "rejected") throw result.reason;
  };
}

/** Some wishes at once, and in their middle the server ends and begins again. */
const endings = fc.record({
  signal: fc.constantFrom("SIGKILL" as const, "SIGKILL" as const, "SIGTERM" as const),
  during: fc.array(operation, { maxLength: 3 }),
  after_ms: fc.nat({ max: 20 }),
}).map(({ signal, during, after_ms }) =>
  command(
    `${signal} after ${after_ms} ms of: ${during.map(tell).join("; ") || "nothing"}`,
    async (reference, world) => {
      const asked = begin(during, reference, world);
      await timePasses(after_ms);
      await world.end(signal);
      await asked();
      auditStore(await world.stored(), reference, { clean: signal === "SIGTERM" });
      await world.start();
    },
  )
);

const processes = fc.subarray(Object.keys(MODULES), { minLength: 1 }).map((modules) =>
  command(`SIGKILL of the task processes of ${modules}`, async (reference, world) => {
    for (const module of modules) {
      const pids = await world.taskProcesses(module);
      reference.died(module, pids);
      world.killTasks(pids);
    }
    world.figures.deaths++;
  })
);

const freezes = fc.array(operation, { maxLength: 2 }).map((during) =>
  command(
    `SIGSTOP past the lease during: ${during.map(tell).join("; ") || "nothing"}`,
    async (reference, world) => {
      const asked = await world.freeze(async () => {
        const asked = begin(during, reference, world);
        await timePasses(1.5 * LEASE_MS);
        return asked;
      });
      await asked();
    },
  )
);

const jumps = fc.constantFrom(-1000, 1000, -90_000, 90_000, -3_660_000, 3_660_000, -108e6, 108e6)
  .map((ms) =>
    command(`the clock jumps by ${ms / 1000} s`, async (reference, world) => {
      if (Math.abs(reference.shift + ms) > MAX_SHIFT) return;
      if (ms < 0) checkStartOrder(reference);
      reference.shift += ms;
      reference.jumped();
      await world.setClock(reference.shift);
      if (ms > 0) return;
      await audit(reference, world);
      reference.newEra();
    })
  );

const pauses = fc.integer({ min: 5, max: 120 })
  .map((ms) => command(`${ms} ms pass`, () => timePasses(ms)));

/** Every command, each as often as it is worth. */
export const COMMANDS: fc.Arbitrary<Command>[] = [
  ...repeat(20, operations),
  ...repeat(1, lines),
  ...repeat(6, connect),
  ...repeat(8, clients),
  ...repeat(3, feeds),
  ...repeat(2, storms),
  ...repeat(4, endings),
  ...repeat(1, processes),
  ...repeat(1, freezes),
  ...repeat(3, jumps),
  ...repeat(5, pauses),
];

function repeat<T>(times: number, it: T): T[] {
  return Array.from({ length: times }, () => it);
}

/** Lets everything come to its end, and looks at all of it once more, down to the file. */
export async function finish(reference: Reference, world: World): Promise<void> {
  for (const watcher of world.watchers) {
    watcher.readOn();
    if (!watcher.here && watcher.over === null) await watcher.comeBack(watcher.lastEventId);
  }
  for (const feed of world.feeds) {
    feed.readOn();
    if (!feed.here) await feed.comeBack(feed.lastEventId);
  }
  for (const [n, { fate }] of reference.present.entries()) {
    if (!fate.script.holds || fate.timeoutMs !== null) continue;
    await perform({ do: "cancel", task: n }, reference, world, { alone: true });
  }
  await audit(reference, world);
  // What waits for no time ends whatever the clock says; it may have been set back.
  await allEnd(world, (record) => isQueued(record) && waits(record));
  const due = reference.present.map(({ record }) => Date.parse(record!.run_at));
  reference.shift = Math.max(reference.shift, ...due.map((at) => at - Date.now() + 1000));
  await world.setClock(reference.shift);
  // A server looks at its clock within five seconds, or when something happens.
  await perform({ do: "submit", shape: NUDGE }, reference, world, { alone: true });
  const { id, submission } = reference.tasks.at(-1)!;
  await allEnd(world, () => false);
  const printed = `${submission.input.nonce} by stdout`;
  await world.until(() => {
    world.checkLog();
    const told = world.printed.some((it) => it.id === id && it.line === printed);
    holds("I18", told, () => `${printed} is not in the log`);
  });
  await world.checkModules();
  for (const watcher of world.watchers) {
    await world.until(() => {
      if (watcher.failure) throw watcher.failure;
      holds("I8", watcher.over !== null, () => `a stream of ${watcher.id} does not end`);
    });
  }
  for (const feed of world.feeds) {
    await world.until(async () => {
      if (feed.failure) throw feed.failure;
      const { tasks } = await world.get<{ tasks: FeedRecord[] }>(
        `/tasks?limit=100&kind=${OWN_KINDS}`,
      );
      for (const { task_id, status, seq } of tasks) {
        const known = feed.records.get(task_id);
        // In a snapshot it has the place of the end, live that of the message before it.
        const level = known?.status === status && known.seq >= seq - 1;
        // A snapshot has the newest tasks, which may be those of the crowd.
        const right = level || (known === undefined && (feed.partial || world.crowded));
        holds("I3", right, () => `${task_id} is ${status} ${seq}; seen ${JSON.stringify(known)}`);
      }
    });
  }
  await audit(reference, world);
  checkStartOrder(reference);
  for (const { id, over, seen } of world.watchers) {
    const task = reference.tasks.find((task) => task.id === id)!;
    const end = task.gone === false ? 204 : 404;
    holds("I8", over === end || over === 204, () => `a stream of ${id} ended with ${over}`);
    const last = seen.at(-1)?.event;
    const right = task.gone !== false || last === "complete" || seen.length === 0;
    holds("I8", right, () => `a stream of ${id} ended behind ${last}`);
  }
  await world.end("SIGTERM");
  const entries = await world.stored();
  auditStore(entries, reference, { clean: true });
  const removing = entries.filter(({ key }) => key[0] === "removed");
  holds("I5", removing.length === 0, () => `still to be removed: ${removing.length}`);
}

/** Waits until every task has ended, but for those that may go on. */
async function allEnd(world: World, may: (record: TaskRecord) => boolean): Promise<void> {
  await world.until(async () => {
    const path = `/tasks?status=pending,running,waiting&kind=${OWN_KINDS}`;
    const { tasks } = await world.get<{ tasks: TaskRecord[] }>(path);
    const task = tasks.find((record) => !may(record));
    const details = task && await world.get(`/tasks/${task.task_id}/details`);
    holds("I1", !task, () => `never ends: ${JSON.stringify([task, details])}`);
  });
}

type FeedRecord = { task_id: string; status: string; seq: number };

/** Its rows weigh more than is replayed to anybody. */
const LARGE: Shape = {
  ...NUDGE,
  input: { ...PLAIN, rows: 220, every: 7, padding: 20_000 },
};
