/**
 * Commands for the clients that follow streams.
 *
 * @module
 */

import fc from "fast-check";
import type { TaskRecord } from "../../lib/task/record.ts";
import { timePasses } from "../helpers/deadline.ts";
import { type Command, command, hasTasks, number } from "./command.ts";
import { FeedWatcher } from "./feed_watcher.ts";
import { holds } from "./invariants.ts";
import { perform } from "./operations.ts";
import { LARGE } from "./shapes.ts";
import { TaskWatcher } from "./task_watcher.ts";

/** The `Last-Event-ID` that a client connects with. */
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

/** A new client follows a task. */
export const connect = fc.record({ task: number, from }).map(({ task, from }) =>
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

/** A command for one of the clients. */
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

/** Clients of a task disconnect, reconnect and stop reading. */
export const clients = fc.oneof(
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

/** Clients of all tasks connect, disconnect and reconnect. */
export const feeds = fc.oneof(
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
 * A task with large rows, after which all clients connect at once: those from before, and a crowd of
 * new ones. Each has to catch up, by a replay or by a snapshot.
 */
export const storms = fc.record({ count: fc.integer({ min: 5, max: 25 }), old: fc.boolean() })
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
      await using crowd = new AsyncDisposableStack();
      const feeds = Array.from({ length: count }, () => {
        return crowd.use(new FeedWatcher(() => world.url, old ? cursor : null));
      });
      await Promise.all([
        ...world.watchers.map((watcher) => watcher.comeBack("0")),
        before.comeBack(cursor),
      ]);
      feeds.push(crowd.use(before));
      await world.until(async () => {
        // Listed again each time: snapshots may lack old tasks, as schedules and parents make new ones.
        const { tasks } = await world.get<{ tasks: TaskRecord[] }>("/tasks?limit=100");
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
